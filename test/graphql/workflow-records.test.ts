import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig } from '../rig.ts';
import { Client } from '../sandbox/client.ts';
import { codesOf, dataOf } from './answers.ts';
import { openFakeApp } from './fake-app.ts';

const fields = 'id workflowId status inputs outputs error totalSteps totalTokens elapsedSeconds createdAt finishedAt';
const record = `query ($app: ID, $id: ID!) { workflowRunRecord(app: $app, id: $id) { ${fields} } }`;
const logs = `query ($app: ID, $filter: WorkflowLogFilter, $first: Int, $after: String) {
  workflowLogs(app: $app, filter: $filter, first: $first, after: $after) {
    nodes { id user endUserId createdFrom createdByRole createdAt run { id status totalTokens error } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}`;

/** Runs the workflow at the sandbox itself, as somebody who does not know the gateway; the run's id. */
async function runBy(rig: Rig, user: string, text = 'Rivers are long.'): Promise<string> {
  const events = await (await new Client(rig.sandbox, 'summarize', user).run({ text })).events();
  return String(events[0]?.['workflow_run_id']);
}

const read = async (rig: Rig, id: string, user: string) =>
  dataOf(await rig.query(record, { app: 'summarize', id }, user))['workflowRunRecord'] as Data | null;

async function logged(rig: Rig, user: string, variables: object = {}): Promise<Data> {
  return dataOf(await rig.query(logs, { app: 'summarize', ...variables }, user))['workflowLogs'] as Data;
}

const usersOf = ({ nodes }: Data) => nodes.map(({ user }: Data) => user) as string[];
const runsOf = ({ nodes }: Data) => nodes.map(({ run }: Data) => run.id) as string[];

describe('the record of a run', () => {
  test.each(['1.12.1', '1.15.0'])('is told to whose it is and to administrators: Dify %s', async (version) => {
    await using rig = await openRig({ sandbox: { version } });
    const id = await runBy(rig, 'ann');
    const own = await read(rig, id, 'ann');
    expect(own).toMatchObject({
      id,
      status: 'SUCCEEDED',
      inputs: { text: 'Rivers are long.', 'sys.user_id': 'ann' },
      outputs: { summary: expect.any(String) },
      error: null,
      totalSteps: expect.any(Number),
      elapsedSeconds: expect.any(Number),
    });
    for (const name of ['createdAt', 'finishedAt']) expect(own?.[name]).toMatch(/Z$/);
    expect(await read(rig, id, 'admin')).toEqual(own);
    expect(await read(rig, id, 'eve')).toBeNull();
    expect(await read(rig, randomUUID(), 'ann')).toBeNull();
    expect(await read(rig, '..', 'ann')).toBeNull();
  });

  test('is there of a run through the gateway, by its `workflowRunId`', async () => {
    await using rig = await openRig();
    const run =
      'mutation { runWorkflow(input: { app: "summarize", inputs: { text: "!fail Rivers." } }) { run { workflowRunId } } }';
    const { runWorkflow } = dataOf(await rig.query(run, {}, 'ann'));
    const stored = await read(rig, runWorkflow.run.workflowRunId, 'ann');
    expect(stored).toMatchObject({ status: 'FAILED', error: expect.stringContaining('!fail') });
  });

  test('has no address in it that Dify has signed', async () => {
    const id = randomUUID();
    const url = 'https://dify.example.com/files/f/file-preview?timestamp=1&nonce=2&sign=abc';
    const file = { dify_model_identity: '__dify__file__', url, filename: 'a.png' };
    const inputs = JSON.stringify({
      'sys.user_id': 'ann',
      'sys.files': [file],
      link: 'https://example.com/?sign=mine',
    });
    const outputs = { file, deep: [{ relative: '/files/tools/f.png?timestamp=1&nonce=2&sign=abc' }], text: 'a sign=b' };
    await using fake = await openFakeApp({ [`/workflows/run/${id}`]: { id, status: 'scheduled', inputs, outputs } });
    const { workflowRunRecord: stored } = dataOf(await fake.query(record, { id }, 'ann'));
    expect(stored).toMatchObject({
      status: 'UNKNOWN',
      inputs: { 'sys.files': [{ ...file, url: null }], link: 'https://example.com/?sign=mine' },
      outputs: { file: { ...file, url: null }, deep: [{ relative: null }], text: 'a sign=b' },
    });
  });

  test('of nobody is nobody’s', async () => {
    const [id, other] = [randomUUID(), randomUUID()];
    await using fake = await openFakeApp({
      [`/workflows/run/${id}`]: { id, status: 'succeeded', inputs: '{}' },
      [`/workflows/run/${other}`]: { id: other, status: 'succeeded', inputs: null },
    });
    for (const one of [id, other]) {
      expect(dataOf(await fake.query(record, { id: one }, 'ann'))).toEqual({ workflowRunRecord: null });
      expect(dataOf(await fake.query(record, { id: one }, 'admin'))).toMatchObject({ workflowRunRecord: { id: one } });
    }
  });
});

describe('the log', () => {
  test('shows everybody their own runs, administrators all, newest first', async () => {
    await using rig = await openRig();
    const ids = [await runBy(rig, 'ann'), await runBy(rig, 'eve'), await runBy(rig, 'ann')];
    expect(runsOf(await logged(rig, 'ann'))).toEqual([ids[2], ids[0]]);
    expect(runsOf(await logged(rig, 'eve'))).toEqual([ids[1]]);
    expect(runsOf(await logged(rig, 'admin'))).toEqual(ids.toReversed());
    const [first] = (await logged(rig, 'ann'))['nodes'];
    expect(first).toMatchObject({ user: 'ann', createdFrom: 'service-api', createdByRole: 'end_user' });
    expect(first).toMatchObject({ endUserId: expect.any(String), run: { status: 'SUCCEEDED', error: null } });
    expect(first.createdAt).toMatch(/Z$/);
  });

  test('shows nobody another’s, whatever the filter says', async () => {
    await using rig = await openRig();
    await runBy(rig, 'ann');
    for (const filter of [{ user: 'ann' }, { user: '' }, { user: null }, { keyword: 'Rivers' }])
      expect(usersOf(await logged(rig, 'eve', { filter }))).toEqual([]);
    expect(usersOf(await logged(rig, 'admin', { filter: { user: 'ann' } }))).toEqual(['ann']);
    expect(usersOf(await logged(rig, 'admin', { filter: { user: 'eve' } }))).toEqual([]);
  });

  test('is filtered by status, words and time', async () => {
    const time = { at: Date.UTC(2026, 0, 1) * 1000 };
    await using rig = await openRig({ sandbox: { clock: () => time.at } });
    const early = await runBy(rig, 'ann', 'Rivers are long.');
    time.at += 3_600e6;
    const late = await runBy(rig, 'ann', '!fail Lakes are deep.');
    const found = async (filter: object) => runsOf(await logged(rig, 'ann', { filter }));
    expect(await found({ status: 'SUCCEEDED' })).toEqual([early]);
    expect(await found({ status: 'FAILED' })).toEqual([late]);
    expect(await found({ status: 'STOPPED' })).toEqual([]);
    expect(await found({ keyword: 'Lakes' })).toEqual([late]);
    expect(await found({ createdAfter: '2026-01-01T00:30:00Z' })).toEqual([late]);
    expect(await found({ createdBefore: '2026-01-01T01:30:00+01:00' })).toEqual([early]);
  });

  test.each([1, 2, 3, 5, 6])('comes once each, %i at a time', async (first) => {
    await using rig = await openRig();
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      ids.unshift(await runBy(rig, 'ann'));
      await runBy(rig, 'eve');
    }
    const seen: string[] = [];
    let after: string | null = null;
    for (;;) {
      const page = await logged(rig, 'ann', { first, after });
      expect(page['pageInfo'].hasPreviousPage).toBe(after !== null);
      seen.push(...runsOf(page));
      if (!page['pageInfo'].hasNextPage) break;
      after = page['pageInfo'].endCursor;
    }
    expect(seen).toEqual(ids);
  });

  test('asks for inputs and outputs only when they are selected', async () => {
    await using rig = await openRig();
    await runBy(rig, 'ann', 'Rivers are long.');
    await logged(rig, 'ann');
    const details = () => rig.requests.filter(({ path }) => path.startsWith('/v1/workflows/run/'));
    expect(details()).toEqual([]);
    const deep = `{ workflowLogs(app: "summarize") { nodes { run { ${fields} } } } }`;
    const [{ run }] = dataOf(await rig.query(deep, {}, 'ann'))['workflowLogs'].nodes;
    expect(run).toMatchObject({ workflowId: expect.any(String), inputs: { text: 'Rivers are long.' }, outputs: {} });
    expect(details()).toHaveLength(1);
  });

  test('is kept from users by a Dify that ignores whose it should be, as those before 1.5 do', async () => {
    const entry = (session: string) => ({
      id: randomUUID(),
      workflow_run: { id: randomUUID(), status: 'succeeded' },
      created_by_end_user: { id: randomUUID(), type: 'service_api', is_anonymous: false, session_id: session },
      created_at: 1,
    });
    const data = [entry('ann'), entry('eve')];
    await using fake = await openFakeApp({
      '/workflows/logs': { page: 1, limit: 20, total: 2, has_more: false, data },
    });
    const result = await fake.query(logs, {}, 'eve');
    expect(codesOf(result)).toEqual(['FORBIDDEN']);
    expect(result.data).toBeNull();
    expect(usersOf(dataOf(await fake.query(logs, {}, 'admin'))['workflowLogs'])).toEqual(['ann', 'eve']);
  });

  test('has entries without a run', async () => {
    const data = [{ id: randomUUID(), workflow_run: null, created_by_account: { id: 'a', name: 'A', email: 'a@b.c' } }];
    await using fake = await openFakeApp({
      '/workflows/logs': { page: 1, limit: 20, total: 1, has_more: false, data },
    });
    const { nodes } = dataOf(await fake.query(logs, {}, 'admin'))['workflowLogs'];
    expect(nodes).toMatchObject([{ run: null, user: null, endUserId: null }]);
  });

  test('is none of an app that runs no graph', async () => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(logs, { app: 'assistant' }))).toEqual(['WRONG_APP_MODE']);
  });
});
