import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Gateway } from '../../src/gateway.ts';
import { openSandbox, type Sandbox, type SandboxRequest } from '../../src/sandbox/sandbox.ts';
import { codesOf, dataOf } from '../graphql/answers.ts';
import { hasRedis, openRedis, type TestRedis } from '../redis.ts';
import { openGateway, type Data, type RigOptions } from '../rig.ts';

const ask = `mutation ($input: ChatInput!) {
  chat(input: $input) { answer conversationId complete run { id status error { code message } timing { queuedMs } } }
}`;
const conversationEvents = `subscription ($id: ID!) {
  conversationEvents(conversationId: $id) { run { id } event { __typename ... on RunFinished { status } } }
}`;

/** Two replicas and their Dify. */
interface Pair extends AsyncDisposable {
  readonly one: Gateway;
  readonly two: Gateway;
  readonly sandbox: Sandbox;
  readonly requests: readonly SandboxRequest[];
  /** What Dify was asked, in order. */
  asked(): unknown[];
  /** The most answers that were under way whenever a question came. */
  most(): number;
}

async function post(gateway: Gateway, query: string, variables: object = {}) {
  const headers = { 'content-type': 'application/json', 'x-user': 'ann' };
  const reply = await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return (await reply.json()) as { data?: Data; errors?: never };
}

async function chat(gateway: Gateway, input: object): Promise<Data> {
  return dataOf(await post(gateway, ask, { input: { autoGenerateName: false, ...input } }))['chat'] as Data;
}

async function statusOf(gateway: Gateway, id: string): Promise<unknown> {
  return dataOf(await post(gateway, `{ run(id: "${id}") { status } }`))['run']?.status;
}

describe.skipIf(!hasRedis())('replicas', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await openRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  async function openPair(options: RigOptions = {}, pace = 0.25): Promise<Pair> {
    const requests: SandboxRequest[] = [];
    let most = 0;
    const sandbox: Sandbox = await openSandbox({
      pace,
      onRequest(request) {
        requests.push(request);
        if (request.path.endsWith('/chat-messages')) most = Math.max(most, sandbox.open + 1);
      },
    });
    const own = { redis: { url: redis.url, prefix: `${randomUUID()}:` }, waits: { stopMs: 5_000, lingerMs: 60 } };
    const [one, two] = await Promise.all([1, 2].map(() => openGateway(sandbox, { ...own, ...options })));
    return {
      one: one!,
      two: two!,
      sandbox,
      requests,
      asked: () =>
        requests
          .filter(({ path }) => path.endsWith('/chat-messages'))
          .map(({ body }) => (body as { query?: unknown }).query),
      most: () => most,
      async [Symbol.asyncDispose]() {
        await Promise.all([one!.close(), two!.close()]);
        await sandbox.close();
      },
    };
  }

  test('answer exactly one of twenty questions that a conversation gets at once', async () => {
    await using pair = await openPair();
    const { conversationId } = await chat(pair.one, { query: '!echo first' });
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const input = { query: `!echo ${index}`, conversationId, waitMs: 0, autoGenerateName: false };
        return post(index % 2 ? pair.one : pair.two, ask, { input });
      }),
    );
    const codes = results.flatMap((result) => codesOf(result as never));
    expect(codes).toEqual(Array.from({ length: 19 }, () => 'CONVERSATION_BUSY'));
    await expect.poll(() => pair.asked()).toHaveLength(2);
  });

  test('take the next question as soon as the other has told the end', async () => {
    await using pair = await openPair({}, 0);
    let { conversationId } = await chat(pair.one, { query: '!echo 0' });
    for (let index = 1; index <= 10; index += 1) {
      const answer = await chat(index % 2 ? pair.two : pair.one, { query: `!echo ${index}`, conversationId });
      expect(answer).toMatchObject({ answer: `${index}`, complete: true });
      ({ conversationId } = answer as { conversationId: string });
    }
  });

  test('ask in order what queues before a conversation, and let each other stop what comes before', async () => {
    await using pair = await openPair();
    const { conversationId } = await chat(pair.one, { query: '!echo first' });
    const long = await chat(pair.one, { query: '!long', conversationId, waitMs: 0 });
    const waiting = await chat(pair.one, { query: '!echo waits', conversationId, waitMs: 0, onBusy: 'QUEUE' });
    expect(waiting['run'].status).toBe('QUEUED');
    const active = `{ conversation(id: "${conversationId}") { activeRun { id } } }`;
    expect(dataOf(await post(pair.two, active))['conversation'].activeRun).toEqual({ id: long['run'].id });
    const last = await chat(pair.two, { query: '!echo last', conversationId, onBusy: 'INTERRUPT' });
    expect(last).toMatchObject({
      answer: 'last',
      run: { status: 'SUCCEEDED', timing: { queuedMs: expect.any(Number) } },
    });
    expect(await statusOf(pair.two, long['run'].id)).toBe('STOPPED');
    expect(await statusOf(pair.two, waiting['run'].id)).toBe('STOPPED');
    expect(pair.asked()).toEqual(['!echo first', '!long', '!echo last']);
  });

  test('C102 never ask an app more than it takes, all of them together', async () => {
    await using pair = await openPair({ limits: { maxRuns: 5 } }, 0.05);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        chat(index % 2 ? pair.one : pair.two, { query: `!echo ${index} and some more words` }),
      ),
    );
    expect(answers.map(({ answer }) => answer)).toEqual(answers.map((_, index) => `${index} and some more words`));
    expect(pair.asked()).toHaveLength(50);
    expect(pair.most()).toBeLessThanOrEqual(5);
  });

  test('wait on for a question whose replica is closed, and ask it once', async () => {
    await using pair = await openPair({ limits: { maxRuns: 1 } });
    const long = await chat(pair.two, { query: '!long', waitMs: 0 });
    await expect.poll(() => pair.asked()).toEqual(['!long']);
    const waiting = await chat(pair.one, { query: '!echo waits', waitMs: 0 });
    expect(waiting['run'].status).toBe('QUEUED');
    await pair.one.close();
    expect(await statusOf(pair.two, waiting['run'].id)).toBe('QUEUED');
    await post(pair.two, 'mutation ($id: ID!) { stopRun(runId: $id) { confirmed } }', { id: long['run'].id });
    await expect.poll(() => statusOf(pair.two, waiting['run'].id), { timeout: 10_000 }).toBe('SUCCEEDED');
    expect(pair.asked()).toEqual(['!long', '!echo waits']);
  });

  test('count who is attached at the other before they cancel a run', async () => {
    const abandonMs = 1_500;
    await using pair = await openPair({ runs: { abandonMs } });
    const input = { query: '!long:2000', onDisconnect: 'CANCEL', waitMs: 0 };
    const { run } = await chat(pair.one, input);
    const url = pair.two.url.replace('http', 'ws');
    const client = createClient({ url, webSocketImpl: WebSocket, connectionParams: { user: 'ann' } });
    const events = client.iterate({ query: `subscription { runEvents(runId: "${run.id}") { seq } }` });
    await events.next();
    // Longer than it may be alone: only time can tell that nothing happens.
    await new Promise((resolve) => setTimeout(resolve, abandonMs * 1.5));
    expect(await statusOf(pair.one, run.id)).toBe('RUNNING');
    await client.dispose();
    await expect.poll(() => statusOf(pair.two, run.id), { timeout: 10_000 }).toBe('STOPPED');
    expect(pair.requests.filter(({ path }) => path.endsWith('/stop'))).toHaveLength(1);
  });

  test('show a conversation that is asked at the other', async () => {
    await using pair = await openPair({}, 0.05);
    const { conversationId } = await chat(pair.one, { query: '!echo first' });
    const url = pair.two.url.replace('http', 'ws');
    const client = createClient({ url, webSocketImpl: WebSocket, connectionParams: { user: 'ann' } });
    const events = client.iterate<Data>({ query: conversationEvents, variables: { id: conversationId } });
    const first = events.next();
    const asked = chat(pair.one, { query: '!echo some more words', conversationId });
    const told: Data[] = [];
    for (let next = await first; !next.done; next = await events.next()) {
      told.push(next.value.data?.['conversationEvents'] as Data);
      if (told.at(-1)?.['event'].__typename === 'RunFinished') break;
    }
    await client.dispose();
    const { run } = await asked;
    expect(new Set(told.map((one) => one['run'].id))).toEqual(new Set([run.id]));
    expect(told[0]?.['event'].__typename).toBe('RunAttached');
    expect(told.at(-1)?.['event'].status).toBe('SUCCEEDED');
  });
});
