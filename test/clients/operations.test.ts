import { print, type DocumentNode } from 'graphql';
import { expect, test } from 'vitest';
import { applyRunEvent, noAnswer } from '../../examples/answer.ts';
import { openSocket } from '../../examples/socket.ts';
import { openUrql } from '../../examples/urql.ts';
import { openRig } from '../rig.ts';
import { clients, type TestClient } from './clients.ts';
import * as operations from './operations.generated.ts';

const text =
  'GraphQL is a query language for APIs. Subscriptions push results as they happen. A log makes them resumable.';

test.each(clients)('%s runs every reference operation', async (_, open) => {
  // Quick, but not so quick that a run has ended before it can be stopped.
  await using rig = await openRig({ sandbox: { pace: 0.05 } });
  await using client = open(rig.url);
  const { call, follow, names } = recorded(client);

  const { viewer } = await call(operations.ViewerDocument, {});
  expect(viewer).toMatchObject({ id: 'ann' });
  const { apps } = await call(operations.AppsDocument, {});
  expect(apps.map(({ name, mode }) => [name, mode])).toContainEqual(['researcher', 'AGENT_CHAT']);

  const { chat } = await call(operations.AskDocument, { input: { query: '!echo Grüße 👋' } });
  expect(chat).toMatchObject({ answer: 'Grüße 👋', complete: true, run: { status: 'SUCCEEDED', error: null } });
  const conversationId = chat.conversationId!;
  const { conversations } = await call(operations.ConversationsDocument, {});
  expect(conversations.nodes).toMatchObject([{ id: conversationId }]);
  const { conversationHistory } = await call(operations.ConversationHistoryDocument, { conversationId });
  expect(conversationHistory.nodes).toMatchObject([{ query: '!echo Grüße 👋', answer: 'Grüße 👋' }]);
  const busy = await call(operations.AskDocument, { input: { query: '!long', conversationId, waitMs: 0 } });
  const { conversation } = await call(operations.ActiveRunDocument, { conversationId });
  expect(conversation).toMatchObject({ id: conversationId, activeRun: { id: busy.chat.run.id, status: 'RUNNING' } });
  names.add('ConversationEvents');
  const seen = client.socket.iterate<operations.ConversationEventsSubscription>({
    query: print(operations.ConversationEventsDocument),
    variables: { conversationId },
  });
  const { value: first } = await seen.next();
  expect(first?.data?.conversationEvents).toMatchObject({
    run: { id: busy.chat.run.id },
    event: { __typename: 'RunAttached' },
  });
  await seen.return?.();
  await call(operations.StopRunDocument, { runId: busy.chat.run.id });
  const { renameConversation } = await call(operations.RenameConversationDocument, {
    conversationId,
    name: 'Greetings',
  });
  expect(renameConversation).toMatchObject({ id: conversationId, name: 'Greetings' });
  const { deleteConversation } = await call(operations.DeleteConversationDocument, { conversationId });
  expect(deleteConversation).toBe(conversationId);

  const question = { app: 'researcher', query: 'How far is the moon?', idempotencyKey: crypto.randomUUID() };
  const events = await follow(operations.ChatStreamDocument, { input: question });
  const answer = events.reduce(applyRunEvent, noAnswer);
  expect(answer).toMatchObject({ status: 'SUCCEEDED', steps: [{ tool: 'search' }, { position: 2 }] });
  const runId = events[0]!.runId;
  const { run } = await call(operations.RunDocument, { id: runId });
  expect(run).toMatchObject({ id: runId, answer: answer.text, error: null });
  const again = await follow(operations.RunEventsDocument, { runId });
  expect(again.map(({ __typename }) => __typename)).toEqual(['RunAttached', 'RunFinished']);
  expect(again.reduce(applyRunEvent, noAnswer)).toEqual(answer);

  const input = { app: 'summarize', inputs: { text }, idempotencyKey: crypto.randomUUID() };
  const summary = (await follow(operations.WorkflowStreamDocument, { input })).reduce(applyRunEvent, noAnswer);
  expect(summary).toMatchObject({ status: 'SUCCEEDED', error: null });
  const { runWorkflow } = await call(operations.RunWorkflowDocument, { input });
  expect(runWorkflow).toMatchObject({ deduplicated: true, status: 'SUCCEEDED', run: { nodes: summary.nodes } });

  const endless = await call(operations.AskDocument, { input: { query: '!long', waitMs: 0 } });
  expect(endless.chat).toMatchObject({ complete: false, run: { status: 'RUNNING' } });
  const { stopRun } = await call(operations.StopRunDocument, { runId: endless.chat.run.id });
  expect(stopRun).toMatchObject({ confirmed: true, run: { status: 'STOPPED' } });
  const { runs } = await call(operations.RunsDocument, { filter: { kinds: ['CHAT'] } });
  expect(runs.nodes.map(({ id }) => id)).toEqual([endless.chat.run.id, runId, busy.chat.run.id, chat.run.id]);

  expect(names).toEqual(new Set(operationNames()));
});

test('urql reads a subscription over SSE just as well', async () => {
  await using rig = await openRig();
  const socket = openSocket(rig.url, 'ann');
  const client = openUrql(rig.url, 'ann', socket);
  const variables = { input: { query: '!echo Grüße 👋', idempotencyKey: crypto.randomUUID() } };
  const answer = await new Promise((resolve, reject) => {
    let folded = noAnswer;
    client.subscription(operations.ChatStreamDocument, variables, { fetchSubscriptions: true }).subscribe((result) => {
      if (!result.data) return reject(result.error!);
      folded = applyRunEvent(folded, result.data.chatStream);
      if (result.data.chatStream.__typename === 'RunFinished') resolve(folded);
    });
  });
  expect(answer).toMatchObject({ status: 'SUCCEEDED', text: 'Grüße 👋' });
});

/** The client, and the names of the operations it has run. */
function recorded(client: TestClient): Pick<TestClient, 'call' | 'follow'> & { readonly names: Set<string> } {
  const names = new Set<string>();
  const note = (document: DocumentNode) => names.add(nameOf(document) ?? '');
  return {
    names,
    call(document, variables) {
      note(document);
      return client.call(document, variables);
    },
    follow(document, variables) {
      note(document);
      return client.follow(document, variables);
    },
  };
}

function operationNames(): string[] {
  return Object.values<DocumentNode>(operations).flatMap((document) => nameOf(document) ?? []);
}

/** Of an operation; fragments have none. */
function nameOf({ definitions: [first] }: DocumentNode): string | undefined {
  return first?.kind === 'OperationDefinition' ? first.name?.value : undefined;
}
