import { Readable } from 'node:stream';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DifyApp } from '../../src/dify/dify-app.ts';
import { canary, client, never, openSse, sendJson, serve, type Exchange } from './fake-server.ts';
import { Official } from './official.ts';

const user = 'u/ü&1';
const id = '3e550000-0001-4000-8000-000000000001';
const id2 = '3e550000-0002-4000-8000-000000000002';
const inputs = { topic: 'Köln' };
const uploaded = { type: 'image', transferMethod: 'local_file', uploadFileId: id } as const;
const linked = { type: 'document', transferMethod: 'remote_url', url: 'https://h/a.pdf' } as const;
const files = [uploaded, linked];
const wireFiles = [
  { type: 'image', transfer_method: 'local_file', upload_file_id: id },
  { type: 'document', transfer_method: 'remote_url', url: 'https://h/a.pdf' },
];
const streaming = { user, inputs, response_mode: 'streaming' };
const chatting = { ...streaming, query: 'q', auto_generate_name: false };
const annotation = { question: 'q', answer: 'a' };
const reply = { scoreThreshold: 0.9, embeddingProvider: 'p', embeddingModel: 'm' };
const wireReply = { score_threshold: 0.9, embedding_provider_name: 'p', embedding_model_name: 'm' };
const audio = () => ({ user, name: 'a.mp3', mimeType: 'audio/mpeg', body: Readable.from([Buffer.from('x')]) });

/** Answers that satisfy whoever asks. */
const job = { job_id: id, job_status: 'waiting' };
const list = { data: [], has_more: false, total: 0 };
const form = { form_content: '', inputs: [], user_actions: [], resolved_default_values: {}, expiration_time: null };
const stream = (exchange: Exchange) => void openSse(exchange).end();
const sound = ({ response }: Exchange) => void response.writeHead(200, { 'content-type': 'audio/mpeg' }).end('x');

interface Operation {
  /** Begins with the operation's id in Dify's description. */
  readonly name: string;
  readonly act: (app: DifyApp) => Promise<unknown>;
  /** Method and path, with the query. */
  readonly asks: string;
  readonly sends?: unknown;
  readonly answer: object | ((exchange: Exchange) => void);
}

const userQuery = `user=${encodeURIComponent(user)}`;

const operations: readonly Operation[] = [
  {
    name: 'sendChatMessage',
    act: (app) => app.chat({ user, inputs, query: 'q' }, never),
    asks: 'POST /chat-messages',
    sends: chatting,
    answer: stream,
  },
  {
    name: 'sendChatMessage with all it can have',
    act: (app) => app.chat({ user, inputs, query: 'q', conversationId: id, workflowId: id2, files }, never),
    asks: 'POST /chat-messages',
    sends: { ...chatting, conversation_id: id, workflow_id: id2, files: wireFiles },
    answer: stream,
  },
  {
    name: 'stopChatMessageGeneration',
    act: (app) => app.stop({ kind: 'chat', taskId: id, user }),
    asks: `POST /chat-messages/${id}/stop`,
    sends: { user },
    answer: {},
  },
  {
    name: 'createCompletionMessage',
    act: (app) => app.complete({ user, inputs }, never),
    asks: 'POST /completion-messages',
    sends: { ...streaming, query: '' },
    answer: stream,
  },
  {
    name: 'createCompletionMessage with all it can have',
    act: (app) => app.complete({ user, inputs, query: 'q', files }, never),
    asks: 'POST /completion-messages',
    sends: { ...streaming, query: 'q', files: wireFiles },
    answer: stream,
  },
  {
    name: 'stopGenerate',
    act: (app) => app.stop({ kind: 'completion', taskId: id, user }),
    asks: `POST /completion-messages/${id}/stop`,
    sends: { user },
    answer: {},
  },
  {
    name: 'executeWorkflow',
    act: (app) => app.runWorkflow({ user, inputs, files: [] }, never),
    asks: 'POST /workflows/run',
    sends: { ...streaming, files: [] },
    answer: stream,
  },
  {
    name: 'runWorkflowById',
    act: (app) => app.runWorkflow({ user, inputs, files, workflowId: id }, never),
    asks: `POST /workflows/${id}/run`,
    sends: { ...streaming, files: wireFiles },
    answer: stream,
  },
  {
    name: 'stopWorkflowTaskGeneration',
    act: (app) => app.stop({ kind: 'workflow', taskId: id, user }),
    asks: `POST /workflows/tasks/${id}/stop`,
    sends: { user },
    answer: {},
  },
  {
    name: 'getWorkflowRunDetail',
    act: (app) => app.workflows.run(id),
    asks: `GET /workflows/run/${id}`,
    answer: { id },
  },
  { name: 'getWorkflowLogs', act: (app) => app.workflows.logs(), asks: 'GET /workflows/logs', answer: list },
  {
    name: 'getWorkflowLogs with all filters',
    act: (app) =>
      app.workflows.logs({
        keyword: 'k',
        status: 'failed',
        page: 2,
        limit: 5,
        createdBefore: '2026-11-22T00:00:00Z',
        createdAfter: '2026-11-21T00:00:00Z',
        user: 'u',
        account: 'a@b.c',
      }),
    asks:
      'GET /workflows/logs?keyword=k&status=failed&page=2&limit=5&created_at__before=2026-11-22T00%3A00%3A00Z' +
      '&created_at__after=2026-11-21T00%3A00%3A00Z&created_by_end_user_session_id=u&created_by_account=a%40b.c',
    answer: list,
  },
  {
    name: 'streamWorkflowEvents',
    act: (app) => app.workflows.events({ runId: id, user }, never),
    asks: `GET /workflow/${id}/events?${userQuery}`,
    answer: stream,
  },
  {
    name: 'streamWorkflowEvents from the start and over pauses',
    act: (app) => app.workflows.events({ runId: id, user, snapshot: true, continueOnPause: true }, never),
    asks: `GET /workflow/${id}/events?${userQuery}&include_state_snapshot=true&continue_on_pause=true`,
    answer: stream,
  },
  {
    name: 'getChatflowHumanInputForm',
    act: (app) => app.forms.get('tok/1'),
    asks: 'GET /form/human_input/tok%2F1',
    answer: form,
  },
  {
    name: 'submitChatflowHumanInputForm',
    act: (app) => app.forms.submit({ token: 'tok/1', user, action: 'approve', inputs }),
    asks: 'POST /form/human_input/tok%2F1',
    sends: { user, action: 'approve', inputs },
    answer: {},
  },
  {
    name: 'getConversationsList',
    act: (app) => app.conversations({ user, limit: 5, lastId: id, sortBy: '-created_at' }),
    asks: `GET /conversations?${userQuery}&last_id=${id}&limit=5&sort_by=-created_at`,
    answer: list,
  },
  {
    name: 'getConversationHistory',
    act: (app) => app.messages({ user, conversationId: id, firstId: id2, limit: 5 }),
    asks: `GET /messages?conversation_id=${id}&${userQuery}&first_id=${id2}&limit=5`,
    answer: list,
  },
  {
    name: 'renameConversation',
    act: (app) => app.renameConversation({ user, conversationId: id, name: 'n' }),
    asks: `POST /conversations/${id}/name`,
    sends: { user, name: 'n', auto_generate: false },
    answer: { id },
  },
  {
    name: 'deleteConversation',
    act: (app) => app.deleteConversation({ user, conversationId: id }),
    asks: `DELETE /conversations/${id}`,
    sends: { user },
    answer: ({ response }) => void response.writeHead(204).end(),
  },
  {
    name: 'getSuggestedQuestions',
    act: (app) => app.feedback.suggested({ user, messageId: id }),
    asks: `GET /messages/${id}/suggested?${userQuery}`,
    answer: { result: 'success', data: [] },
  },
  {
    name: 'postChatMessageFeedback',
    act: (app) => app.feedback.rate({ user, messageId: id, rating: 'like', content: 'c' }),
    asks: `POST /messages/${id}/feedbacks`,
    sends: { user, rating: 'like', content: 'c' },
    answer: { result: 'success' },
  },
  {
    name: 'postChatMessageFeedback taken back',
    act: (app) => app.feedback.rate({ user, messageId: id, rating: null }),
    asks: `POST /messages/${id}/feedbacks`,
    sends: { user, rating: null },
    answer: { result: 'success' },
  },
  {
    name: 'getChatAppFeedbacks',
    act: (app) => app.feedback.list({ limit: 5 }),
    asks: 'GET /app/feedbacks?page=1&limit=5',
    answer: list,
  },
  {
    name: 'getConversationVariables',
    act: (app) => app.variables.list({ user, conversationId: id, lastId: id2, limit: 5, name: 'n' }),
    asks: `GET /conversations/${id}/variables?${userQuery}&last_id=${id2}&limit=5&variable_name=n`,
    answer: list,
  },
  {
    name: 'updateChatConversationVariable',
    act: (app) => app.variables.set({ user, conversationId: id, variableId: id2, value: { a: [1] } }),
    asks: `PUT /conversations/${id}/variables/${id2}`,
    sends: { user, value: { a: [1] } },
    answer: { id: id2 },
  },
  {
    name: 'uploadChatFile',
    act: (app) => app.files.upload({ ...audio(), size: 1 }, never),
    asks: 'POST /files/upload',
    answer: { id },
  },
  {
    name: 'previewChatFile',
    act: (app) => app.files.preview({ fileId: id }, never),
    asks: `GET /files/${id}/preview`,
    answer: sound,
  },
  {
    name: 'previewChatFile as an attachment',
    act: (app) => app.files.preview({ fileId: id, asAttachment: true }, never),
    asks: `GET /files/${id}/preview?as_attachment=true`,
    answer: sound,
  },
  {
    name: 'audioToText',
    act: (app) => app.speech.transcribe(audio(), never),
    asks: 'POST /audio-to-text',
    answer: { text: '' },
  },
  {
    name: 'textToAudioChat',
    act: (app) => app.speech.speak({ user, text: 't', voice: 'v' }, never),
    asks: 'POST /text-to-audio',
    sends: { user, text: 't', voice: 'v' },
    answer: sound,
  },
  {
    name: 'textToAudioChat of a message',
    act: (app) => app.speech.speak({ user, messageId: id }, never),
    asks: 'POST /text-to-audio',
    sends: { user, message_id: id },
    answer: sound,
  },
  { name: 'getChatAppInfo', act: (app) => app.info(), asks: 'GET /info', answer: { mode: 'chat' } },
  { name: 'getChatAppParameters', act: (app) => app.parameters(), asks: 'GET /parameters', answer: {} },
  { name: 'getChatAppMeta', act: (app) => app.meta(), asks: 'GET /meta', answer: { tool_icons: {} } },
  { name: 'getChatWebAppSettings', act: (app) => app.site(), asks: 'GET /site', answer: { title: '' } },
  { name: 'getEndUserChat', act: (app) => app.endUser(id), asks: `GET /end-users/${id}`, answer: { id } },
  {
    name: 'getAnnotationList',
    act: (app) => app.annotations.list({ page: 2, limit: 5, keyword: 'k' }),
    asks: 'GET /apps/annotations?page=2&limit=5&keyword=k',
    answer: list,
  },
  {
    name: 'createAnnotation',
    act: (app) => app.annotations.create(annotation),
    asks: 'POST /apps/annotations',
    sends: annotation,
    answer: { id },
  },
  {
    name: 'updateAnnotation',
    act: (app) => app.annotations.update({ id, ...annotation }),
    asks: `PUT /apps/annotations/${id}`,
    sends: annotation,
    answer: { id },
  },
  {
    name: 'deleteAnnotation',
    act: (app) => app.annotations.delete(id),
    asks: `DELETE /apps/annotations/${id}`,
    answer: ({ response }) => void response.writeHead(204).end(),
  },
  {
    name: 'initialAnnotationReplySettings',
    act: (app) => app.annotations.setReply({ action: 'disable', ...reply }),
    asks: 'POST /apps/annotation-reply/disable',
    sends: wireReply,
    answer: job,
  },
  {
    name: 'getInitialAnnotationReplySettingsStatus',
    act: (app) => app.annotations.replyJob({ action: 'enable', jobId: id }),
    asks: `GET /apps/annotation-reply/enable/status/${id}`,
    answer: job,
  },
];

const operationId = ({ name }: Operation) => name.split(' ', 1)[0]!;
const isForm = ({ name }: Operation) => name === 'uploadChatFile' || name === 'audioToText';

describe('every operation of the Service API that takes the key of an app', () => {
  let official: Official | undefined;

  beforeAll(async () => {
    official = await Official.open();
  });

  it('is here', ({ skip }) => {
    skip(official === undefined, 'there is no description');
    const here = new Set(operations.map(operationId));
    expect(official!.operations.symmetricDifference(here)).toEqual(new Set());
  });

  it('is held to the description, which finds what is misspelt or missing', async ({ skip }) => {
    skip(official === undefined, 'there is no description');
    const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, bytes: Buffer.alloc(0) };
    const judge = (url: string, body: object) => official!.judge({ ...asked, url, body: JSON.stringify(body) });
    expect((await judge('/v1/chat-messages', chatting)).complaints).toEqual([]);
    expect((await judge('/v1/chat-messages', { ...chatting, conversationId: id })).complaints).not.toEqual([]);
    expect((await judge('/v1/chat-messages', { user, inputs })).complaints).not.toEqual([]);
    expect((await judge(`/v1/messages/x/feedbacks`, { user, rating: 'like' })).complaints).not.toEqual([]);
    expect((await judge('/v1/chat-message', chatting)).complaints).toBe('not described');
  });

  it.each(operations)('$name is asked for as described', async (operation) => {
    const { act, asks, sends, answer } = operation;
    await using server = await serve((exchange) => {
      if (typeof answer === 'function') answer(exchange);
      else sendJson(exchange, 200, answer);
    });
    await using dify = client(server.baseUrl);
    await act(dify.one);
    expect(server.requests).toHaveLength(1);
    const request = server.requests[0]!;
    expect(`${request.method} ${request.url.replace('/v1', '')}`).toBe(asks);
    expect(request.headers).toMatchObject({ authorization: `Bearer ${canary}`, 'accept-encoding': 'identity' });
    if (!isForm(operation)) {
      expect(request.body === '' ? undefined : JSON.parse(request.body)).toEqual(sends);
      expect(request.headers['content-type']).toBe(sends === undefined ? undefined : 'application/json');
    }
    const judgement = await official?.judge(request);
    if (judgement !== undefined) expect(judgement).toEqual({ operation: operationId(operation), complaints: [] });
  });
});
