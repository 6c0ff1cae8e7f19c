import { print } from 'graphql';
import { expect } from 'vitest';
import { applyRunEvent, noAnswer } from '../../examples/answer.ts';
import { pixel } from '../sandbox/upload.ts';
import type { TestClient } from './clients.ts';
import * as operations from './operations.generated.ts';

export type Person = Pick<TestClient, 'call' | 'follow' | 'socket'>;

/** Who walks, and where to. */
export interface Walker {
  /** Somebody, and somebody with the scope `admin`. */
  readonly ann: Person;
  readonly admin: Person;
  /** Of the server. */
  readonly url: string;
}

const text =
  'GraphQL is a query language for APIs. Subscriptions push results as they happen. A log makes them resumable.';

async function apps({ ann, admin }: Walker): Promise<void> {
  const { viewer } = await ann.call(operations.ViewerDocument, {});
  expect(viewer).toMatchObject({ id: 'ann', scopes: [] });
  expect((await admin.call(operations.ViewerDocument, {})).viewer.scopes).toEqual(['admin']);
  const { apps: all } = await ann.call(operations.AppsDocument, {});
  expect(all.map(({ name, mode }) => [name, mode])).toContainEqual(['researcher', 'AGENT_CHAT']);
  const { app } = await ann.call(operations.AppDocument, { name: 'summarize' });
  expect(app).toMatchObject({ mode: 'WORKFLOW', serverVersion: '1.16.2', site: { title: 'Summarize' } });
  expect(app?.inputs.map(({ variable }) => variable)).toEqual(['text', 'sentences', 'tone']);
  expect(app?.capabilities).toContain('HUMAN_INPUT');
}

async function conversations({ ann }: Walker): Promise<void> {
  const { chat } = await ann.call(operations.AskDocument, { input: { query: '!echo Grüße 👋' } });
  expect(chat).toMatchObject({ answer: 'Grüße 👋', complete: true, run: { status: 'SUCCEEDED', error: null } });
  const conversationId = chat.conversationId!;
  const { conversations: found } = await ann.call(operations.ConversationsDocument, {});
  expect(found.nodes).toMatchObject([{ id: conversationId }]);
  const { conversationHistory } = await ann.call(operations.ConversationHistoryDocument, { conversationId });
  expect(conversationHistory.nodes).toMatchObject([{ query: '!echo Grüße 👋', answer: 'Grüße 👋' }]);
  const { renameConversation } = await ann.call(operations.RenameConversationDocument, {
    conversationId,
    name: 'Greetings',
  });
  expect(renameConversation).toMatchObject({ id: conversationId, name: 'Greetings' });
  const { deleteConversation } = await ann.call(operations.DeleteConversationDocument, { conversationId });
  expect(deleteConversation).toBe(conversationId);
}

async function devices({ ann }: Walker): Promise<void> {
  const { chat } = await ann.call(operations.AskDocument, { input: { query: '!echo Hello' } });
  const conversationId = chat.conversationId!;
  const busy = await ann.call(operations.AskDocument, { input: { query: '!long', conversationId, waitMs: 0 } });
  const { conversation } = await ann.call(operations.ActiveRunDocument, { conversationId });
  expect(conversation).toMatchObject({ id: conversationId, activeRun: { id: busy.chat.run.id, status: 'RUNNING' } });
  const seen = ann.socket.iterate<operations.ConversationEventsSubscription>({
    query: print(operations.ConversationEventsDocument),
    variables: { conversationId },
  });
  const { value: first } = await seen.next();
  expect(first?.data?.conversationEvents).toMatchObject({
    run: { id: busy.chat.run.id },
    event: { __typename: 'RunAttached' },
  });
  await seen.return?.();
  await ann.call(operations.StopRunDocument, { runId: busy.chat.run.id });
}

async function variables({ ann }: Walker): Promise<void> {
  const app = 'concierge';
  const { chat } = await ann.call(operations.AskDocument, { input: { app, query: 'When is breakfast?' } });
  const of = { app, conversationId: chat.conversationId! };
  const { conversation } = await ann.call(operations.ConversationVariablesDocument, of);
  const variable = conversation?.variables.nodes.find(({ name }) => name === 'questions');
  expect(variable).toMatchObject({ valueType: 'number', value: 1 });
  const changed = { ...of, variableId: variable!.id, value: 7 };
  const { setConversationVariable } = await ann.call(operations.SetConversationVariableDocument, changed);
  expect(setConversationVariable).toMatchObject({ id: variable!.id, name: 'questions', value: 7 });
}

async function runs({ ann }: Walker): Promise<void> {
  const question = { app: 'researcher', query: 'How far is the moon?', idempotencyKey: crypto.randomUUID() };
  const events = await ann.follow(operations.ChatStreamDocument, { input: question });
  const answer = events.reduce(applyRunEvent, noAnswer);
  expect(answer).toMatchObject({ status: 'SUCCEEDED', steps: [{ tool: 'search' }, { position: 2 }] });
  const runId = events[0]!.runId;
  const { run } = await ann.call(operations.RunDocument, { id: runId });
  expect(run).toMatchObject({ id: runId, answer: answer.text, error: null });
  const again = await ann.follow(operations.RunEventsDocument, { runId });
  expect(again.map(({ __typename }) => __typename)).toEqual(['RunAttached', 'RunFinished']);
  expect(again.reduce(applyRunEvent, noAnswer)).toEqual(answer);

  const endless = await ann.call(operations.AskDocument, { input: { query: '!long', waitMs: 0 } });
  expect(endless.chat).toMatchObject({ complete: false, run: { status: 'RUNNING' } });
  const { stopRun } = await ann.call(operations.StopRunDocument, { runId: endless.chat.run.id });
  expect(stopRun).toMatchObject({ confirmed: true, run: { status: 'STOPPED' } });
  const { runs: newest } = await ann.call(operations.RunsDocument, { filter: { kinds: ['CHAT'] }, first: 2 });
  expect(newest.nodes.map(({ id }) => id)).toEqual([endless.chat.run.id, runId]);
  const { createRunToken } = await ann.call(operations.CreateRunTokenDocument, { runId });
  expect(createRunToken.token).toMatch(/^run_/);
}

async function texts({ ann }: Walker): Promise<void> {
  const inputs = { product: '!echo A tent for two.' };
  const input = { app: 'copywriter', inputs, idempotencyKey: crypto.randomUUID() };
  const events = await ann.follow(operations.CompletionStreamDocument, { input });
  expect(events.reduce(applyRunEvent, noAnswer)).toMatchObject({ status: 'SUCCEEDED', text: 'A tent for two.' });
  const { complete } = await ann.call(operations.CompleteDocument, { input });
  expect(complete).toMatchObject({ deduplicated: true, answer: 'A tent for two.', run: { status: 'SUCCEEDED' } });
}

async function workflows({ ann, admin }: Walker): Promise<void> {
  const input = { app: 'summarize', inputs: { text }, idempotencyKey: crypto.randomUUID() };
  const events = await ann.follow(operations.WorkflowStreamDocument, { input });
  const summary = events.reduce(applyRunEvent, noAnswer);
  expect(summary).toMatchObject({ status: 'SUCCEEDED', error: null });
  const { runWorkflow } = await ann.call(operations.RunWorkflowDocument, { input });
  expect(runWorkflow).toMatchObject({ deduplicated: true, status: 'SUCCEEDED', run: { nodes: summary.nodes } });

  const id = events.flatMap((event) => (event.__typename === 'RunStarted' ? (event.workflowRunId ?? []) : []))[0]!;
  const { workflowRunRecord } = await ann.call(operations.WorkflowRunRecordDocument, { app: 'summarize', id });
  expect(workflowRunRecord).toMatchObject({ id, status: 'SUCCEEDED', inputs: { text }, outputs: runWorkflow.outputs });
  const { workflowId } = workflowRunRecord!;
  const pinned = await ann.call(operations.RunWorkflowDocument, {
    input: { app: 'summarize', inputs: { text }, workflowId: workflowId! },
  });
  expect(pinned.runWorkflow.status).toBe('SUCCEEDED');
  const filter = { user: 'ann' };
  const { workflowLogs } = await admin.call(operations.WorkflowLogsDocument, { app: 'summarize', filter, first: 2 });
  expect(workflowLogs.nodes).toMatchObject([{ user: 'ann' }, { user: 'ann', run: { id, status: 'SUCCEEDED' } }]);
}

async function forms({ ann }: Walker): Promise<void> {
  const input = { app: 'approval', inputs: { topic: 'Cake' }, idempotencyKey: crypto.randomUUID() };
  const following = ann.follow(operations.WorkflowStreamDocument, { input });
  // Asked by the mutation of the same key: a query might be answered from the client's cache.
  const status = async () =>
    (await ann.call(operations.RunWorkflowDocument, { input: { ...input, waitMs: 0 } })).runWorkflow.status;
  await expect.poll(status).toBe('PAUSED');
  const { pendingForms } = await ann.call(operations.PendingFormsDocument, { app: 'approval' });
  expect(pendingForms).toHaveLength(1);
  const [form] = pendingForms;
  expect(form?.actions.map(({ id }) => id)).toEqual(['approve', 'reject']);
  const { submitHumanInput } = await ann.call(operations.SubmitHumanInputDocument, {
    input: { formId: form!.id, action: 'approve', inputs: { comment: 'Fine by me', channel: 'mail' } },
  });
  expect(submitHumanInput.run.id).toBe(form?.runId);
  const events = await following;
  expect(events.filter(({ __typename }) => __typename === 'RunPaused')).toMatchObject([{ forms: [form] }]);
  expect(events.at(-1)).toMatchObject({ status: 'SUCCEEDED', run: { outputs: { comment: 'Fine by me' } } });
}

async function opinions({ ann, admin }: Walker): Promise<void> {
  const { chat } = await ann.call(operations.AskDocument, { input: { query: 'Hello' } });
  const messageId = chat.messageId!;
  const suggested = await ann.call(operations.SuggestedQuestionsDocument, { runId: chat.run.id });
  expect(suggested.run).toMatchObject({
    message: { id: messageId, suggestedQuestions: expect.arrayContaining(['help']) },
  });
  const rating = { messageId, rating: 'LIKE', comment: 'Just what I needed' } as const;
  const { rateMessage } = await ann.call(operations.RateMessageDocument, rating);
  expect(rateMessage).toMatchObject({ messageId, rating: 'LIKE' });
  const { feedbacks } = await admin.call(operations.FeedbacksDocument, {});
  expect(feedbacks.nodes).toMatchObject([rating]);
  const id = feedbacks.nodes[0]!.endUserId!;
  const { endUser } = await admin.call(operations.EndUserDocument, { id });
  expect(endUser).toMatchObject({ id, user: 'ann' });
}

async function annotations({ admin }: Walker): Promise<void> {
  const said = { question: 'Is it open?', answer: 'From nine to five.' };
  const { createAnnotation } = await admin.call(operations.CreateAnnotationDocument, said);
  const { id } = createAnnotation;
  const { annotations: found } = await admin.call(operations.AnnotationsDocument, { keyword: 'nine' });
  expect(found.nodes).toMatchObject([{ id, ...said, hitCount: 0 }]);
  const change = { id, question: 'Is it open?', answer: 'No.' };
  const { updateAnnotation } = await admin.call(operations.UpdateAnnotationDocument, change);
  expect(updateAnnotation).toMatchObject(change);
  const { setAnnotationReply: job } = await admin.call(operations.SetAnnotationReplyDocument, {
    enabled: true,
    scoreThreshold: 0.9,
    embeddingProvider: 'openai',
    embeddingModel: 'text-embedding-3-small',
  });
  // Told anew each time: a cache would go on saying that it waits.
  const asked = await admin.call(operations.AnnotationReplyJobDocument, { action: 'ENABLE', jobId: job.id });
  expect(['WAITING', 'PROCESSING', 'COMPLETED']).toContain(asked.annotationReplyJob?.status);
  expect(await admin.call(operations.DeleteAnnotationDocument, { id })).toMatchObject({ deleteAnnotation: id });
}

async function speech({ ann, url }: Walker): Promise<void> {
  const { speak } = await ann.call(operations.SpeakDocument, { input: { text: 'Guten Tag' } });
  const sound = await fetch(new URL(speak.url, url));
  expect([sound.status, sound.headers.get('content-type')]).toEqual([200, speak.mimeType]);
  expect((await sound.arrayBuffer()).byteLength).toBeGreaterThan(100);
}

/** Of clients that can send files. */
export async function files({ ann, url }: Walker): Promise<void> {
  const file = new File([pixel], 'dot.png', { type: 'image/png' });
  const { uploadFile } = await ann.call(operations.UploadFileDocument, { file });
  expect(uploadFile).toMatchObject({ name: 'dot.png', type: 'IMAGE', size: pixel.length });
  const { id, type } = uploadFile;
  const { chat } = await ann.call(operations.AskDocument, {
    input: { query: 'What is this?', files: [{ upload: { id, type } }] },
  });
  expect(chat.answer).toContain('dot.png');
  const asked = await ann.call(operations.RunDocument, { id: chat.run.id });
  expect(asked.run).toMatchObject({ message: { files: [{ id, name: 'dot.png', fromUser: true }] } });
  const { conversationHistory } = await ann.call(operations.ConversationHistoryDocument, {
    conversationId: chat.conversationId!,
  });
  const [sent] = conversationHistory.nodes.flatMap((node) => node.files);
  expect(sent).toMatchObject({ name: 'dot.png', fromUser: true });
  const read = await fetch(new URL(sent!.url!, url));
  expect(Buffer.from(await read.arrayBuffer()).equals(pixel)).toBe(true);
  const audio = new File([Buffer.alloc(2_000, 7)], 'hello.mp3', { type: 'audio/mpeg' });
  const { transcribe } = await ann.call(operations.TranscribeDocument, { audio });
  expect(transcribe.text).not.toBe('');
}

/** Each does something that a frontend does, and looks at what comes of it. */
export const walks = [
  apps,
  conversations,
  devices,
  variables,
  runs,
  texts,
  workflows,
  forms,
  opinions,
  annotations,
  speech,
] as const;
