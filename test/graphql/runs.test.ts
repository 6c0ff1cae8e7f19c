import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig } from '../rig.ts';
import { codesOf, dataOf, endedRun, holdAnswer, startRun } from './answers.ts';

interface RunNode {
  readonly id: string;
  readonly createdAt: string;
}

const runs = `
  query ($first: Int, $after: String, $filter: RunFilter) {
    runs(first: $first, after: $after, filter: $filter) {
      edges { cursor node { id } }
      nodes { id createdAt kind status app { name } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;

async function list(rig: Rig, variables: object = {}): Promise<Data> {
  return dataOf(await rig.query(runs, variables))['runs'];
}

const idsOf = (connection: Data) => (connection['nodes'] as RunNode[]).map(({ id }) => id);

describe('viewer', () => {
  test('is who the header says, anonymous without one', async () => {
    await using rig = await openRig();
    expect(dataOf(await rig.query('{ viewer { id } }', {}, 'ann'))).toEqual({ viewer: { id: 'ann' } });
    expect(dataOf(await rig.query('{ viewer { id } }'))).toEqual({ viewer: { id: 'anonymous' } });
  });

  test('has the runs that Query.runs lists', async () => {
    await using rig = await openRig();
    await endedRun(rig);
    await endedRun(rig);
    await endedRun(rig);
    const page = '{ nodes { id } edges { cursor } pageInfo { hasNextPage endCursor } }';
    const { viewer, runs: same } = dataOf(
      await rig.query(`{ viewer { runs(first: 2, filter: { kinds: CHAT }) ${page} } runs(first: 2) ${page} }`),
    );
    expect(viewer.runs).toEqual(same);
    expect(same.nodes).toHaveLength(2);
  });
});

describe('run', () => {
  test('is found while it goes on and after its end', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    const query = `query ($id: ID!) { run(id: $id) {
      id kind status lastSeq createdAt finishedAt watchers app { name } error { code } usage { totalTokens }
      timing { firstByteMs firstTextMs totalMs } ... on ChatRun { answer conversationId messageId nodes { id } }
    } }`;
    const find = async () => dataOf(await rig.query(query, { id }))['run'];
    await expect.poll(async () => (await find()).answer).toBe(held.begun);
    expect(await find()).toMatchObject({
      id,
      kind: 'CHAT',
      status: 'RUNNING',
      lastSeq: 2,
      finishedAt: null,
      watchers: 0,
      conversationId: held.conversationId,
      messageId: held.messageId,
      timing: { firstByteMs: expect.any(Number), firstTextMs: expect.any(Number), totalMs: null },
    });
    held.release();
    await expect.poll(async () => (await find()).status).toBe('SUCCEEDED');
    const ended = await find();
    expect(ended).toMatchObject({ lastSeq: 4, answer: held.whole, error: null, nodes: [] });
    const { firstByteMs, firstTextMs, totalMs } = ended.timing;
    expect([firstByteMs, firstTextMs, totalMs]).toEqual([firstByteMs, firstTextMs, totalMs].toSorted((a, b) => a - b));
    expect(Date.parse(ended.finishedAt) - Date.parse(ended.createdAt)).toBe(totalMs);
  });

  test.each(['', 'x', '../..', randomUUID(), '__proto__'])('is null where there is none: %s', async (id) => {
    await using rig = await openRig();
    expect(dataOf(await rig.query('query ($id: ID!) { run(id: $id) { id } }', { id }))).toEqual({ run: null });
  });
});

describe('runs', () => {
  test('are listed newest first, in pages of any size without gap or repeat', async () => {
    await using rig = await openRig();
    const ids: string[] = [];
    for (let made = 0; made < 7; made += 1) ids.unshift(await endedRun(rig));
    for (const first of [1, 2, 3, 6, 7, 8, 100]) {
      const seen: string[] = [];
      let after: string | null = null;
      for (;;) {
        const page = await list(rig, { first, after });
        expect(page['pageInfo'].hasPreviousPage).toBe(after !== null);
        expect(page['edges'].map(({ node }: { node: RunNode }) => node.id)).toEqual(idsOf(page));
        expect(page['pageInfo'].endCursor).toBe(page['edges'].at(-1).cursor);
        expect(page['pageInfo'].startCursor).toBe(page['edges'].at(0).cursor);
        seen.push(...idsOf(page));
        if (!page['pageInfo'].hasNextPage) break;
        expect(idsOf(page)).toHaveLength(first);
        after = page['pageInfo'].endCursor;
      }
      expect(seen).toEqual(ids);
    }
  });

  test('that began in the same millisecond are neither lost nor repeated', async () => {
    await using rig = await openRig();
    await Promise.all(Array.from({ length: 40 }, () => startRun(rig)));
    const all = await list(rig, { first: 100 });
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page: Data = await list(rig, { first: 3, after });
      seen.push(...idsOf(page));
      after = page['pageInfo'].hasNextPage ? page['pageInfo'].endCursor : null;
    } while (after !== null);
    expect(seen).toEqual(idsOf(all));
    expect(new Set(seen).size).toBe(40);
  });

  test('that are new do not shift the pages after a cursor', async () => {
    await using rig = await openRig();
    const ids: string[] = [];
    for (let made = 0; made < 4; made += 1) ids.unshift(await endedRun(rig));
    const { pageInfo } = await list(rig, { first: 2 });
    const newer = await endedRun(rig);
    expect(idsOf(await list(rig, { first: 10, after: pageInfo.endCursor }))).toEqual(ids.slice(2));
    expect(idsOf(await list(rig))).toEqual([newer, ...ids]);
  });

  test('are filtered by app, kind, status and time, all at once', async () => {
    await using rig = await openRig();
    const old = await endedRun(rig);
    const failed = await endedRun(rig, '!500');
    const input = { app: 'summarize', inputs: { text: 'One. Two.' } };
    const workflow = dataOf(
      await rig.query('mutation ($input: RunWorkflowInput!) { runWorkflow(input: $input) { run { id } } }', { input }),
    )['runWorkflow'].run.id;
    holdAnswer(rig);
    const live = await startRun(rig);
    const all = await list(rig);
    expect(idsOf(all)).toEqual([live, workflow, failed, old]);
    const only = async (filter: object) => idsOf(await list(rig, { filter }));

    expect(await only({})).toHaveLength(4);
    expect(await only({ apps: ['summarize'] })).toEqual([workflow]);
    expect(await only({ apps: ['summarize', 'assistant'] })).toHaveLength(4);
    expect(await only({ apps: [] })).toEqual([]);
    expect(await only({ kinds: ['CHAT'] })).toEqual([live, failed, old]);
    expect(await only({ statuses: ['FAILED'] })).toEqual([failed]);
    expect(await only({ statuses: ['FAILED', 'RUNNING'] })).toEqual([live, failed]);
    expect(await only({ kinds: ['WORKFLOW'], statuses: ['FAILED'] })).toEqual([]);

    const times: number[] = all['nodes'].map(({ createdAt }: RunNode) => Date.parse(createdAt));
    const [newest = 0] = times;
    const oldest = times.at(-1) ?? 0;
    const at = (ms: number) => new Date(ms).toISOString();
    expect(await only({ startedAfter: at(oldest - 1) })).toHaveLength(4);
    expect(await only({ startedAfter: at(newest) })).toEqual([]);
    expect(await only({ startedBefore: at(oldest) })).toEqual([]);
    expect(await only({ startedBefore: at(newest + 1), startedAfter: at(oldest - 1), kinds: ['WORKFLOW'] })).toEqual([
      workflow,
    ]);
  });

  test('keep their filter over the pages', async () => {
    await using rig = await openRig();
    const good: string[] = [];
    for (let made = 0; made < 3; made += 1) {
      good.unshift(await endedRun(rig));
      await endedRun(rig, '!500');
    }
    const filter = { statuses: ['SUCCEEDED'] };
    const one = await list(rig, { filter, first: 2 });
    const two = await list(rig, { filter, first: 2, after: one['pageInfo'].endCursor });
    expect([...idsOf(one), ...idsOf(two)]).toEqual(good);
    expect(two['pageInfo'].hasNextPage).toBe(false);
  });

  test.each([0, -1, 101, 2_147_483_647])('refuse a page size of %i', async (first) => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(runs, { first }))).toEqual(['BAD_USER_INPUT']);
  });

  const cursor = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');
  test.each([
    ['no cursor at all', 'garbage'],
    ['empty', ''],
    ['an object', cursor({ at: 1 })],
    ['an empty list', cursor([])],
    ['a time in words', cursor(['now', 'id'])],
    ['no id', cursor([1])],
    ['of conversations', cursor([null, 1_760_000_000, [randomUUID()]])],
  ])('refuse a cursor that is not theirs: %s', async (_, after) => {
    await using rig = await openRig();
    await endedRun(rig);
    const result = await rig.query(runs, { after });
    expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
    expect(result.errors?.[0]?.message).toContain('cursor');
  });

  test.each(['yesterday', '2026-13-01T00:00:00Z', '2026-01-01', 5])('refuse a time like %s', async (startedAfter) => {
    await using rig = await openRig();
    const result = await rig.query(runs, { filter: { startedAfter } });
    expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
    expect(result.errors?.[0]?.message).toContain('DateTime');
  });
});

describe('stopRun', () => {
  const stop = `
    mutation ($id: ID!, $waitMs: Int) {
      stopRun(runId: $id, waitMs: $waitMs) { confirmed run { id status error { code } ... on ChatRun { answer } } }
    }`;
  const stops = (rig: Rig) => rig.requests.filter(({ path }) => path.endsWith('/stop'));

  test('ends a run that goes on, once, and keeps what it has said', async () => {
    await using rig = await openRig({ sandbox: { pace: 0.05 } });
    const id = await startRun(rig, '!long:100000');
    await expect
      .poll(async () => dataOf(await rig.query(`{ run(id: "${id}") { lastSeq } }`))['run'].lastSeq)
      .toBeGreaterThan(3);
    const results = await Promise.all([rig.query(stop, { id }), rig.query(stop, { id }), rig.query(stop, { id })]);
    for (const result of results) {
      expect(dataOf(result)['stopRun']).toEqual({
        confirmed: true,
        run: { id, status: 'STOPPED', error: null, answer: expect.stringContaining(' ') },
      });
    }
    expect(stops(rig)).toHaveLength(1);
    expect(stops(rig)[0]?.body).toEqual({ user: 'anonymous' });
    expect(rig.sandbox.open).toBe(0);
  });

  test('does not wait longer than it is told', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    expect(dataOf(await rig.query(stop, { id, waitMs: 0 }))['stopRun']).toMatchObject({
      confirmed: false,
      run: { status: 'STOPPING' },
    });
    held.release();
    await expect.poll(async () => dataOf(await rig.query(stop, { id }))['stopRun'].confirmed).toBe(true);
  });

  test('confirms the end of a run that has ended, without a word to Dify', async () => {
    await using rig = await openRig();
    const id = await endedRun(rig);
    const failed = await endedRun(rig, '!500');
    expect(dataOf(await rig.query(stop, { id }))['stopRun']).toMatchObject({
      confirmed: true,
      run: { id, status: 'SUCCEEDED', answer: 'Hello' },
    });
    expect(dataOf(await rig.query(stop, { id: failed }))['stopRun'].run.status).toBe('FAILED');
    expect(stops(rig)).toEqual([]);
  });

  test('ends a workflow, too', async () => {
    await using rig = await openRig();
    const input = { app: 'summarize', inputs: { text: '!slow:60 One. Two.' }, waitMs: 0 };
    const start = 'mutation ($input: RunWorkflowInput!) { runWorkflow(input: $input) { run { id } } }';
    const { id } = dataOf(await rig.query(start, { input }))['runWorkflow'].run;
    const { stopRun } = dataOf(await rig.query(stop, { id }));
    expect(stopRun).toMatchObject({ confirmed: true, run: { status: 'STOPPED', error: null } });
    const nodes = dataOf(await rig.query(`{ run(id: "${id}") { ... on WorkflowRun { nodes { status } } } }`))['run']
      .nodes;
    expect(nodes.map(({ status }: { status: string }) => status)).not.toContain('RUNNING');
  });

  test.each(['x', randomUUID()])('knows no run of the id %s', async (id) => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(stop, { id }))).toEqual(['NOT_FOUND']);
  });

  test.each([-1, 600_001])('refuses a wait of %i ms and stops nothing', async (waitMs) => {
    await using rig = await openRig();
    holdAnswer(rig);
    const id = await startRun(rig);
    expect(codesOf(await rig.query(stop, { id, waitMs }))).toEqual(['BAD_USER_INPUT']);
    expect(dataOf(await rig.query(`{ run(id: "${id}") { status } }`))['run'].status).toBe('RUNNING');
  });
});
