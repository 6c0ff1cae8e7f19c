import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ask } from '../../../examples/graphql-ws.ts';
import { openSocket as openClient } from '../../../examples/socket.ts';
import { at } from '../../../src/server/deadline.ts';
import { Screen } from '../../clients/screen.ts';
import { stage } from '../../clients/stage.ts';
import { codesOf, dataOf } from '../../graphql/answers.ts';
import { openRig, type Data, type Rig } from '../../rig.ts';
import { openSocket, Socket } from '../socket.ts';
import { Issuer, unsigned } from './issuer.ts';

async function openHouse() {
  const issuer = await Issuer.open();
  const rig = await openRig({ auth: { jwt: [issuer.config()] }, admins: [] });
  return {
    rig,
    issuer,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

/** The answer to one operation, which may bring a token of its own. */
async function viewerOn(socket: Socket, id: string, token?: string): Promise<Data> {
  const extensions = token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } };
  socket.send({ id, type: 'subscribe', payload: { query: '{ viewer { id } }', extensions } });
  const { type, payload } = await socket.nextOf(id);
  if (type === 'error') return { errors: payload };
  await socket.nextOf(id);
  return payload as Data;
}

/** How a connection that begins so is closed. */
async function closedAfter(rig: Rig, payload: object) {
  await using socket = new Socket(rig.wsUrl);
  await once(socket.ws, 'open');
  socket.send({ type: 'connection_init', payload });
  return await socket.closed;
}

describe('a WebSocket', () => {
  test('whose credentials are wrong is closed with 4403, after which clients come again', async () => {
    await using house = await openHouse();
    const { rig, issuer } = house;
    const tokens = [
      await issuer.token('ann', { exp: -1 }),
      await issuer.token('ann', { aud: 'other' }),
      unsigned({ sub: 'ann' }),
      'run_x.y',
      'rubbish',
    ];
    for (const token of tokens) {
      for (const payload of [
        { authorization: `Bearer ${token}` },
        { Authorization: `bearer ${token}` },
        { headers: { authorization: `Bearer ${token}` } },
        { 'x-api-key': token },
      ])
        expect(await closedAfter(rig, payload)).toEqual({ code: 4403, reason: 'Forbidden' });
    }
  });

  test('may say who it is in many ways', async () => {
    await using house = await openHouse();
    const { rig, issuer } = house;
    const authorization = `Bearer ${await issuer.token('ann')}`;
    for (const payload of [{ authorization }, { Authorization: authorization }, { headers: { authorization } }]) {
      await using socket = await openSocket(rig, payload);
      expect(dataOf(await viewerOn(socket, '1'))).toEqual({ viewer: { id: 'ann' } });
    }
    await using byRequest = await openSocket(rig, {}, { headers: { authorization } });
    expect(dataOf(await viewerOn(byRequest, '1'))).toEqual({ viewer: { id: 'ann' } });
  });

  test('without credentials stays open for operations that bring their own', async () => {
    await using house = await openHouse();
    await using socket = await openSocket(house.rig);
    expect(codesOf(await viewerOn(socket, '1'))).toEqual(['UNAUTHENTICATED']);
    expect(dataOf(await viewerOn(socket, '2', await house.issuer.token('ann')))).toEqual({ viewer: { id: 'ann' } });
    expect(codesOf(await viewerOn(socket, '3', 'rubbish'))).toEqual(['UNAUTHENTICATED']);
    expect(dataOf(await viewerOn(socket, '4', await house.issuer.token('bob')))).toEqual({ viewer: { id: 'bob' } });
  });

  test('is not believed by name', async () => {
    await using house = await openHouse();
    const authorization = `Bearer ${await house.issuer.token('ann')}`;
    await using named = await openSocket(house.rig, { user: 'eve', 'x-user': 'eve' });
    expect(codesOf(await viewerOn(named, '1'))).toEqual(['UNAUTHENTICATED']);
    await using both = await openSocket(house.rig, { user: 'eve', authorization });
    expect(codesOf(await viewerOn(both, '1'))).toEqual(['FORBIDDEN']);
  });

  test('an operation with wrong credentials harms no other', async () => {
    await using house = await openHouse();
    const { rig, issuer } = house;
    const staged = stage(rig.sandbox, 'assistant', ['Half ', 'whole']);
    await using socket = await openSocket(rig, { authorization: `Bearer ${await issuer.token('ann')}` });
    const query =
      'subscription { chatStream(input: { query: "a", idempotencyKey: "k" }) { ... on TextDelta { text } } }';
    socket.send({ id: 'long', type: 'subscribe', payload: { query } });
    await socket.nextOf('long');
    expect(codesOf(await viewerOn(socket, '2', await issuer.token('ann', { exp: -1 })))).toEqual(['UNAUTHENTICATED']);
    staged.next();
    for (;;) {
      const { type, payload } = await socket.nextOf('long');
      if (type === 'complete') break;
      expect(payload).not.toHaveProperty('errors');
    }
  });

  test('whose issuer is away is asked to come again: 1013', async () => {
    await using house = await openHouse();
    const token = await house.issuer.token('ann');
    await house.issuer.goAway();
    expect(await closedAfter(house.rig, { authorization: `Bearer ${token}` })).toMatchObject({ code: 1013 });
    const response = await fetch(house.rig.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: '{ viewer { id } }' }),
    });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'AUTH_UNAVAILABLE', retryable: true } }],
    });
  });

  test('is closed with 4403 when its token expires, or that of one of its operations', async () => {
    await using house = await openHouse();
    const { rig, issuer } = house;
    const start = performance.now();
    await using one = await openSocket(rig, { authorization: `Bearer ${await issuer.token('ann', { exp: 2 })}` });
    await using two = await openSocket(rig);
    expect(dataOf(await viewerOn(two, '1', await issuer.token('ann', { exp: 2 })))).toEqual({ viewer: { id: 'ann' } });
    expect(await one.closed).toEqual({ code: 4403, reason: 'Forbidden' });
    expect(await two.closed).toEqual({ code: 4403, reason: 'Forbidden' });
    expect(performance.now() - start).toBeGreaterThan(900);
  });

  test('of a client that gets new tokens comes back when one expires, and has missed nothing', async () => {
    await using house = await openHouse();
    const { rig, issuer } = house;
    const staged = stage(rig.sandbox, 'assistant', ['Grüße ', 'aus der ', 'Ferne 👋']);
    const lives = [2, 3, 300];
    let made = 0;
    const client = openClient(rig.url, () => issuer.token('ann', { exp: lives[made++] ?? 300 }));
    const screen = new Screen();
    const answer = ask(client, { query: 'Hello?' }, screen.show);
    await screen.reads('Grüße ');
    await vi.waitFor(() => expect(made).toBe(2), { timeout: 10_000 });
    staged.next();
    await screen.reads('Grüße aus der ');
    await vi.waitFor(() => expect(made).toBe(3), { timeout: 10_000 });
    staged.next();
    expect(await answer).toMatchObject({ status: 'SUCCEEDED', text: 'Grüße aus der Ferne 👋' });
    expect(rig.generations()).toHaveLength(1);
    await client.dispose();
  });
});

describe('an event stream', () => {
  test('ends when its token expires, and goes on with a new one', async () => {
    await using house = await openHouse();
    const { rig, issuer } = house;
    const staged = stage(rig.sandbox, 'assistant', ['Half ', 'whole']);
    const post = (token: string, query: string, accept: string) =>
      fetch(rig.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${token}` },
        body: JSON.stringify({ query }),
      });
    const long = await issuer.token('ann');
    const started = await post(
      long,
      'mutation { chat(input: { query: "a", waitMs: 0 }) { run { id } } }',
      'application/json',
    );
    const id = ((await started.json()) as Data)['data'].chat.run.id as string;
    const short = await issuer.token('ann', { exp: 2 });
    const get = (token: string, last?: string) =>
      fetch(new URL(`/runs/${id}/events`, rig.url), {
        headers: { authorization: `Bearer ${token}`, ...(last === undefined ? {} : { 'last-event-id': last }) },
      });
    const [plain, graphql] = await Promise.all([
      get(short),
      post(short, `subscription { runEvents(runId: "${id}") { seq } }`, 'text/event-stream'),
    ]);
    const [text, told] = await Promise.all([plain.text(), graphql.text()]);
    expect(text).toContain('RunAttached');
    for (const half of [text, told]) expect(half).not.toContain('RunFinished');
    expect(told).not.toContain('event: complete');
    expect((await get(short)).status).toBe(401);
    staged.next();
    const last = [...text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1];
    expect(await (await get(long, last)).text()).toContain('RunFinished');
  });
});

describe('a time', () => {
  afterEach(() => void vi.useRealTimers());

  test('may be further away than timers reach', () => {
    vi.useFakeTimers();
    const ring = vi.fn<() => void>();
    const month = 30 * 86_400_000;
    at(Date.now() + month, ring);
    const giveUp = at(Date.now() + month, ring);
    vi.advanceTimersByTime(month - 1);
    expect(ring).not.toHaveBeenCalled();
    giveUp();
    vi.advanceTimersByTime(1);
    expect(ring).toHaveBeenCalledOnce();
  });
});
