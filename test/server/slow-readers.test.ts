import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { dataOf, startRun } from '../graphql/answers.ts';
import { openRig, type Data } from '../rig.ts';
import { floodNodes, floodText } from './flood.ts';
import { stallAt, type Stalled } from './stalled.ts';

const kilobyte = 1_024;
const megabytes = 50;

/** The text of these events, put together by their rule; nothing may be missing between them. */
function textOf(events: readonly Data[]): string {
  const pieces: string[] = [];
  let length = 0;
  for (const { __typename, offset, text } of events) {
    if (__typename !== 'TextDelta') continue;
    expect(offset).toBe(length);
    pieces.push(text as string);
    length += (text as string).length;
  }
  return pieces.join('');
}

/** The most that has waited at once in each connection that a server in this process has taken since. */
function watchConnections(): { readonly most: () => number[] } & Disposable {
  const most = new Map<Socket, number>();
  const note = (message: unknown) => void most.set((message as { socket: Socket }).socket, 0);
  subscribe('net.server.socket', note);
  const timer = setInterval(() => {
    for (const [socket, before] of most) most.set(socket, Math.max(before, socket.writableLength));
  }, 2);
  return {
    most: () => [...most.values()],
    [Symbol.dispose]() {
      clearInterval(timer);
      unsubscribe('net.server.socket', note);
    },
  };
}

test(`readers that read nothing of ${megabytes} MB slow nobody down, and get everything once they read`, async () => {
  await using rig = await openRig();
  const { text, count } = floodText(rig.sandbox, megabytes);
  const id = await startRun(rig);
  using connections = watchConnections();
  const opened = await Promise.all(Object.values(stallAt).map((stall) => stall(rig.url, id)));
  await using readers = new AsyncDisposableStack();
  opened.forEach((one) => readers.use(one));
  const from = performance.now();
  const beside = await (await stallAt['a WebSocket']!(rig.url, id)).read();
  const took = performance.now() - from;
  expect(beside.at(-1)).toMatchObject({ __typename: 'RunFinished', status: 'SUCCEEDED' });
  expect(textOf(beside)).toBe(text);
  const mosts = connections.most();
  if (process.env['SHOW']) console.log({ took, mosts, frames: beside.length });
  expect(Math.max(...mosts)).toBeLessThan(256 * kilobyte);
  for (const one of opened) {
    const events = await one.read();
    expect(textOf(events) === text).toBe(true);
    expect(events.at(-1)).toMatchObject({ __typename: 'RunFinished', status: 'SUCCEEDED' });
    expect(events.length).toBeLessThan(count / 2);
  }
}, 60_000);

describe.each(Object.entries(stallAt))('a reader that reads nothing at %s', (_, stall) => {
  test('holds no more than an event of each size there is, and has all nodes once it reads', async () => {
    await using rig = await openRig({ nodeData: true });
    floodNodes(rig.sandbox, 300);
    const { runWorkflow } = dataOf(
      await rig.query(
        'mutation { runWorkflow(input: { app: "summarize", inputs: { text: "a" }, waitMs: 0 }) { run { id } } }',
      ),
    );
    using connections = watchConnections();
    await using stalled = await stall(rig.url, runWorkflow.run.id as string);
    const status = `{ run(id: "${runWorkflow.run.id}") { status } }`;
    await expect.poll(async () => dataOf(await rig.query(status))['run'].status).toBe('SUCCEEDED');
    expect(Math.max(...connections.most())).toBeLessThan(256 * kilobyte);
    const events = await stalled.read();
    const outputs = events.flatMap(({ node }) => (node?.status === 'SUCCEEDED' ? [node.outputs.big.length] : []));
    expect(outputs).toEqual(Array.from({ length: 300 }, () => 60_000));
  });

  test('is cut off in the end, and gone', async () => {
    await using rig = await openRig({ nodeData: true, patience: { stalledMs: 500 } });
    floodText(rig.sandbox, 20);
    const id = await startRun(rig);
    await using stalled = await stall(rig.url, id);
    const seen = async () => dataOf(await rig.query(`{ run(id: "${id}") { status watchers } }`))['run'] as Data;
    await expect.poll(seen, { timeout: 15_000 }).toEqual({ status: 'SUCCEEDED', watchers: 0 });
    await expect(stalled.read()).rejects.toThrow();
  });

  test('is let go at once when it leaves', async () => {
    await using rig = await openRig();
    floodText(rig.sandbox, 20);
    const id = await startRun(rig);
    const stalled = await stall(rig.url, id);
    const seen = async () => dataOf(await rig.query(`{ run(id: "${id}") { status watchers } }`))['run'] as Data;
    await expect.poll(seen, { timeout: 15_000 }).toEqual({ status: 'SUCCEEDED', watchers: 1 });
    await stalled[Symbol.asyncDispose]();
    await expect.poll(seen).toEqual({ status: 'SUCCEEDED', watchers: 0 });
  });
});
