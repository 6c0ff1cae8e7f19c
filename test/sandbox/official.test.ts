import type { OpenAPIBackend } from 'openapi-backend';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, type Json, type Stream } from './client.ts';
import { asked, complaints, known, met, present, readDescription } from './description.ts';
import { formWith, pixel, postForm } from './upload.ts';

let operations: OpenAPIBackend['router'];

beforeAll(async () => {
  if (present) operations = (await readDescription()).router;
});

describe.skipIf(!present)('the official description', () => {
  test('has nothing against any reply', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const assistant = new Client(sandbox, 'assistant');
    const concierge = new Client(sandbox, 'concierge');
    const summarize = new Client(sandbox, 'summarize');
    const copywriter = new Client(sandbox, 'copywriter');
    const question = { query: 'When is breakfast?', inputs: {}, auto_generate_name: false };
    const blocking = await assistant.post('/chat-messages', question);
    const chatflow = await concierge.post('/chat-messages', question);
    const conversation_id = String(blocking.json['conversation_id']);
    const message = String(blocking.json['message_id']);
    const talk = String(chatflow.json['conversation_id']);
    const run = await summarize.post('/workflows/run', { inputs: { text: 'One. Two.' } });
    const variables = await concierge.get(`/conversations/${talk}/variables`);
    const variable = String((variables.json['data'] as Json[])[1]?.['id']);
    const set = { user: 'ann', value: 'x' };
    const unknown = '0516cbb8-e06a-49ef-9091-46a03e4a80b7';

    const replies: readonly (readonly [operation: string, reply: { status: number; json: Json }, kind?: string])[] = [
      ['sendChatMessage', blocking],
      ['sendChatMessage', chatflow],
      ['sendChatMessage', await assistant.post('/chat-messages', {})],
      ['sendChatMessage', await assistant.post('/chat-messages', { ...question, conversation_id: unknown })],
      ['sendChatMessage', await assistant.post('/chat-messages', { ...question, query: '!500' })],
      ['createCompletionMessage', await copywriter.post('/completion-messages', { inputs: { product: 'Tea' } })],
      ['createCompletionMessage', await copywriter.post('/completion-messages', { inputs: {} })],
      ['executeWorkflow', run],
      ['executeWorkflow', await summarize.post('/workflows/run', { inputs: { text: 'One. !fail' } })],
      ['executeWorkflow', await summarize.post('/workflows/run', { inputs: {} })],
      ['runWorkflowById', await summarize.post(`/workflows/${unknown}/run`, { inputs: { text: 'x' } })],
      ['getWorkflowRunDetail', await summarize.get(`/workflows/run/${String(run.json['workflow_run_id'])}`)],
      ['getWorkflowRunDetail', await summarize.get(`/workflows/run/${unknown}`), 'getWorkflowRunDetail unknown'],
      ['getWorkflowLogs', await summarize.get('/workflows/logs')],
      ['getWorkflowLogs', await summarize.get('/workflows/logs', { limit: '0' })],
      ['getConversationsList', await assistant.get('/conversations')],
      ['getConversationsList', await assistant.get('/conversations', { last_id: unknown })],
      ['getConversationHistory', await assistant.get('/messages', { conversation_id })],
      ['getConversationHistory', await concierge.get('/messages', { conversation_id: talk })],
      ['getConversationHistory', await assistant.get('/messages', { conversation_id: unknown })],
      ['getSuggestedQuestions', await assistant.get(`/messages/${message}/suggested`)],
      ['getSuggestedQuestions', await assistant.get(`/messages/${unknown}/suggested`)],
      ['getConversationVariables', variables],
      [
        'updateChatConversationVariable',
        await concierge.call('PUT', `/conversations/${talk}/variables/${variable}`, set),
      ],
      ['renameConversation', await assistant.post(`/conversations/${conversation_id}/name`, { name: 'x' })],
      ['renameConversation', await assistant.post(`/conversations/${conversation_id}/name`, {})],
      ...(await appReplies(sandbox)),
      ['stopChatMessageGeneration', await assistant.post('/chat-messages/x/stop')],
      ['stopGenerate', await copywriter.post('/completion-messages/x/stop')],
      ['stopWorkflowTaskGeneration', await summarize.post('/workflows/tasks/x/stop')],
      ...(await fileReplies(sandbox)),
      ...(await feedbackReplies(assistant, message)),
      ...(await annotationReplies(assistant)),
    ];
    const found = replies.flatMap(([operation, { json, status }, kind]) => complaints(operation, json, status, kind));
    expect(found).toEqual([]);
  });

  test('has nothing against any frame that it describes', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const chat = (app: string, query: string) => new Client(sandbox, app).ask(query);
    const copy = { inputs: { product: 'Tea !tts' } };
    const streams = [
      ['ChunkChatEvent', await chat('assistant', 'help !tts')],
      ['ChunkChatEvent', await chat('assistant', '!error')],
      ['ChunkChatEvent', await chat('assistant', '!replace')],
      ['ChunkChatEvent', await chat('researcher', 'the moon !file')],
      ['ChunkChatEvent', await chat('concierge', 'When is breakfast?')],
      ['ChunkChatEvent', await chat('concierge', '!fail')],
      ['ChunkWorkflowEvent', await new Client(sandbox, 'summarize').run({ text: 'One. Two.' })],
      ['ChunkWorkflowEvent', await new Client(sandbox, 'summarize').run({ text: 'One. !fail' })],
      ['ChunkCompletionEvent', await new Client(sandbox, 'copywriter').stream('/completion-messages', copy)],
    ] as const;
    const found = new Set<string>();
    for (const [chunk, stream] of streams) {
      for (const event of await stream.events()) {
        for (const text of complaints(`${chunk} ${String(event['event'])}`, event)) found.add(text);
      }
    }
    expect([...found]).toEqual([]);
  });

  test('has nothing against the replies and frames of later versions', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.16.2' });
    const found = new Set<string>();
    const check = (operation: string, { json, status }: { status: number; json: Json }, kind?: string) => {
      for (const text of complaints(operation, json, status, kind)) found.add(text);
    };
    const frames = async (chunk: string, stream: Stream) => {
      const events = await stream.events();
      for (const event of events) check(`${chunk} ${String(event['event'])}`, { status: 200, json: event });
      return events;
    };
    const [concierge, approval] = [new Client(sandbox, 'concierge'), new Client(sandbox, 'approval')];
    for (const app of ['assistant', 'researcher', 'companion']) {
      await frames('ChunkChatEvent', await new Client(sandbox, app).ask('the moon'));
    }
    await frames('ChunkWorkflowEvent', await new Client(sandbox, 'summarize').run({ text: 'One. Two.' }));
    for (const [client, chunk, stream, inputs, action] of [
      [concierge, 'ChunkChatEvent', await concierge.ask('Book a room'), { name: 'Ann', room: 'suite' }, 'confirm'],
      [
        approval,
        'ChunkWorkflowEvent',
        await approval.run({ topic: 'cake' }),
        { comment: 'a', channel: 'mail' },
        'approve',
      ],
    ] as const) {
      const events = await frames(chunk, stream);
      const run = last(events)['workflow_run_id'];
      const form = events.find(({ event }) => event === 'human_input_required')?.['data'] as Json;
      const path = `/form/human_input/${String(form['form_token'])}`;
      check('getChatflowHumanInputForm', await client.get(path));
      check('submitChatflowHumanInputForm', await client.post(path, { inputs: {}, action }));
      check('submitChatflowHumanInputForm', await client.post(path, { inputs, action }));
      check('submitChatflowHumanInputForm', await client.post(path, { inputs, action }));
      check('getChatflowHumanInputForm', await client.get(path));
      await frames(chunk, await client.follow(run));
      check('getWorkflowRunDetail', await client.get(`/workflows/run/${String(run)}`), 'getWorkflowRunDetail later');
    }
    const { json } = await concierge.get('/conversations');
    const conversation_id = String((json['data'] as Json[])[0]?.['id']);
    check('getConversationHistory', await concierge.get('/messages', { conversation_id }));
    check('getWorkflowRunDetail', await approval.get('/workflows/run/0516cbb8-e06a-49ef-9091-46a03e4a80b7'));
    const timeout = await frames('ChunkWorkflowEvent', await approval.run({ topic: 'cake !formtimeout:0.1' }));
    await frames('ChunkWorkflowEvent', await approval.follow(last(timeout)['workflow_run_id']));
    const finished = await new Client(sandbox, 'summarize').run({ text: 'One.' });
    const { created_by: by } = last(await finished.events())['data'] as { created_by: { id: string } };
    check('getEndUserChat', await new Client(sandbox, 'summarize').get(`/end-users/${by.id}`));
    check('getEndUserChat', await approval.get(`/end-users/${by.id}`));
    expect([...found]).toEqual([]);
  });

  test('knows no operation of an app that was not looked at, but those without JSON', () => {
    const ofApps = operations
      .getOperations()
      .filter(({ path }) => !/^\/(datasets|workspaces|frames)/.test(path))
      .map(({ operationId }) => operationId ?? '');
    const left = ofApps.filter((operation) => !asked.has(operation));
    expect(left.toSorted()).toEqual(['deleteAnnotation', 'deleteConversation', 'streamWorkflowEvents']);
    expect(ofApps).toHaveLength(36);
  });

  test('disagrees with the wire exactly where that is known', () => {
    expect([...met].toSorted()).toEqual(known.map(({ because }) => because).toSorted());
  });
});

type Replies = [operation: string, reply: { status: number; json: Json }][];

async function fileReplies(sandbox: Sandbox): Promise<Replies> {
  const post = (path: string, file: File | undefined) => postForm(sandbox, 'assistant', path, formWith(file));
  const picture = new File([pixel], 'pixel.png', { type: 'image/png' });
  const large = new File([Buffer.alloc(10 * 1024 * 1024 + 1)], 'large.png', { type: 'image/png' });
  const client = new Client(sandbox, 'assistant');
  const sound = new File(['x'], 'a.mp3', { type: 'audio/mp3' });
  return [
    ['uploadChatFile', await post('/files/upload', picture)],
    ['uploadChatFile', await post('/files/upload', undefined)],
    ['uploadChatFile', await post('/files/upload', large)],
    ['previewChatFile', await client.get('/files/0516cbb8-e06a-49ef-9091-46a03e4a80b7/preview')],
    ['audioToText', await post('/audio-to-text', sound)],
    ['audioToText', await post('/audio-to-text', picture)],
    ['audioToText', await post('/audio-to-text', undefined)],
    ['textToAudioChat', await client.post('/text-to-audio', {})],
  ];
}

async function feedbackReplies(client: Client, message: string): Promise<Replies> {
  const path = `/messages/${message}/feedbacks`;
  return [
    ['postChatMessageFeedback', await client.post(path, { rating: 'like', content: 'good' })],
    ['getChatAppFeedbacks', await client.get('/app/feedbacks')],
    ['postChatMessageFeedback', await client.post(path, { rating: 'x' })],
  ];
}

async function annotationReplies(client: Client): Promise<Replies> {
  const note = { question: 'What is up?', answer: 'All is well.' };
  const setting = { score_threshold: 0.9, embedding_provider_name: 'a/b/c', embedding_model_name: 'small' };
  const created = await client.call('POST', '/apps/annotations', note);
  const job = await client.call('POST', '/apps/annotation-reply/enable', setting);
  const status = `/apps/annotation-reply/enable/status/${String(job.json['job_id'])}`;
  return [
    ['createAnnotation', created],
    ['getAnnotationList', await client.get('/apps/annotations')],
    ['updateAnnotation', await client.call('PUT', `/apps/annotations/${String(created.json['id'])}`, note)],
    ['initialAnnotationReplySettings', job],
    ['getInitialAnnotationReplySettingsStatus', await client.get(status)],
    ['getInitialAnnotationReplySettingsStatus', await client.get(status.replace('/enable/', '/disable/'))],
  ];
}

/** The replies about each app itself. */
async function appReplies(sandbox: Sandbox): Promise<[string, { status: number; json: Json }][]> {
  const replies: [string, { status: number; json: Json }][] = [];
  for (const { name } of sandbox.apps) {
    const client = new Client(sandbox, name);
    replies.push(
      ['getChatAppInfo', await client.get('/info')],
      ['getChatAppParameters', await client.get('/parameters')],
      ['getChatAppMeta', await client.get('/meta')],
      ['getChatWebAppSettings', await client.get('/site')],
    );
  }
  return replies;
}
