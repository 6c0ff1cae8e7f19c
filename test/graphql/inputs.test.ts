import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { sendJson } from '../dify/fake-server.ts';
import { openRig, type Data, type Rig } from '../rig.ts';
import { codesOf, dataOf } from './answers.ts';
import { openFakeApp, type Routes } from './fake-app.ts';

const runWorkflow =
  'mutation ($input: RunWorkflowInput!) { runWorkflow(input: $input) { deduplicated run { id status } } }';
const chat =
  'mutation ($input: ChatInput!) { chat(input: $input) { complete conversationId run { status error { message } } } }';
const complete = 'mutation ($input: CompleteInput!) { complete(input: $input) { run { status } } }';

const text = 'Rivers are long. Lakes are deep.';
const wrong = { sentences: 'many', tone: 'rude' };
const problems = [
  { path: 'input.inputs.text', message: 'is required' },
  { path: 'input.inputs.sentences', message: 'must be a number, or a text that is one' },
  { path: 'input.inputs.tone', message: 'must be one of: neutral, friendly, formal' },
];

async function runsOf(rig: Rig): Promise<unknown[]> {
  return dataOf(await rig.query('{ runs { nodes { id } } }'))['runs'].nodes as unknown[];
}

describe('inputs that do not fit the form', () => {
  test('are refused with all that is wrong before there is a run, and before Dify is asked', async () => {
    await using rig = await openRig();
    const result = await rig.query(runWorkflow, { input: { app: 'summarize', inputs: wrong } });
    expect(result.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', retryable: false, problems });
    for (const { path, message } of problems) expect(result.errors?.[0]?.message).toContain(`\`${path}\` ${message}`);
    expect(rig.generations()).toEqual([]);
    expect(await runsOf(rig)).toEqual([]);
  });

  test.each([
    ['workflowStream', 'RunWorkflowInput', { app: 'summarize', inputs: {} }],
    ['completionStream', 'CompleteInput', { app: 'copywriter', inputs: {} }],
    ['chatStream', 'ChatInput', { app: 'concierge', query: 'Hello', inputs: { guest: 'x'.repeat(49) } }],
  ])('are refused by %s, too', async (field, type, input) => {
    await using rig = await openRig();
    const query = `subscription ($input: ${type}!) { ${field}(input: $input) { seq } }`;
    const [result = {}] = await rig.collect(query, { input: { ...input, idempotencyKey: randomUUID() } });
    expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
    expect(result.errors?.[0]?.extensions).toMatchObject({
      problems: [{ path: expect.stringMatching(/^input\.inputs\./) }],
    });
    expect(rig.generations()).toEqual([]);
    expect(await runsOf(rig)).toEqual([]);
  });

  test('are refused by chat and complete', async () => {
    await using rig = await openRig();
    const asked = await rig.query(chat, { input: { app: 'concierge', query: 'Hello', inputs: { guest: 7 } } });
    expect(codesOf(asked)).toEqual(['BAD_USER_INPUT']);
    expect(codesOf(await rig.query(complete, { input: { app: 'copywriter', inputs: {} } }))).toEqual([
      'BAD_USER_INPUT',
    ]);
    expect(rig.generations()).toEqual([]);
  });

  test('are Dify’s to refuse where the operator says so', async () => {
    await using rig = await openRig({ checkInputs: false });
    const result = dataOf(await rig.query(runWorkflow, { input: { app: 'summarize', inputs: wrong } }));
    expect(result['runWorkflow'].run.status).toBe('FAILED');
    expect(rig.generations()).toHaveLength(1);
  });

  test('are Dify’s to refuse for a pinned version, which may have another form', async () => {
    await using rig = await openRig();
    const [, older = ''] = rig.sandbox.apps.find(({ name }) => name === 'summarize')?.versions ?? [];
    const input = { app: 'summarize', inputs: {}, workflowId: older };
    expect(dataOf(await rig.query(runWorkflow, { input }))['runWorkflow'].run.status).toBe('FAILED');
    expect(rig.generations()).toHaveLength(1);
  });

  test('may be less than the form wants, not more than it takes', async () => {
    await using rig = await openRig();
    const fits = { app: 'summarize', inputs: { text, sentences: '2', tone: null, other: { any: 'thing' } } };
    expect(dataOf(await rig.query(runWorkflow, { input: fits }))['runWorkflow'].run.status).toBe('SUCCEEDED');
  });

  test('are no reason to refuse a question that was asked before', async () => {
    const app = changingApp();
    app.silent = true;
    await using fake = await openFakeApp(app.of);
    const input = { query: 'Hello', inputs: {}, idempotencyKey: randomUUID() };
    const again = 'mutation ($input: ChatInput!) { chat(input: $input) { deduplicated run { id } } }';
    const { chat: first } = dataOf(await fake.query(again, { input }));
    app.form = [{ 'text-input': { variable: 'name', required: true } }];
    app.silent = false;
    const other = { ...input, idempotencyKey: randomUUID() };
    expect(codesOf(await fake.query(again, { input: other }))).toEqual(['BAD_USER_INPUT']);
    const { chat: second } = dataOf(await fake.query(again, { input }));
    expect(second).toEqual({ deduplicated: true, run: first.run });
  });
});

describe('the form', () => {
  test('is asked for anew before anything is refused: the app may have been published meanwhile', async () => {
    const app = changingApp();
    app.form = [{ select: { variable: 'tone', options: ['kind'], required: true } }];
    await using fake = await openFakeApp(app.of);
    const ask = (tone: string) =>
      fake.query(chat, { input: { query: 'Hello', inputs: { tone }, autoGenerateName: false } });
    expect(codesOf(await ask('rude'))).toEqual(['BAD_USER_INPUT']);
    const asked = () => fake.requests.filter(({ url }) => url === '/v1/parameters').length;
    // Known for less than five seconds: asked once, whoever is refused.
    await Promise.all(Array.from({ length: 10 }, () => ask('rude')));
    expect(asked()).toBe(1);
    app.form = [{ select: { variable: 'tone', options: ['kind', 'rude'], required: true } }];
    await expect.poll(async () => codesOf(await ask('rude')), { timeout: 10_000, interval: 500 }).toEqual([]);
    expect(asked()).toBe(2);
  });

  test('that Dify does not tell is no reason to refuse', async () => {
    const app = changingApp();
    app.silent = true;
    await using fake = await openFakeApp(app.of);
    const { chat: payload } = dataOf(await fake.query(chat, { input: { query: 'Hello', inputs: { tone: 1 } } }));
    expect(payload.run.status).toBe('SUCCEEDED');
  });

  test('that Dify is slow to tell holds a question for two seconds at most', async () => {
    const app = changingApp();
    await using fake = await openFakeApp({ ...app.of, '/parameters': () => {} });
    const start = performance.now();
    const { chat: payload } = dataOf(await fake.query(chat, { input: { query: 'Hello' } }));
    expect(payload.run.status).toBe('SUCCEEDED');
    expect(performance.now() - start).toBeLessThan(4_000);
  });

  test('is asked of a new conversation only for what it must have', async () => {
    const app = changingApp();
    app.form = [{ 'text-input': { variable: 'name', required: true, max_length: 3 } }];
    await using fake = await openFakeApp(app.of);
    const ask = (input: object) => fake.query(chat, { input: { query: 'Hello', autoGenerateName: false, ...input } });
    expect(codesOf(await ask({}))).toEqual(['BAD_USER_INPUT']);
    const { chat: first } = dataOf(await ask({ inputs: { name: 'Zoë' } }));
    expect(first).toMatchObject({ complete: true, run: { status: 'SUCCEEDED' } });
    const { conversationId } = first;
    expect(codesOf(await ask({ conversationId }))).toEqual([]);
    expect(codesOf(await ask({ conversationId, inputs: { name: 'Zoë!' } }))).toEqual(['BAD_USER_INPUT']);
  });
});

describe('files', () => {
  const fileOf = (type: string) => ({ upload: { id: randomUUID(), type } });

  test('that are too many or of a type that the app does not take are refused at once', async () => {
    const app = changingApp();
    app.upload = { enabled: true, allowed_file_types: ['image'], number_limits: 2 };
    await using fake = await openFakeApp(app.of);
    const files = [fileOf('IMAGE'), fileOf('AUDIO'), fileOf('IMAGE')];
    const result = await fake.query(chat, { input: { query: 'Look', files } });
    expect(result.errors?.[0]?.extensions?.['problems']).toEqual([
      { path: 'input.files', message: 'must have at most 2 files: it has 3' },
      { path: 'input.files.1', message: 'must be of type image: it is of type audio' },
    ]);
    expect(codesOf(await fake.query(chat, { input: { query: 'Look', files: [fileOf('IMAGE')] } }))).toEqual([]);
  });

  test('in inputs are checked, too', async () => {
    await using rig = await openRig();
    const url = 'https://example.com/a.png';
    const file = { type: 'image', transfer_method: 'remote_url', url };
    const inputs = { file: { url }, more: [file, file, file, file], settings: 'x', brief: 'maybe' };
    const result = await rig.query(runWorkflow, { input: { app: 'describe', inputs } });
    const found = result.errors?.[0]?.extensions?.['problems'] as Data[];
    expect(found.map(({ path }) => path)).toEqual(
      ['file', 'more', 'brief', 'settings'].map((name) => `input.inputs.${name}`),
    );
    const fits = { app: 'describe', inputs: { file, more: [file], brief: 'yes' } };
    expect(dataOf(await rig.query(runWorkflow, { input: fits }))['runWorkflow'].run.status).toBe('SUCCEEDED');
  });
});

interface ChangingApp {
  form: object[];
  upload: object;
  /** Whether it tells nothing of both. */
  silent: boolean;
  readonly of: Routes;
}

/** A chat app that changes as a test says. */
function changingApp(): ChangingApp {
  const app: ChangingApp = {
    form: [],
    upload: {},
    silent: false,
    of: {
      '/info': { name: 'Fake', description: '', tags: [], mode: 'chat' },
      '/parameters': (exchange) =>
        app.silent
          ? sendJson(exchange, 500, {})
          : sendJson(exchange, 200, { user_input_form: app.form, file_upload: app.upload }),
      '/chat-messages': ({ response }) => {
        const ids = {
          conversation_id: '7d1c8f6a-0000-4000-8000-000000000001',
          message_id: randomUUID(),
          created_at: 1,
        };
        const frame = (event: string, more: object) =>
          `data: ${JSON.stringify({ event, task_id: 't', ...ids, ...more })}\n\n`;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(frame('message', { answer: 'Hi' }) + frame('message_end', { metadata: {} }));
      },
    },
  };
  return app;
}
