import { randomUUID } from 'node:crypto';
import {
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLInputField,
} from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { openRig, type Data, type Rig } from '../rig.ts';
import { codesOf, dataOf, eventsOf } from './answers.ts';

/** Arguments of type ID that name an app, a version of it or a button of a form, which are the same for all. */
const common = /(^|[.(])(app|apps)\)$|^Query\.app\(name\)$|\(input\.(workflowId|action)\)$/;

/** `Mutation.chat(input.conversationId)`: every place where an id, or a cursor with ids in it, comes in. */
function idArguments(): string[] {
  const inside = (path: string, input: GraphQLArgument | GraphQLInputField): string[] => {
    const type = getNamedType(input.type);
    const own = path === '' ? input.name : `${path}.${input.name}`;
    if (isInputObjectType(type)) return Object.values(type.getFields()).flatMap((field) => inside(own, field));
    const isCursor = type.name === 'String' && (input.name === 'after' || input.name === 'before');
    return type.name === 'ID' || isCursor ? [own] : [];
  };
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) || isInterfaceType(type))
    .filter(({ name }) => !name.startsWith('__'))
    .flatMap((type) =>
      Object.values(type.getFields()).flatMap((field) =>
        field.args.flatMap((arg) => inside('', arg)).map((path) => `${type.name}.${field.name}(${path})`),
      ),
    )
    .filter((name) => !common.test(name))
    .toSorted();
}

/**
 * What Ann has: a run that has ended, one that goes on, a workflow that goes on, one that waits for her, three conversations, an
 * upload, and cursors into her lists.
 */
interface Anns {
  readonly ended: string;
  readonly endedKey: string;
  readonly live: string;
  readonly workflow: string;
  readonly workflowKey: string;
  readonly completionKey: string;
  readonly conversation: string;
  readonly message: string;
  readonly workflowRecord: string;
  readonly chatflow: string;
  readonly variable: string;
  readonly form: string;
  readonly upload: string;
  readonly variablesCursor: string;
  readonly logsCursor: string;
  readonly runsCursor: string;
  readonly conversationsCursor: string;
  readonly historyCursor: string;
}

/** Of Dify: one that knows all that can be asked for. */
const VERSION = '1.15.0';

const secret = 'the secret of Ann';
const ask = `mutation ($input: ChatInput!) { chat(input: $input) { deduplicated answer conversationId messageId run { id status error { code } } } }`;
const run = `mutation ($input: RunWorkflowInput!) { runWorkflow(input: $input) { deduplicated run { id workflowRunId status error { message } } } }`;
const complete = `mutation ($input: CompleteInput!) { complete(input: $input) { deduplicated answer run { id status error { message } } } }`;

async function settle(rig: Rig): Promise<Anns> {
  const chat = async (input: object) =>
    dataOf(await rig.query(ask, { input: { autoGenerateName: false, ...input } }, 'ann'))['chat'];
  const endedKey = randomUUID();
  const ended = await chat({ query: `!echo ${secret}`, idempotencyKey: endedKey });
  await chat({ query: `!echo ${secret} again`, conversationId: ended.conversationId });
  const live = await chat({ query: `!noend !echo ${secret}`, waitMs: 0 });
  const workflowKey = randomUUID();
  const workflow = dataOf(
    await rig.query(
      run,
      { input: { app: 'summarize', inputs: { text: `!slow:600 ${secret}` }, idempotencyKey: workflowKey, waitMs: 0 } },
      'ann',
    ),
  )['runWorkflow'];
  const stored = dataOf(await rig.query(run, { input: { app: 'summarize', inputs: { text: secret } } }, 'ann'))[
    'runWorkflow'
  ];
  const completionKey = randomUUID();
  const completion = { app: 'copywriter', inputs: { product: `!echo ${secret}` }, idempotencyKey: completionKey };
  dataOf(await rig.query(complete, { input: completion }, 'ann'));
  const chatflow = (await chat({ app: 'concierge', query: secret })).conversationId;
  const approval = { app: 'approval', inputs: { topic: secret }, waitMs: 0 };
  dataOf(await rig.query(run, { input: approval }, 'ann'));
  const forms = async () => dataOf(await rig.query('{ pendingForms { id } }', {}, 'ann'))['pendingForms'] as Data[];
  await expect.poll(forms).toHaveLength(1);
  const cursors = dataOf(
    await rig.query(
      `query ($id: ID!, $chatflow: ID!) {
        conversation(app: "concierge", id: $chatflow) { variables(first: 1) { nodes { id } pageInfo { endCursor } } }
        workflowLogs(app: "summarize", first: 1) { pageInfo { endCursor } }
        runs(first: 1) { pageInfo { endCursor } }
        conversations(first: 1) { pageInfo { endCursor } }
        conversationHistory(conversationId: $id, last: 1) { pageInfo { startCursor } }
      }`,
      { id: ended.conversationId, chatflow },
      'ann',
    ),
  );
  const { variables } = cursors['conversation'];
  const underWay = `query ($live: ID!, $workflow: ID!) {
    live: run(id: $live) { ... on ChatRun { answer } }
    workflow: run(id: $workflow) { ... on WorkflowRun { progress { current } } }
  }`;
  await expect
    .poll(async () => dataOf(await rig.query(underWay, { live: live.run.id, workflow: workflow.run.id }, 'ann')))
    .toEqual({ live: { answer: secret }, workflow: { progress: { current: ['Write the summary'] } } });
  return {
    ended: ended.run.id,
    endedKey,
    live: live.run.id,
    workflow: workflow.run.id,
    workflowKey,
    completionKey,
    conversation: ended.conversationId,
    message: ended.messageId,
    workflowRecord: stored.run.workflowRunId,
    chatflow,
    variable: variables.nodes[0].id,
    form: (await forms())[0]?.['id'],
    upload: await uploadBy(rig, 'ann'),
    variablesCursor: variables.pageInfo.endCursor,
    logsCursor: cursors['workflowLogs'].pageInfo.endCursor,
    runsCursor: cursors['runs'].pageInfo.endCursor,
    conversationsCursor: cursors['conversations'].pageInfo.endCursor,
    historyCursor: cursors['conversationHistory'].pageInfo.startCursor,
  };
}

/** Uploads a file for each of the apps that take one; the id of the one for `app`. */
async function uploadBy(rig: Rig, user: string, app = 'assistant'): Promise<string> {
  const form = new FormData();
  form.set('user', user);
  form.set('file', new File([secret], 'secret.txt', { type: 'text/plain' }));
  const { key } = rig.sandbox.apps.find(({ name }) => name === app)!;
  const headers = { authorization: `Bearer ${key}` };
  const reply = await fetch(`${rig.sandbox.url}/files/upload`, { method: 'POST', headers, body: form });
  return ((await reply.json()) as { id: string }).id;
}

/** All that is Ann's, as she sees it. */
async function inventory(rig: Rig): Promise<Data> {
  return dataOf(
    await rig.query(
      `{
        runs(first: 50) { nodes { id status lastSeq watchers } }
        conversations(first: 50) { nodes { id name updatedAt history { nodes { id query answer rating } } } }
        concierge: conversations(app: "concierge") { nodes { variables { nodes { id name value } } } }
        pendingForms { id }
        workflowLogs(app: "summarize") { nodes { id user run { id status } } }
      }`,
      {},
      'ann',
    ),
  );
}

/** Eve tries one thing of Ann's. What she gets is checked here; that Ann lost nothing is checked for all. */
type Attempt = (rig: Rig, anns: Anns) => Promise<void>;

let eve = 'eve';

async function notFound(rig: Rig, query: string, variables: object): Promise<void> {
  expect(codesOf(await rig.query(query, variables, eve))).toEqual(['NOT_FOUND']);
}

async function refusedStream(rig: Rig, query: string, variables: Record<string, unknown>): Promise<void> {
  const results = await rig.collect(query, variables, eve);
  expect(results.map(codesOf)).toEqual([['NOT_FOUND']]);
}

/** What nobody may have who is no administrator. */
async function forbidden(rig: Rig, query: string, variables: object): Promise<void> {
  expect(codesOf(await rig.query(query, variables, eve))).toEqual(['FORBIDDEN']);
  expect(rig.requests).toEqual([]);
}

/** Asks with Ann's upload: Dify refuses it, and the run says so, or the app takes no files, and Dify ignores it. */
async function withHerFile(rig: Rig, query: string, input: object, upload: string): Promise<void> {
  const files = [{ upload: { id: upload, type: 'DOCUMENT' } }];
  const [payload] = Object.values(dataOf(await rig.query(query, { input: { ...input, files } }, eve))) as Data[];
  expect(payload).toMatchObject({ run: { status: query === ask ? 'FAILED' : 'SUCCEEDED' } });
  expect(JSON.stringify(payload)).not.toContain(secret);
}

/** A connection of Eve's, however she came by the cursor. */
async function empty(rig: Rig, query: string, variables: object, path: readonly string[]): Promise<void> {
  const data = dataOf(await rig.query(query, variables, eve));
  const found = path.reduce<Data>((value, name) => value[name], data);
  expect(found['nodes']).toEqual([]);
}

const attempts: Readonly<Record<string, Attempt>> = {
  'Query.run(id)': async (rig, { ended, live, workflow }) => {
    for (const id of [ended, live, workflow]) {
      expect(dataOf(await rig.query('query ($id: ID!) { run(id: $id) { id } }', { id }, eve))).toEqual({ run: null });
    }
  },
  'Query.conversation(id)': async (rig, { conversation: id }) => {
    const query = 'query ($id: ID!) { conversation(id: $id) { id } }';
    expect(dataOf(await rig.query(query, { id }, eve))).toEqual({ conversation: null });
  },
  'Query.conversationHistory(conversationId)': (rig, { conversation: id }) =>
    notFound(rig, 'query ($id: ID!) { conversationHistory(conversationId: $id) { nodes { id } } }', { id }),
  'Query.conversationHistory(before)': (rig, { conversation: id, historyCursor: before }) =>
    notFound(
      rig,
      'query ($id: ID!, $before: String) { conversationHistory(conversationId: $id, before: $before) { nodes { id } } }',
      { id, before },
    ),
  'Conversation.history(before)': async (rig, { historyCursor: before }) => {
    const { chat } = dataOf(await rig.query(ask, { input: { query: '!echo mine' } }, eve));
    const query =
      'query ($id: ID!, $before: String) { conversation(id: $id) { history(before: $before) { nodes { answer } } } }';
    const { conversation } = dataOf(await rig.query(query, { id: chat.conversationId, before }, eve));
    for (const { answer } of conversation.history.nodes) expect(answer).toBe('mine');
  },
  'Query.conversations(after)': (rig, { conversationsCursor: after }) =>
    empty(rig, 'query ($after: String) { conversations(after: $after) { nodes { id } } }', { after }, [
      'conversations',
    ]),
  'App.conversations(after)': (rig, { conversationsCursor: after }) =>
    empty(rig, 'query ($after: String) { app { conversations(after: $after) { nodes { id } } } }', { after }, [
      'app',
      'conversations',
    ]),
  'Query.runs(after)': (rig, { runsCursor: after }) =>
    empty(rig, 'query ($after: String) { runs(after: $after) { nodes { id } } }', { after }, ['runs']),
  'Viewer.runs(after)': (rig, { runsCursor: after }) =>
    empty(rig, 'query ($after: String) { viewer { runs(after: $after) { nodes { id } } } }', { after }, [
      'viewer',
      'runs',
    ]),
  // C100
  'Mutation.stopRun(runId)': async (rig, { ended, live, workflow }) => {
    for (const id of [ended, live, workflow]) {
      await notFound(rig, 'mutation ($id: ID!) { stopRun(runId: $id) { confirmed } }', { id });
    }
  },
  'Mutation.createRunToken(runId)': async (rig, { ended, live, workflow }) => {
    for (const id of [ended, live, workflow]) {
      await notFound(rig, 'mutation ($id: ID!) { createRunToken(runId: $id) { token } }', { id });
    }
  },
  'Mutation.renameConversation(conversationId)': (rig, { conversation: id }) =>
    notFound(rig, 'mutation ($id: ID!) { renameConversation(conversationId: $id, name: "Eve’s") { id } }', { id }),
  'Mutation.deleteConversation(conversationId)': (rig, { conversation: id }) =>
    notFound(rig, 'mutation ($id: ID!) { deleteConversation(conversationId: $id) }', { id }),
  'Mutation.chat(input.conversationId)': async (rig, { conversation: conversationId }) => {
    const { chat } = dataOf(await rig.query(ask, { input: { query: 'What did I say?', conversationId } }, eve));
    expect(chat).toMatchObject({ answer: '', run: { status: 'FAILED', error: { code: 'NOT_FOUND' } } });
  },
  'Mutation.chat(input.idempotencyKey)': async (rig, { ended, endedKey: idempotencyKey }) => {
    const { chat } = dataOf(await rig.query(ask, { input: { query: '!echo mine', idempotencyKey } }, eve));
    expect(chat).toMatchObject({ deduplicated: false, answer: 'mine' });
    expect(chat.run.id).not.toBe(ended);
  },
  'Mutation.runWorkflow(input.idempotencyKey)': async (rig, { workflow, workflowKey: idempotencyKey }) => {
    const input = { app: 'summarize', inputs: { text: 'Mine.' }, idempotencyKey };
    const { runWorkflow } = dataOf(await rig.query(run, { input }, eve));
    expect(runWorkflow.deduplicated).toBe(false);
    expect(runWorkflow.run.id).not.toBe(workflow);
  },
  'Query.workflowRunRecord(id)': async (rig, { workflowRecord: id }) => {
    const query = 'query ($id: ID!) { workflowRunRecord(app: "summarize", id: $id) { id } }';
    expect(dataOf(await rig.query(query, { id }, eve))).toEqual({ workflowRunRecord: null });
  },
  'Query.workflowLogs(after)': (rig, { logsCursor: after }) =>
    empty(rig, 'query ($after: String) { workflowLogs(app: "summarize", after: $after) { nodes { id } } }', { after }, [
      'workflowLogs',
    ]),
  'Query.workflowLogs(filter.user)': (rig) =>
    empty(rig, '{ workflowLogs(app: "summarize", filter: { user: "ann" }) { nodes { id } } }', {}, ['workflowLogs']),
  'Query.feedbacks(after)': (rig, { logsCursor: after }) =>
    forbidden(rig, 'query ($after: String) { feedbacks(after: $after) { nodes { id } } }', { after }),
  'Query.annotations(after)': (rig, { logsCursor: after }) =>
    forbidden(rig, 'query ($after: String) { annotations(after: $after) { nodes { id } } }', { after }),
  'Query.annotationReplyJob(jobId)': (rig, { conversation: id }) =>
    forbidden(rig, 'query ($id: ID!) { annotationReplyJob(action: ENABLE, jobId: $id) { id } }', { id }),
  'Query.endUser(id)': (rig, { conversation: id }) =>
    forbidden(rig, 'query ($id: ID!) { endUser(id: $id) { user } }', { id }),
  'Mutation.updateAnnotation(id)': (rig, { conversation: id }) =>
    forbidden(rig, 'mutation ($id: ID!) { updateAnnotation(id: $id, question: "q", answer: "a") { id } }', { id }),
  'Mutation.deleteAnnotation(id)': (rig, { conversation: id }) =>
    forbidden(rig, 'mutation ($id: ID!) { deleteAnnotation(id: $id) }', { id }),
  'Mutation.speak(input.messageId)': (rig, { message: id }) =>
    notFound(rig, 'mutation ($id: ID!) { speak(input: { messageId: $id }) { url } }', { id }),
  'Mutation.speak(input.conversationId)': (rig, { message, conversation }) =>
    notFound(rig, 'mutation ($m: ID!, $c: ID!) { speak(input: { messageId: $m, conversationId: $c }) { url } }', {
      m: message,
      c: conversation,
    }),
  'Mutation.rateMessage(messageId)': (rig, { message: id }) =>
    notFound(rig, 'mutation ($id: ID!) { rateMessage(messageId: $id, rating: LIKE) { rating } }', { id }),
  'Conversation.variables(after)': async (rig, { variablesCursor: after }) => {
    const id = await talk(rig);
    const query = `query ($id: ID!, $after: String) {
      conversation(app: "concierge", id: $id) { all: variables { nodes { id } } variables(after: $after) { nodes { id } } }
    }`;
    const { all, variables } = dataOf(await rig.query(query, { id, after }, eve))['conversation'];
    expect(all.nodes).toEqual(expect.arrayContaining(variables.nodes));
  },
  'Mutation.setConversationVariable(conversationId)': (rig, { chatflow: id, variable }) =>
    notFound(rig, setVariable, { id, variable }),
  'Mutation.setConversationVariable(variableId)': async (rig, { variable }) =>
    notFound(rig, setVariable, { id: await talk(rig), variable }),
  'Mutation.submitHumanInput(input.formId)': async (rig, { form: formId }) => {
    const query = 'mutation ($input: SubmitHumanInputInput!) { submitHumanInput(input: $input) { run { id } } }';
    expect(codesOf(await rig.query(query, { input: { formId, action: 'approve' } }, eve))).toEqual(['FORM_EXPIRED']);
  },
  'Mutation.chat(input.files.upload.id)': (rig, { upload }) => withHerFile(rig, ask, { query: 'Read it' }, upload),
  'Mutation.complete(input.files.upload.id)': (rig, { upload }) =>
    withHerFile(rig, complete, { app: 'copywriter', inputs: { product: 'It' } }, upload),
  'Mutation.runWorkflow(input.files.upload.id)': (rig, { upload }) =>
    withHerFile(rig, run, { app: 'summarize', inputs: { text: 'It' } }, upload),
  'Mutation.complete(input.idempotencyKey)': async (rig, { completionKey: idempotencyKey }) => {
    const input = { app: 'copywriter', inputs: { product: '!echo mine' }, idempotencyKey };
    const { complete: payload } = dataOf(await rig.query(complete, { input }, eve));
    expect(payload).toMatchObject({ deduplicated: false, answer: 'mine' });
  },
  'Subscription.runEvents(runId)': async (rig, { ended, live, workflow }) => {
    for (const id of [ended, live, workflow]) {
      await refusedStream(rig, 'subscription ($id: ID!) { runEvents(runId: $id) { seq } }', { id });
    }
  },
  'Subscription.conversationEvents(conversationId)': (rig, { conversation: id }) =>
    refusedStream(rig, 'subscription ($id: ID!) { conversationEvents(conversationId: $id) { cursor } }', { id }),
  'Subscription.conversationEvents(after)': async (rig, { conversation, live, ended }) => {
    const places = [live, ended].map((id) => [id, 0]);
    const after = Buffer.from(JSON.stringify([0, places])).toString('base64url');
    const query = `subscription ($id: ID!, $after: String) {
      conversationEvents(conversationId: $id, after: $after) { run { id answer } event { __typename } }
    }`;
    await refusedStream(rig, query, { id: conversation, after });
    const { chat } = dataOf(await rig.query(ask, { input: { query: '!echo mine' } }, eve));
    const client = rig.client({ connectionParams: { user: eve } });
    const variables = { id: chat.conversationId, after };
    for await (const { data } of client.iterate<Data>({ query, variables })) {
      expect(data?.['conversationEvents'].run).toEqual({ id: chat.run.id, answer: 'mine' });
      if (data?.['conversationEvents'].event.__typename === 'RunFinished') break;
    }
    await client.dispose();
  },
  'Subscription.chatStream(input.conversationId)': async (rig, { conversation: conversationId }) => {
    const events = await stream(rig, 'chatStream', 'ChatInput', { query: 'What did I say?', conversationId });
    expect(events.at(-1)).toMatchObject({ __typename: 'RunFinished', error: { code: 'NOT_FOUND' } });
    expect(events).toHaveLength(2);
  },
  'Subscription.chatStream(input.idempotencyKey)': async (rig, { ended, endedKey: idempotencyKey }) => {
    const events = await stream(rig, 'chatStream', 'ChatInput', { query: '!echo mine', idempotencyKey });
    expect(events[0]).toMatchObject({ text: '' });
    expect(events[0]?.['runId']).not.toBe(ended);
  },
  'Subscription.chatStream(input.files.upload.id)': (rig, { upload }) =>
    refusedFile(rig, 'chatStream', 'ChatInput', { query: 'Read it', upload }),
  'Subscription.completionStream(input.files.upload.id)': (rig, { upload }) =>
    refusedFile(rig, 'completionStream', 'CompleteInput', { app: 'copywriter', inputs: { product: 'It' }, upload }),
  'Subscription.workflowStream(input.files.upload.id)': (rig, { upload }) =>
    refusedFile(rig, 'workflowStream', 'RunWorkflowInput', { app: 'summarize', inputs: { text: 'It' }, upload }),
  'Subscription.completionStream(input.idempotencyKey)': async (rig, { completionKey: idempotencyKey }) => {
    const input = { app: 'copywriter', inputs: { product: '!echo mine' }, idempotencyKey };
    const events = await stream(rig, 'completionStream', 'CompleteInput', input);
    expect(events[0]).toMatchObject({ text: '' });
    expect(JSON.stringify(events)).not.toContain(secret);
  },
  'Subscription.workflowStream(input.idempotencyKey)': async (rig, { workflow, workflowKey: idempotencyKey }) => {
    const input = { app: 'summarize', inputs: { text: 'Mine.' }, idempotencyKey };
    const events = await stream(rig, 'workflowStream', 'RunWorkflowInput', input);
    expect(events[0]?.['runId']).not.toBe(workflow);
    expect(events.at(-1)).toMatchObject({ error: null });
  },
};

const setVariable = `mutation ($id: ID!, $variable: ID!) {
  setConversationVariable(app: "concierge", conversationId: $id, variableId: $variable, value: 1) { id }
}`;

/** A conversation of Eve's with the chatflow. */
async function talk(rig: Rig): Promise<string> {
  const input = { app: 'concierge', query: 'Hello?', autoGenerateName: false };
  return dataOf(await rig.query(ask, { input }, eve))['chat'].conversationId as string;
}

async function refusedFile(rig: Rig, field: string, type: string, { upload, ...input }: Data): Promise<void> {
  const events = await stream(rig, field, type, { ...input, files: [{ upload: { id: upload, type: 'DOCUMENT' } }] });
  const error = field === 'chatStream' ? { code: expect.any(String) } : null;
  expect(events.at(-1)).toMatchObject({ __typename: 'RunFinished', error });
  expect(JSON.stringify(events)).not.toContain(secret);
}

async function stream(rig: Rig, field: string, type: string, input: object): Promise<Data[]> {
  const query = `subscription ($input: ${type}!) {
    ${field}(input: $input) { __typename runId ... on RunAttached { text } ... on RunFinished { error { code } } }
  }`;
  return eventsOf(await rig.collect(query, { input: { idempotencyKey: randomUUID(), ...input } }, eve), field);
}

/** What an administrator sees of everybody, and of the app. */
const forAdmins =
  /^Query\.(workflowRunRecord|workflowLogs|feedbacks|annotations|annotationReplyJob|endUser)\(|^Mutation\.(update|delete)Annotation\(/;

describe.each(['admin', 'eve'])('another viewer: %s', (who) => {
  beforeAll(() => void (eve = who));
  const tried = Object.entries(attempts).filter(([name]) => who === 'eve' || !forAdmins.test(name));

  test('is tried with every argument that takes an id or a cursor', () => {
    const names = idArguments();
    expect(names).toContain('Query.run(id)');
    expect(Object.keys(attempts).toSorted()).toEqual(names);
  });

  test.each(tried)('gets nothing and changes nothing by %s', async (_, attempt) => {
    await using rig = await openRig({ sandbox: { version: VERSION } });
    const anns = await settle(rig);
    const before = await inventory(rig);
    rig.requests.length = 0;

    await attempt(rig, anns);

    const asked = [...rig.requests];
    expect(await inventory(rig)).toEqual(before);
    expect(asked.filter(({ path }) => path.endsWith('/stop'))).toEqual([]);
    for (const { body, query, path } of asked) {
      // Of the app, not of anybody; a run's record Dify tells whoever asks.
      if (/^\/v1\/(info|parameters|workflows\/run\/.*-.*)?$/.test(path)) continue;
      const user = query.get('user') ?? query.get('created_by_end_user_session_id');
      expect((body as Data | undefined)?.['user'] ?? user).toBe(eve);
    }
  });

  test('sees none of it in lists, nor behind messages', async () => {
    await using rig = await openRig({ sandbox: { version: VERSION } });
    await settle(rig);
    const mine = dataOf(await rig.query(ask, { input: { query: '!echo mine' } }, eve))['chat'];
    const seen = dataOf(
      await rig.query(
        `{
          viewer { id runs { nodes { id } } }
          runs { nodes { id } }
          apps { name mode }
          conversations { nodes { id history { nodes { answer run { id } } } } }
        }`,
        {},
        eve,
      ),
    );
    expect(seen).toMatchObject({
      viewer: { id: eve, runs: { nodes: [{ id: mine.run.id }] } },
      runs: { nodes: [{ id: mine.run.id }] },
      conversations: {
        nodes: [{ id: mine.conversationId, history: { nodes: [{ answer: 'mine', run: { id: mine.run.id } }] } }],
      },
    });
    expect(JSON.stringify(seen)).not.toContain(secret);
  });
});
