import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { dataOf, startRun } from '../graphql/answers.ts';
import { openRig, type Data } from '../rig.ts';
import { floodNodes, floodText } from './flood.ts';
import { openSocket, subscribe as subscribeTo } from './socket.ts';
import { stallAt } from './stalled.ts';

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

/** The most that has waited at once in each connection that the gateway has taken since. */
function watchConnections(url: string): { readonly most: () => number[] } & Disposable {
  const port = Number(new URL(url).port);
  const most = new Map<Socket, number>();
  const note = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort === port) most.set(socket, 0);
  };
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
  using connections = watchConnections(rig.url);
  const opened = await Promise.all(Object.values(stallAt).map((stall) => stall(rig.url, id)));
  await using readers = new AsyncDisposableStack();
  opened.forEach((one) => readers.use(one));
  const beside = await (await stallAt['a WebSocket']!(rig.url, id)).read();
  expect(beside.at(-1)).toMatchObject({ __typename: 'RunFinished', status: 'SUCCEEDED' });
  expect(textOf(beside)).toBe(text);
  expect(Math.max(...connections.most())).toBeLessThan(256 * kilobyte);
  for (const one of opened) {
    const events = await one.read();
    expect(textOf(events) === text).toBe(true);
    expect(events.at(-1)).toMatchObject({ __typename: 'RunFinished', status: 'SUCCEEDED' });
    expect(events.length).toBeLessThan(count / 2);
  }
}, 60_000);

describe.each(Object.entries(stallAt))('a reader that reads nothing at %s', (_, stall) => {
  test('holds no more than a few nodes of 60 KB, and has them all once it reads', async () => {
    await using rig = await openRig({ nodeData: true });
    floodNodes(rig.sandbox, 300);
    const { runWorkflow } = dataOf(
      await rig.query(
        'mutation { runWorkflow(input: { app: "summarize", inputs: { text: "a" }, waitMs: 0 }) { run { id } } }',
      ),
    );
    using connections = watchConnections(rig.url);
    await using stalled = await stall(rig.url, runWorkflow.run.id as string);
    const status = `{ run(id: "${runWorkflow.run.id}") { status } }`;
    await expect.poll(async () => dataOf(await rig.query(status))['run'].status).toBe('SUCCEEDED');
    expect(Math.max(...connections.most())).toBeLessThan(256 * kilobyte);
    const events = await stalled.read();
    const done = events.flatMap(({ node }) => (node?.status === 'SUCCEEDED' ? [node as Data] : []));
    expect(done.map(({ nodeId }) => nodeId as string)).toEqual(Array.from({ length: 300 }, (_, index) => `n${index}`));
    // Told of where it is asked for.
    for (const { outputs } of done) expect(outputs?.big.length ?? 60_000).toBe(60_000);
  });

  test('is cut off in the end, and gone', async () => {
    await using rig = await openRig({ nodeData: true, patience: { pingMs: 100, stalledMs: 500 } });
    floodText(rig.sandbox, 20);
    const id = await startRun(rig);
    await using stalled = await stall(rig.url, id);
    const seen = async () => dataOf(await rig.query(`{ run(id: "${id}") { status watchers } }`))['run'] as Data;
    await expect.poll(seen, { timeout: 15_000 }).toEqual({ status: 'SUCCEEDED', watchers: 0 });
    await expect(stalled.read()).rejects.toThrow();
  });

  test('that leaves is let go at once', async () => {
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

describe('on one socket', () => {
  const query =
    'subscription ($id: ID!) { runEvents(runId: $id, after: 0) { __typename ... on TextDelta { offset text } } }';

  test('ten readers that read nothing wait for one another: each adds one event at most', async () => {
    await using rig = await openRig();
    const { text } = floodText(rig.sandbox, 10);
    const id = await startRun(rig);
    using connections = watchConnections(rig.url);
    await using socket = await openSocket(rig);
    socket.ws.pause();
    const names = Array.from({ length: 10 }, (_, index) => String(index));
    for (const name of names) subscribeTo(socket, name, query, { id });
    const status = `{ run(id: "${id}") { status watchers } }`;
    await expect
      .poll(async () => dataOf(await rig.query(status))['run'])
      .toEqual({ status: 'SUCCEEDED', watchers: 10 });
    // A piece of text, as JSON.
    expect(Math.max(...connections.most())).toBeLessThan(64 * kilobyte + 10 * 34 * kilobyte);
    socket.ws.resume();
    const seen = new Map<string, Data[]>(names.map((name) => [name, []]));
    for (let open = names.length; open > 0;) {
      const { id: name, type, payload } = await socket.next();
      if (type === 'complete') open -= 1;
      else seen.get(name as string)?.push(payload.data.runEvents as Data);
    }
    for (const events of seen.values()) expect(textOf(events) === text).toBe(true);
  });

  test('what takes long to send is not taken for silence', async () => {
    await using rig = await openRig({ patience: { pingMs: 1_000 } });
    const { text } = floodText(rig.sandbox, 20);
    const id = await startRun(rig);
    await using socket = await openSocket(rig);
    const tcp = (socket.ws as unknown as { readonly _socket: Socket })._socket;
    const status = `{ run(id: "${id}") { status } }`;
    await expect.poll(async () => dataOf(await rig.query(status))['run'].status, { timeout: 15_000 }).toBe('SUCCEEDED');
    subscribeTo(socket, '1', 'subscription ($id: ID!) { runEvents(runId: $id) { ... on RunAttached { text } } }', {
      id,
    });
    // A line that carries a MB in 150 ms: what it carries takes longer than a ping is waited for.
    let carried = 0;
    tcp.on('data', (bytes: Buffer) => {
      carried += bytes.length;
      if (carried < 1_048_576) return;
      carried = 0;
      tcp.pause();
      setTimeout(() => tcp.resume(), 150);
    });
    const attached = await socket.nextOf('1');
    expect(attached['payload'].data.runEvents.text === text).toBe(true);
    expect((await socket.nextOf('1'))['type']).toBe('next');
  });
});
