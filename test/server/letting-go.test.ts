import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from '../rig.ts';
import { dataOf, holdAnswer, startRun, type Held } from '../graphql/answers.ts';
import { post } from './doors.ts';
import { openSocket, subscribe } from './socket.ts';

const runEvents = 'subscription ($id: ID!) { runEvents(runId: $id) { __typename seq } }';

interface Seen {
  readonly watchers: number;
  readonly status: string;
  readonly answer: string;
}

async function see(rig: Rig, id: string): Promise<Seen> {
  return dataOf(await rig.query(`{ run(id: "${id}") { watchers status ... on ChatRun { answer } } }`))['run'] as Seen;
}

const watched = (rig: Rig, id: string) => expect.poll(async () => (await see(rig, id)).watchers);

/**
 * Nothing happens in the run while its readers leave, so one that waits for the next event before it goes would stay for ever:
 * the limit is generous only for a busy machine.
 */
async function expectLetGo(rig: Rig, id: string, held: Held, leave: () => unknown): Promise<void> {
  await leave();
  const from = performance.now();
  await expect.poll(async () => (await see(rig, id)).watchers, { interval: 5, timeout: 1_000 }).toBe(0);
  expect(performance.now() - from).toBeLessThan(500);
  expect(await see(rig, id)).toEqual({ watchers: 0, status: 'RUNNING', answer: held.begun });
  held.release();
  await expect.poll(() => see(rig, id)).toEqual({ watchers: 0, status: 'SUCCEEDED', answer: held.whole });
}

describe('a reader is let go at once, and the run goes on, when', () => {
  test('a client completes its subscription', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await using socket = await openSocket(rig);
    subscribe(socket, '1', runEvents, { id });
    await watched(rig, id).toBe(1);
    await expectLetGo(rig, id, held, () => socket.send({ id: '1', type: 'complete' }));
  });

  test('the question itself was asked with the subscription', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    await using socket = await openSocket(rig);
    subscribe(socket, '1', 'subscription { chatStream(input: { query: "a", idempotencyKey: "k" }) { runId } }');
    const id = (await socket.nextOf('1'))['payload'].data.chatStream.runId as string;
    await expect.poll(async () => (await see(rig, id)).answer).toBe(held.begun);
    await expectLetGo(rig, id, held, () => socket.send({ id: '1', type: 'complete' }));
    expect(rig.requests.filter(({ path }) => path.endsWith('/stop'))).toEqual([]);
  });

  test('a client closes its socket', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await using socket = await openSocket(rig);
    for (const name of ['1', '2', '3']) subscribe(socket, name, runEvents, { id });
    await watched(rig, id).toBe(3);
    await expectLetGo(rig, id, held, () => socket.ws.close(1000));
  });

  test('the connection of a socket breaks', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await using socket = await openSocket(rig);
    subscribe(socket, '1', runEvents, { id });
    await watched(rig, id).toBe(1);
    await expectLetGo(rig, id, held, () => socket.ws.terminate());
  });

  test('a socket is closed for a bad message', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await using socket = await openSocket(rig);
    subscribe(socket, '1', runEvents, { id });
    await watched(rig, id).toBe(1);
    await expectLetGo(rig, id, held, () => socket.send('}'));
  });

  test('a client leaves its event stream', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    const gone = new AbortController();
    const accept = 'text/event-stream';
    const response = await post(rig, { query: runEvents, variables: { id } }, { accept }, gone.signal);
    await response.body?.getReader().read();
    await watched(rig, id).toBe(1);
    await expectLetGo(rig, id, held, () => gone.abort());
  });

  test('it merges what it reads', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await using socket = await openSocket(rig);
    const query = 'subscription ($id: ID!) { runEvents(runId: $id, after: 0, options: { coalesceMs: 10000 }) { seq } }';
    subscribe(socket, '1', query, { id });
    await watched(rig, id).toBe(1);
    await expectLetGo(rig, id, held, () => socket.send({ id: '1', type: 'complete' }));
  });
});

describe('a reader that leaves', () => {
  test('harms no other, on its own socket or on another', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await expect.poll(async () => (await see(rig, id)).answer).toBe(held.begun);
    await using one = await openSocket(rig);
    await using two = await openSocket(rig);
    subscribe(one, 'a', runEvents, { id });
    subscribe(one, 'b', runEvents, { id });
    subscribe(two, 'a', runEvents, { id });
    await watched(rig, id).toBe(3);
    one.send({ id: 'a', type: 'complete' });
    await watched(rig, id).toBe(2);
    held.release();
    for (const [socket, name] of [
      [one, 'b'],
      [two, 'a'],
    ] as const) {
      const seen = [];
      for (;;) {
        const frame = await socket.nextOf(name);
        if (frame['type'] === 'complete') break;
        seen.push(frame['payload'].data.runEvents.__typename);
      }
      expect(seen).toEqual(['RunAttached', 'TextDelta', 'RunFinished']);
    }
  });

  test('may do so before it got anything', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await using socket = await openSocket(rig);
    for (let turn = 0; turn < 20; turn += 1) {
      subscribe(socket, String(turn), runEvents, { id });
      socket.send({ id: String(turn), type: 'complete' });
    }
    subscribe(socket, 'last', '{ viewer { id } }');
    await socket.nextOf('last');
    await watched(rig, id).toBe(0);
    held.release();
  });

  test('does not keep others from asking under its key', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const query = 'subscription { chatStream(input: { query: "a", idempotencyKey: "k" }) { __typename runId } }';
    const one = await openSocket(rig);
    subscribe(one, '1', query);
    const first = (await one.nextOf('1'))['payload'].data.chatStream.runId as string;
    one.ws.terminate();
    await one.closed;
    await using two = await openSocket(rig);
    subscribe(two, '1', query);
    expect((await two.nextOf('1'))['payload'].data.chatStream.runId).toBe(first);
    held.release();
    for (;;) if ((await two.nextOf('1'))['type'] === 'complete') break;
    expect(rig.generations()).toHaveLength(1);
  });
});

describe('a client that waits for an answer and leaves', () => {
  const ask =
    'mutation { chat(input: { query: "a", idempotencyKey: "k", autoGenerateName: false }) { answer run { id } } }';

  test('finds it later under its key', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const gone = new AbortController();
    const asked = post(rig, { query: ask }, { accept: 'application/json' }, gone.signal).catch(() => 'gone');
    await using socket = await openSocket(rig);
    await expect.poll(() => rig.generations().length).toBe(1);
    gone.abort();
    expect(await asked).toBe('gone');
    subscribe(socket, '1', ask);
    held.release();
    expect((await socket.nextOf('1'))['payload'].data.chat.answer).toBe(held.whole);
    expect(rig.generations()).toHaveLength(1);
  });

  test.each(['complete', 'close'])('is not waited for any more over a socket, from its %s on', async (how) => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    await using socket = await openSocket(rig);
    const waiting =
      'mutation { chat(input: { query: "a", idempotencyKey: "k", waitMs: 600000, autoGenerateName: false }) { answer } }';
    const ended = () => rig.logged.filter((line) => line.includes('"kind":"execute"')).length;
    subscribe(socket, '1', waiting);
    await expect.poll(() => rig.generations().length).toBe(1);
    expect(ended()).toBe(0);
    if (how === 'complete') socket.send({ id: '1', type: 'complete' });
    else socket.ws.close(1000);
    await expect.poll(ended).toBe(1);
    await using other = await openSocket(rig);
    subscribe(other, '1', waiting);
    held.release();
    expect((await other.nextOf('1'))['payload'].data.chat.answer).toBe(held.whole);
    expect(rig.generations()).toHaveLength(1);
  });

  test('over a socket does not end what else it waits for there', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    await using socket = await openSocket(rig);
    subscribe(socket, 'stays', ask);
    await expect.poll(() => rig.generations().length).toBe(1);
    subscribe(socket, 'leaves', ask);
    socket.send({ id: 'leaves', type: 'complete' });
    held.release();
    const frame = await socket.next();
    expect([frame['id'], frame['payload'].data.chat.answer]).toEqual(['stays', held.whole]);
  });
});
