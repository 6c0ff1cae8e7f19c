import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig } from '../rig.ts';
import { dataOf } from './answers.ts';

const chatStream = `subscription ($input: ChatInput!) {
  chatStream(input: $input) { __typename runId seq ... on RunAttached { mode text } ... on TextDelta { text } }
}`;
const input = { query: '!long:2000', idempotencyKey: 'k', onDisconnect: 'CANCEL', autoGenerateName: false };

/** Long enough for a client that connects again on a busy machine. */
const runs = { abandonMs: 600 };
const waits = { stopMs: 10_000, lingerMs: 60 };

/** Subscribes on a socket of its own and reads the first events; `leave` cuts the socket. */
async function attach(rig: Rig, count: number): Promise<{ runId: string; last: Data; readonly leave: () => void }> {
  const client = rig.client({ connectionParams: { user: 'ann' }, retryAttempts: 0 });
  const events = client.iterate<Record<string, Data>>({ query: chatStream, variables: { input } });
  let last: Data = {};
  for (let index = 0; index < count; index += 1) {
    const { value } = await events.next();
    last = dataOf(value)['chatStream'] as Data;
  }
  const cut = () => {
    events.next().catch(() => undefined);
    client.terminate();
  };
  return { runId: String(last['runId']), last, leave: cut };
}

async function statusOf(rig: Rig, id: string): Promise<unknown> {
  return dataOf(await rig.query(`{ run(id: "${id}") { status watchers } }`, {}, 'ann'))['run'];
}

const stops = (rig: Rig) => rig.requests.filter(({ path }) => path.endsWith('/stop'));

describe('onDisconnect: CANCEL', () => {
  test('stops the run through Dify when its client has gone and does not come back', async () => {
    await using rig = await openRig({ sandbox: { pace: 0.25 }, runs, waits });
    const { runId, leave } = await attach(rig, 4);
    leave();
    await expect.poll(() => statusOf(rig, runId), { timeout: 5_000 }).toEqual({ status: 'STOPPED', watchers: 0 });
    expect(stops(rig)).toHaveLength(1);
    expect(await rig.generations()[0]!.done).toBe('ended');
    expect(rig.sandbox.open).toBe(0);
  });

  test('lets the run go on for a client that connects again, as often as it does', async () => {
    await using rig = await openRig({ sandbox: { pace: 0.25 }, runs, waits });
    const first = await attach(rig, 4);
    first.leave();
    for (let times = 0; times < 3; times += 1) {
      // Half of the time that it may be alone, so that together it is more than that.
      await new Promise((resolve) => setTimeout(resolve, runs.abandonMs / 2));
      const { leave } = await attach(rig, 20);
      leave();
    }
    const last = await attach(rig, 3);
    expect(last.runId).toBe(first.runId);
    expect(await statusOf(rig, last.runId)).toEqual({ status: 'RUNNING', watchers: 1 });
    expect(stops(rig)).toEqual([]);
    expect(rig.generations()).toHaveLength(1);
    last.leave();
  });

  test('counts a mutation that waits as attached, until its client goes away', async () => {
    await using rig = await openRig({ sandbox: { pace: 0.25 }, runs, waits });
    const gone = new AbortController();
    const query = 'mutation ($input: ChatInput!) { chat(input: $input) { complete } }';
    const headers = { 'content-type': 'application/json', 'x-user': 'ann' };
    const body = JSON.stringify({ query, variables: { input } });
    const asking = fetch(rig.url, { method: 'POST', headers, body, signal: gone.signal }).catch(() => 'gone');
    const newest = async () => dataOf(await rig.query('{ runs { nodes { id status watchers } } }', {}, 'ann'))['runs'];
    await expect.poll(newest).toMatchObject({ nodes: [{ status: 'RUNNING', watchers: 1 }] });
    // Longer than it may be alone: only time can tell that nothing happens.
    await new Promise((resolve) => setTimeout(resolve, runs.abandonMs * 1.5));
    expect(await newest()).toMatchObject({ nodes: [{ status: 'RUNNING', watchers: 1 }] });
    gone.abort();
    expect(await asking).toBe('gone');
    await expect.poll(newest, { timeout: 5_000 }).toMatchObject({ nodes: [{ status: 'STOPPED', watchers: 0 }] });
  });

  test('stops a run that nobody was ever attached to', async () => {
    await using rig = await openRig({ sandbox: { pace: 0.25 }, runs, waits });
    const query = 'mutation ($input: ChatInput!) { chat(input: $input) { run { id } } }';
    const { run } = dataOf(await rig.query(query, { input: { ...input, waitMs: 0 } }, 'ann'))['chat'];
    await expect.poll(() => statusOf(rig, run.id), { timeout: 5_000 }).toMatchObject({ status: 'STOPPED' });
  });
});

test.each([
  ['a workflow', 'runWorkflow', 'RunWorkflowInput', { app: 'summarize', inputs: { text: '!slow:600 Text.' } }],
  ['a completion', 'complete', 'CompleteInput', { app: 'copywriter', inputs: { product: '!long:2000' } }],
])('onDisconnect: CANCEL also stops %s', async (_, field, type, order) => {
  await using rig = await openRig({ sandbox: { pace: 0.25 }, runs: { abandonMs: 50 }, waits });
  const query = `mutation ($input: ${type}!) { ${field}(input: $input) { run { id } } }`;
  const variables = { input: { ...order, onDisconnect: 'CANCEL', waitMs: 0 } };
  const { run } = dataOf(await rig.query(query, variables, 'ann'))[field];
  await expect.poll(() => statusOf(rig, run.id), { timeout: 5_000 }).toMatchObject({ status: 'STOPPED' });
  expect(stops(rig)).toHaveLength(1);
});
