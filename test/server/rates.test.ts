import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { memoryRate } from '../../src/runs/rates.ts';
import { Admission } from '../../src/server/admission.ts';
import { dataOf } from '../graphql/answers.ts';
import { hasRedis, openRedis } from '../redis.ts';
import { openGateway, openRig, unlimited, type Rig, type RigOptions } from '../rig.ts';
import { ask } from './carrying.ts';
import { doors, post } from './doors.ts';

const user = (limits: Partial<typeof unlimited.user>): NonNullable<RigOptions['bounds']> => ({
  user: { ...unlimited.user, ...limits },
});
const address = (limits: Partial<typeof unlimited.address>): NonNullable<RigOptions['bounds']> => ({
  address: { ...unlimited.address, ...limits },
});
const who = { query: '{ viewer { id } }' };
const limited = { code: 'RATE_LIMITED', retryable: true, retryAfterMs: expect.any(Number) };

/** What an operation by HTTP says. */
async function codeOf(rig: Rig, name: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const answer = (await (await post(rig, who, { 'x-user': name, ...headers })).json()) as {
    readonly errors?: readonly [{ readonly extensions: { readonly code: string } }];
  };
  return answer.errors?.[0].extensions.code ?? 'OK';
}

describe('a user', () => {
  test.each(Object.entries(doors))('may ask so often in a minute at %s, and others ask on', async (_, door) => {
    await using rig = await openRig({ bounds: user({ operationsPerMinute: 3 }) });
    for (let i = 0; i < 3; i += 1) expect(await door(rig, who, 'ann')).toEqual([{ data: { viewer: { id: 'ann' } } }]);
    const [refused] = await door(rig, who, 'ann');
    expect(refused?.errors?.[0]?.extensions).toEqual(limited);
    expect(Number(refused?.errors?.[0]?.extensions?.['retryAfterMs'])).toBeGreaterThan(50_000);
    expect(await door(rig, who, 'bob')).toEqual([{ data: { viewer: { id: 'bob' } } }]);
  });

  test('is counted over all doors together, plain routes included', async () => {
    await using rig = await openRig({ bounds: user({ operationsPerMinute: 4 }) });
    for (const door of Object.values(doors)) await door(rig, who, 'ann');
    expect((await ask(rig, '/files/assistant/x', { user: 'ann' })).status).toBe(404);
    for (const door of Object.values(doors))
      expect((await door(rig, who, 'ann'))[0]?.errors?.[0]?.extensions).toEqual(limited);
    const refused = await ask(rig, '/files/assistant/x', { user: 'ann' });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(await refused.json()).toMatchObject(limited);
  });

  test('is told by HTTP when to come again', async () => {
    await using rig = await openRig({ bounds: user({ operationsPerMinute: 1 }) });
    await post(rig, who);
    const refused = await post(rig, who, { accept: 'application/json' });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
  });

  test('who watches a run with an EventSource is let wait, and not turned away for good', async () => {
    await using rig = await openRig({ bounds: user({ operationsPerMinute: 1 }) });
    await rig.query(who.query, {}, 'ann');
    const response = await ask(rig, '/runs/x/events', { user: 'ann' });
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^retry: [3-6]\d{4}\n\n$/);
  });

  test('may have so many connections, and gets one more when one of them is closed', async () => {
    await using rig = await openRig({ bounds: user({ connections: 2 }) });
    const query = 'subscription { chatStream(input: { query: "!silence", idempotencyKey: "k" }) { __typename } }';
    const socket = rig.client({ connectionParams: { user: 'ann' } });
    const first = socket.iterate({ query });
    expect((await first.next()).value).toHaveProperty('data');
    const gone = new AbortController();
    const stream = await post(rig, { query }, { accept: 'text/event-stream', 'x-user': 'ann' }, gone.signal);
    const [refused] = await doors['WebSocket']!(rig, who, 'ann');
    expect(refused?.errors?.[0]?.extensions).toEqual(limited);
    const [refusedStream] = await doors['SSE']!(rig, { query }, 'ann');
    expect(refusedStream?.errors?.[0]?.extensions).toEqual(limited);
    // The connections that are open take operations as before, and other users have their own.
    expect((await socket.iterate(who).next()).value).toEqual({ data: { viewer: { id: 'ann' } } });
    expect(await doors['WebSocket']!(rig, who, 'bob')).toEqual([{ data: { viewer: { id: 'bob' } } }]);
    gone.abort();
    await stream.text().catch(() => '');
    await expect.poll(() => doors['WebSocket']!(rig, who, 'ann')).toEqual([{ data: { viewer: { id: 'ann' } } }]);
    await socket.dispose();
    await expect
      .poll(async () => (await Promise.all([1, 2].map(() => doors['WebSocket']!(rig, who, 'ann')))).flat())
      .toEqual([1, 2].map(() => ({ data: { viewer: { id: 'ann' } } })));
  });
});

describe('an address', () => {
  test.each(Object.entries(doors))('may ask so often in a minute at %s, whoever asks', async (_, door) => {
    await using rig = await openRig({ bounds: address({ operationsPerMinute: 2 }) });
    for (const name of ['ann', 'bob']) expect((await door(rig, who, name))[0]?.data).toBeDefined();
    expect((await door(rig, who, 'cat'))[0]?.errors?.[0]?.extensions).toEqual(limited);
    expect((await ask(rig, '/speech/nothing')).status).toBe(429);
    const page = await ask(rig, '/graphql', { headers: { accept: 'text/html' } });
    expect([page.status, await page.json()]).toEqual([
      429,
      { errors: [{ message: expect.any(String), extensions: { code: 'RATE_LIMITED' } }] },
    ]);
    expect((await ask(rig, '/ready')).status).toBe(200);
    expect((await ask(rig, '/health')).status).toBe(200);
  });

  test('is the one that a proxy of ours names, and nobody else’s', async () => {
    const one = address({ operationsPerMinute: 1 });
    const from = (...hops: readonly string[]) => ({ 'x-forwarded-for': hops.join(', ') });
    await using behind = await openRig({ bounds: { ...one, proxies: ['127.0.0.0/8', '10.1.1.1'] } });
    expect(await codeOf(behind, 'ann', from('203.0.113.1'))).toBe('OK');
    expect(await codeOf(behind, 'ann', from('203.0.113.2'))).toBe('OK');
    expect(await codeOf(behind, 'ann', from('203.0.113.1'))).toBe('RATE_LIMITED');
    // What a client writes itself stands to the left.
    expect(await codeOf(behind, 'ann', from('198.51.100.7', '203.0.113.1'))).toBe('RATE_LIMITED');
    expect(await codeOf(behind, 'ann', from('198.51.100.8', '203.0.113.1', '10.1.1.1'))).toBe('RATE_LIMITED');
    // A proxy that names nobody speaks for everybody.
    for (let i = 0; i < 3; i += 1) expect(await codeOf(behind, 'ann')).toBe('OK');
    for (let i = 0; i < 3; i += 1) expect(await codeOf(behind, 'ann', from('rubbish'))).toBe('OK');
    // One client has as many of these as it likes.
    expect(await codeOf(behind, 'ann', from('2001:db8:0:7::1'))).toBe('OK');
    expect(await codeOf(behind, 'ann', from('2001:db8::7:ffff:0:0:1'))).toBe('RATE_LIMITED');
    expect(await codeOf(behind, 'ann', from('2001:db8:0:8::1'))).toBe('OK');
    await using open = await openRig({ bounds: one });
    expect(await codeOf(open, 'ann', from('203.0.113.1'))).toBe('OK');
    expect(await codeOf(open, 'ann', from('203.0.113.2'))).toBe('RATE_LIMITED');
  });

  test('may have so many sockets: more are refused before they are opened', async () => {
    await using rig = await openRig({ bounds: address({ connections: 1 }) });
    const socket = rig.client({ lazy: false });
    await new Promise<void>((resolve) => void socket.on('connected', () => resolve()));
    const { WebSocket } = await import('ws');
    const second = new WebSocket(rig.wsUrl, 'graphql-transport-ws');
    const [, response] = (await once(second, 'unexpected-response')) as [unknown, { readonly statusCode: number }];
    expect(response.statusCode).toBe(429);
    await socket.dispose();
    await expect.poll(() => doors['WebSocket']!(rig, who)).toEqual([{ data: { viewer: { id: 'anonymous' } } }]);
  });

  test('is forgotten when its connections are closed', () => {
    const admission = new Admission({ ...unlimited, bodyBytes: 0 }, memoryRate);
    const request = { socket: { remoteAddress: '203.0.113.1' }, headers: {} } as never;
    const leave = admission.addressEnters(request);
    admission.addressEnters(request)();
    leave();
    leave();
    expect(JSON.stringify(admission)).toBe('{}');
  });
});

describe('runs', () => {
  const question = (key: string = randomUUID(), app = 'assistant') => ({ app, query: '!echo hi', idempotencyKey: key });
  const start = async (rig: Rig, input: object, name = 'ann') => {
    const { data, errors } = await rig.query(
      'mutation ($input: ChatInput!) { chat(input: $input) { complete deduplicated run { id } } }',
      { input },
      name,
    );
    return errors?.[0]?.extensions ?? data?.['chat'];
  };

  test('of a user begin so often in a minute; the same question, asked again, is found again', async () => {
    await using rig = await openRig({ bounds: user({ runsPerMinute: 2 }) });
    for (const key of ['a', 'b']) expect(await start(rig, question(key))).toMatchObject({ complete: true });
    expect(await start(rig, question('c'))).toEqual(limited);
    for (let i = 0; i < 5; i += 1) expect(await start(rig, question('a'))).toMatchObject({ deduplicated: true });
    expect(await start(rig, question('c'), 'bob')).toMatchObject({ complete: true });
    expect(rig.generations()).toHaveLength(3);
  });

  test('are counted once for a question that comes many times at once, and not for one that is refused', async () => {
    await using rig = await openRig({ bounds: user({ runsPerMinute: 20, runsAtOnce: 3 }) });
    const asked = await Promise.all(Array.from({ length: 15 }, () => start(rig, question('a'))));
    expect(asked.filter(({ deduplicated }) => deduplicated === false)).toHaveLength(1);
    const { run } = await start(rig, question('a'));
    const { data } = await rig.query(
      'query ($id: ID!) { run(id: $id) { ... on ChatRun { conversationId } } }',
      run,
      'ann',
    );
    const busy = { query: '!silence', conversationId: data?.['run'].conversationId, waitMs: 0 };
    expect(await start(rig, busy)).toMatchObject({ complete: false });
    for (let i = 0; i < 30; i += 1) expect(await start(rig, busy)).toMatchObject({ code: 'CONVERSATION_BUSY' });
    expect(await start(rig, question())).toMatchObject({ complete: true });
  });

  test('of an app begin so often in a minute, whoever asks', async () => {
    await using rig = await openRig({ bounds: { app: { runsPerMinute: 2 } } });
    for (const name of ['ann', 'bob']) expect(await start(rig, question(), name)).toMatchObject({ complete: true });
    expect(await start(rig, question(), 'cat')).toEqual(limited);
    expect(await start(rig, question(randomUUID(), 'concierge'), 'cat')).toMatchObject({ complete: true });
  });

  test('of a user go on so many at once: the next may begin when one has ended, or waits for a person', async () => {
    await using rig = await openRig({ sandbox: { version: '1.14.0' }, bounds: user({ runsAtOnce: 2 }) });
    const silent = { ...question('silent'), query: '!silence', waitMs: 0 };
    const run = await start(rig, silent);
    expect(run).toMatchObject({ complete: false });
    const approve = 'mutation { runWorkflow(input: { app: "approval", inputs: { topic: "a" } }) { run { status } } }';
    const paused = await rig.query(approve, {}, 'ann');
    expect(paused).toMatchObject({ data: { runWorkflow: { run: { status: 'PAUSED' } } } });
    const second = await start(rig, { ...silent, idempotencyKey: 'second' });
    expect(second).toMatchObject({ complete: false });
    expect(await start(rig, question())).toEqual(limited);
    expect(await start(rig, silent)).toMatchObject({ deduplicated: true });
    expect(await start(rig, question(), 'bob')).toMatchObject({ complete: true });
    await rig.query('mutation ($id: ID!) { stopRun(runId: $id) { confirmed } }', { id: run.run.id }, 'ann');
    for (let i = 0; i < 3; i += 1) expect(await start(rig, question())).toMatchObject({ complete: true });
    expect(dataOf(await rig.query('{ runs { nodes { id } } }', {}, 'ann'))['runs'].nodes).toHaveLength(6);
  });
});

describe.skipIf(!hasRedis())('processes that share a Redis', () => {
  test('count together, and each for itself while Redis is away', async () => {
    await using redis = await openRedis();
    const options: RigOptions = { redis: { url: redis.url }, bounds: user({ operationsPerMinute: 4, runsAtOnce: 1 }) };
    await using rig = await openRig(options);
    await using other = await openGateway(rig.sandbox, options);
    const second = { ...rig, url: other.url };
    await expect.poll(async () => (await ask(rig, '/ready')).status).toBe(200);
    await expect.poll(async () => (await ask(second, '/ready')).status).toBe(200);
    const silent = 'mutation { chat(input: { query: "!silence", waitMs: 0 }) { complete } }';
    const asked = async (url: string) =>
      (await (
        await ask({ url }, '/graphql', {
          method: 'POST',
          body: JSON.stringify({ query: silent }),
          user: 'bob',
          headers: { 'content-type': 'application/json' },
        })
      ).json()) as object;
    expect(await asked(rig.url)).toEqual({ data: { chat: { complete: false } } });
    expect(await asked(other.url)).toMatchObject({ errors: [{ extensions: limited }] });
    const codes = [];
    for (const one of [rig, second, rig, second, rig, second]) codes.push(await codeOf(one, 'ann'));
    expect(codes).toEqual(['OK', 'OK', 'OK', 'OK', 'RATE_LIMITED', 'RATE_LIMITED']);
    await redis.kill();
    await expect.poll(async () => (await ask(rig, '/ready')).status).toBe(503);
    const away = [];
    for (let i = 0; i < 6; i += 1) away.push(await codeOf(rig, 'cat'));
    expect(away).toEqual(['OK', 'OK', 'OK', 'OK', 'RATE_LIMITED', 'RATE_LIMITED']);
  });
});

test('what is refused says when to ask again', async () => {
  const rate = memoryRate('test', 1, 'tests');
  await rate?.take('a');
  const refused = await rate?.take('a').catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(GatewayError);
  expect(refused).toMatchObject({ message: 'More than 1 tests within a minute: ask again later.', retryable: true });
  await rate?.take('b');
});
