import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openRig, type Data, type Rig } from '../rig.ts';
import { dataOf, holdAnswer, startRun } from '../graphql/answers.ts';
import { post } from './doors.ts';
import { openSocket, Socket, subscribe } from './socket.ts';

const viewer = '{ viewer { id } }';
const runEvents = 'subscription ($id: ID!) { runEvents(runId: $id) { __typename } }';

/** The socket that a rig opens, before anything was said on it. */
async function connect(rig: Rig, protocol?: string | null): Promise<Socket> {
  const socket = new Socket(rig.wsUrl, protocol);
  await once(socket.ws, 'open');
  return socket;
}

describe('a socket', () => {
  test('answers pings, and many operations at once', async () => {
    await using rig = await openRig();
    await using socket = await openSocket(rig, { user: 'ann' });
    socket.send({ type: 'ping', payload: { a: 1 } });
    expect(await socket.next()).toEqual({ type: 'pong', payload: { a: 1 } });
    for (const id of ['a', 'b', 'c']) subscribe(socket, id, viewer);
    const frames = [];
    for (let taken = 0; taken < 6; taken += 1) frames.push(await socket.next());
    const seen = frames.toSorted((a, b) => String(a['id']).localeCompare(String(b['id'])));
    expect(seen).toEqual(
      ['a', 'b', 'c'].flatMap((id) => [
        { id, type: 'next', payload: { data: { viewer: { id: 'ann' } } } },
        { id, type: 'complete' },
      ]),
    );
  });

  test.each(['refused', 'answered'])(
    'answers an operation that has the id of a completed one, which would have been %s',
    async (old) => {
      const prepared = Promise.withResolvers<void>();
      await using rig = await openRig({
        identify: async ({ operationHeaders }) => {
          if (operationHeaders?.['old'] === undefined) return { id: 'ann', scopes: [] };
          await prepared.promise;
          if (old === 'refused') throw new Error('nobody');
          return { id: 'bob', scopes: [] };
        },
      });
      await using socket = await openSocket(rig);
      const extensions = { headers: { old } };
      socket.send({ id: '1', type: 'subscribe', payload: { query: viewer, extensions } });
      socket.send({ id: '1', type: 'complete' });
      subscribe(socket, '1', '{ viewer { id } apps { name } }');
      const { payload } = await socket.nextOf('1');
      expect(payload.data.viewer).toEqual({ id: 'ann' });
      expect(await socket.nextOf('1')).toEqual({ id: '1', type: 'complete' });
      const held = holdAnswer(rig);
      const id = await startRun(rig);
      socket.send({ id: '2', type: 'subscribe', payload: { query: viewer, extensions } });
      socket.send({ id: '2', type: 'complete' });
      subscribe(socket, '2', runEvents, { id });
      expect((await socket.nextOf('2'))['payload'].data.runEvents.__typename).toBe('RunAttached');
      prepared.resolve();
      held.release();
      const frames: Data[] = [];
      do frames.push(await socket.nextOf('2'));
      while (frames.at(-1)?.['type'] === 'next');
      expect(frames.at(-1)).toEqual({ id: '2', type: 'complete' });
      expect(frames.at(-2)?.['payload'].data.runEvents.__typename).toBe('RunFinished');
    },
  );

  test('keeps its other operations when one has a syntax error, and can still be used', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await using socket = await openSocket(rig);
    subscribe(socket, 'run', runEvents, { id });
    expect((await socket.nextOf('run'))['type']).toBe('next');
    for (const [name, query] of Object.entries({
      syntax: '{ viewer {',
      validation: '{ nope }',
      variables: 'query ($id: ID!) { run(id: $id) { id } }',
      refused: 'subscription { runEvents(runId: "x") { seq } }',
      nameless: '',
    })) {
      subscribe(socket, name, query);
      const { type, payload } = await socket.nextOf(name);
      const [error] = type === 'error' ? payload : payload.errors;
      expect(error.extensions.code).toMatch(/^(BAD_USER_INPUT|NOT_FOUND)$/);
    }
    subscribe(socket, 'syntax', viewer);
    expect((await socket.nextOf('syntax'))['payload']).toEqual({ data: { viewer: { id: 'anonymous' } } });
    held.release();
    const types = [];
    for (;;) {
      const frame = await socket.nextOf('run');
      if (frame['type'] === 'complete') break;
      types.push(frame['payload'].data.runEvents.__typename);
    }
    expect(types.at(-1)).toBe('RunFinished');
  });

  test('uses an id again once its operation is over', async () => {
    await using rig = await openRig();
    await using socket = await openSocket(rig);
    for (let turn = 0; turn < 3; turn += 1) {
      subscribe(socket, 'same', viewer);
      expect((await socket.nextOf('same'))['type']).toBe('next');
      expect((await socket.nextOf('same'))['type']).toBe('complete');
    }
  });
});

describe('a socket is closed', () => {
  const cases: readonly (readonly [string, code: number, (socket: Socket) => unknown])[] = [
    ['for a message that is no JSON', 4400, (socket) => socket.send('{')],
    ['for a message that is no object', 4400, (socket) => socket.send('[1]')],
    ['for a message of no type', 4400, (socket) => socket.send({ id: '1' })],
    ['for a message of a type that nobody knows', 4400, (socket) => socket.send({ type: 'start' })],
    [
      'for an operation without an id',
      4400,
      (socket) => socket.send({ type: 'subscribe', payload: { query: viewer } }),
    ],
    ['for an operation without a query', 4400, (socket) => socket.send({ type: 'subscribe', id: '1', payload: {} })],
    ['for bytes', 4400, (socket) => socket.ws.send(Buffer.from([0, 159, 255]))],
    ['for a second init', 4429, (socket) => socket.send({ type: 'connection_init' })],
    ['for a message that only servers send', 4500, (socket) => socket.send({ type: 'connection_ack' })],
    ['for a message of more than 4 MiB', 1009, (socket) => socket.send(`"${'x'.repeat(4 * 1_048_576)}"`)],
  ];

  test.each(cases)('%s (%i)', async (_, code, misbehave) => {
    await using rig = await openRig();
    await using socket = await openSocket(rig);
    misbehave(socket);
    expect((await socket.closed).code).toBe(code);
    expect(dataOf(await rig.query(viewer))).toEqual({ viewer: { id: 'anonymous' } });
  });

  test('for two operations of one id (4409), while the first goes on', async () => {
    await using rig = await openRig();
    holdAnswer(rig);
    const id = await startRun(rig);
    await using socket = await openSocket(rig);
    subscribe(socket, '1', runEvents, { id });
    await socket.nextOf('1');
    subscribe(socket, '1', viewer);
    expect(await socket.closed).toEqual({ code: 4409, reason: 'Subscriber for 1 already exists' });
  });

  test('for an operation before the init (4401)', async () => {
    await using rig = await openRig();
    await using socket = await connect(rig);
    subscribe(socket, '1', 'mutation { chat(input: { query: "a" }) { answer } }');
    expect((await socket.closed).code).toBe(4401);
    expect(rig.generations()).toEqual([]);
  });

  test('when no init comes (4408)', async () => {
    await using rig = await openRig({ patience: { initMs: 50 } });
    await using socket = await connect(rig);
    expect(await socket.closed).toEqual({ code: 4408, reason: 'Connection initialisation timeout' });
  });

  test('when it speaks no protocol (4406)', async () => {
    await using rig = await openRig();
    await using socket = await connect(rig, null);
    expect((await socket.closed).code).toBe(4406);
  });

  test.each(['/', '/graphql/x', '/graphq', '/health'])('before it opens, on the path %s', async (path) => {
    await using rig = await openRig();
    const ws = new WebSocket(new URL(path, rig.wsUrl), 'graphql-transport-ws');
    const [error] = (await once(ws, 'error')) as [Error];
    expect(error.message).toBe('Unexpected server response: 400');
  });

  test('before it opens, with the protocol of old clients', async () => {
    await using rig = await openRig();
    const ws = new WebSocket(rig.wsUrl, 'graphql-ws');
    const [error] = (await once(ws, 'error')) as [Error];
    expect(error.message).toContain('subprotocol');
  });
});

describe('a silent client', () => {
  test('is cut off when it does not answer pings, and its readers go', async () => {
    await using rig = await openRig({ patience: { pingMs: 50 } });
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await using dead = await openSocket(rig, {}, { autoPong: false });
    await using alive = await openSocket(rig);
    subscribe(dead, '1', runEvents, { id });
    subscribe(alive, '1', runEvents, { id });
    expect((await dead.closed).code).toBe(1006);
    const watchers = async () => dataOf(await rig.query(`{ run(id: "${id}") { watchers } }`))['run'].watchers as number;
    await expect.poll(watchers).toBe(1);
    for (let beats = 0; beats < 4; beats += 1) await once(alive.ws, 'ping');
    expect(alive.ws.readyState).toBe(WebSocket.OPEN);
    held.release();
  });
});

describe('a server that closes', () => {
  test('sends its clients elsewhere with 1012', async () => {
    await using rig = await openRig();
    await using one = await openSocket(rig);
    await using two = await openSocket(rig);
    await rig.gateway.close();
    expect(await one.closed).toEqual({ code: 1012, reason: 'Service restart' });
    expect(await two.closed).toEqual({ code: 1012, reason: 'Service restart' });
  });

  test('lets answers finish and be read, but takes no more questions', async () => {
    await using rig = await openRig({ drainMs: 10_000 });
    const held = holdAnswer(rig);
    await using socket = await openSocket(rig);
    const ask = (key: string) => `subscription { chatStream(input: { query: "a", idempotencyKey: "${key}" }) {
      __typename ... on RunFinished { status }
    } }`;
    subscribe(socket, 'one', ask('one'));
    await socket.nextOf('one');
    await expect.poll(() => rig.generations().length).toBe(1);
    const closing = rig.gateway.close();

    subscribe(socket, 'two', ask('two'));
    const [error] = (await socket.nextOf('two'))['payload'].errors;
    expect(error.extensions).toEqual({ code: 'DRAINING', retryable: true });
    subscribe(socket, 'again', ask('one'));
    expect((await socket.nextOf('again'))['payload'].data.chatStream.__typename).toBe('RunAttached');
    await expect(fetch(rig.url)).rejects.toThrow('fetch failed');

    held.release();
    let last: Data = {};
    for (;;) {
      const frame = await socket.nextOf('again');
      if (frame['type'] === 'complete') break;
      last = frame['payload'].data.chatStream as Data;
    }
    expect(last).toEqual({ __typename: 'RunFinished', status: 'SUCCEEDED' });
    expect((await socket.closed).code).toBe(1012);
    await closing;
    expect(rig.generations()).toHaveLength(1);
  });

  const ask = `subscription { chatStream(input: { query: "a", idempotencyKey: "k" }) {
    ... on RunFinished { status error { code retryable } }
  } }`;
  const failed = { status: 'FAILED', error: { code: 'DRAINING', retryable: true } };

  test('lets a slow reader catch up with an answer that has ended', async () => {
    await using rig = await openRig({ drainMs: 10_000 });
    const id = await startRun(rig, '!long:2000');
    await using socket = await openSocket(rig);
    // More than all buffers on the way hold.
    subscribe(
      socket,
      '1',
      `subscription { runEvents(runId: "${id}", after: 0) { __typename ... on TextDelta { accumulated } } }`,
    );
    await socket.nextOf('1');
    socket.ws.pause();
    await expect
      .poll(async () => dataOf(await rig.query(`{ run(id: "${id}") { status } }`))['run'].status)
      .toBe('SUCCEEDED');
    const closing = rig.gateway.close();
    await expect.poll(() => fetch(rig.url).then(String, () => 'refused')).toBe('refused');
    socket.ws.resume();
    let last: Data = {};
    for (;;) {
      const frame = await socket.nextOf('1');
      if (frame['type'] === 'complete') break;
      last = frame['payload'].data.runEvents as Data;
    }
    expect(last).toEqual({ __typename: 'RunFinished' });
    expect((await socket.closed).code).toBe(1012);
    await closing;
  });

  test('says nothing of an end to readers of what does not finish in time: they will ask another server', async () => {
    await using rig = await openRig({ drainMs: 50 });
    const held = holdAnswer(rig);
    await using socket = await openSocket(rig);
    subscribe(socket, '1', ask);
    await socket.nextOf('1');
    await rig.gateway.close();
    expect((await socket.closed).code).toBe(1012);
    const seen = [];
    for (;;) {
      const frame = await socket.next().catch(() => null);
      if (frame === null) break;
      seen.push(frame['payload']);
    }
    expect(seen).toEqual(seen.map(() => ({ data: { chatStream: {} } })));
    held.release();
  });

  test('tells the readers of event streams that it failed, and may be tried again', async () => {
    await using rig = await openRig({ drainMs: 50 });
    holdAnswer(rig);
    const response = await post(rig, { query: ask }, { accept: 'text/event-stream' });
    await rig.gateway.close();
    const text = await response.text();
    expect(text).toContain(JSON.stringify({ data: { chatStream: failed } }));
    expect(text).toMatch(/event: complete\ndata:\n\n$/);
  });

  test('answers those who wait over HTTP, and has them connect elsewhere next time', async () => {
    await using rig = await openRig({ drainMs: 10_000 });
    const held = holdAnswer(rig);
    const waiting = post(rig, { query: 'mutation { chat(input: { query: "a" }) { answer } }' });
    await expect.poll(() => rig.generations().length).toBe(1);
    const closing = rig.gateway.close();
    held.release();
    const response = await waiting;
    expect(await response.json()).toEqual({ data: { chat: { answer: held.whole } } });
    expect(response.headers.get('connection')).toBe('close');
    await closing;
  });

  test('closes twice as well as once', async () => {
    await using rig = await openRig();
    await Promise.all([rig.gateway.close(), rig.gateway.close()]);
    await rig.gateway.close();
  });
});
