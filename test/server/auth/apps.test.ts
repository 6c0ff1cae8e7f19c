import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { codesOf, dataOf } from '../../graphql/answers.ts';
import { openRig, type Data } from '../../rig.ts';
import { Issuer } from './issuer.ts';

/** Ann may use all apps with one token, and only some with another. */
async function openHouse() {
  const issuer = await Issuer.open();
  const all = ['assistant', 'thinker', 'summarize', 'approval', 'concierge'];
  const rig = await openRig({
    auth: { jwt: [issuer.config({ appsClaim: 'apps' })] },
    admins: [],
    secret: 's'.repeat(32),
    sandbox: { version: '1.15.0' },
  });
  const tokens = {
    all: await issuer.token('ann', { apps: all, scope: 'admin' }),
    some: await issuer.token('ann', { apps: ['thinker'], scope: 'admin' }),
  };
  const headers = (token: string) => ({ 'content-type': 'application/json', authorization: `Bearer ${token}` });
  return {
    rig,
    tokens,
    ask: async (token: string, query: string, variables: object = {}): Promise<Data> => {
      const body = JSON.stringify({ query, variables });
      return (await (await fetch(rig.url, { method: 'POST', headers: headers(token), body })).json()) as Data;
    },
    async follow(token: string, query: string): Promise<Data> {
      const client = rig.client({ connectionParams: { authorization: `Bearer ${token}` } });
      try {
        for await (const result of client.iterate({ query })) return result as Data;
        return {};
      } catch (errors) {
        return { errors };
      } finally {
        await client.dispose();
      }
    },
    route: (token: string, method: string, path: string) =>
      fetch(new URL(path, rig.url), {
        method,
        headers: { ...headers(token), 'x-file-name': 'a.txt' },
        ...(method === 'POST' ? { body: 'text' } : {}),
      }),
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

const chat = 'mutation ($input: ChatInput!) { chat(input: $input) { conversationId messageId run { id } } }';

describe('an app that is not among those a token names', () => {
  test('is not there for it', async () => {
    await using house = await openHouse();
    const { ask, tokens } = house;
    expect(
      dataOf(await ask(tokens.some, '{ apps { name isDefault } app { name } other: app(name: "assistant") { name } }')),
    ).toEqual({
      apps: [{ name: 'thinker', isDefault: true }],
      app: { name: 'thinker' },
      other: null,
    });
    house.rig.requests.length = 0;
    const id = randomUUID();
    for (const query of [
      '{ conversations(app: "assistant") { nodes { id } } }',
      `{ conversation(app: "assistant", id: "${id}") { id } }`,
      `{ conversationHistory(app: "assistant", conversationId: "${id}") { nodes { id } } }`,
      '{ pendingForms(app: "approval") { id } }',
      '{ workflowLogs(app: "summarize") { nodes { id } } }',
      `{ workflowRunRecord(app: "summarize", id: "${id}") { id } }`,
      '{ annotations(app: "assistant") { nodes { id } } }',
      '{ feedbacks(app: "assistant") { nodes { id } } }',
      `{ endUser(app: "assistant", id: "${id}") { id } }`,
      'mutation { chat(input: { app: "assistant", query: "a" }) { answer } }',
      'mutation { runWorkflow(input: { app: "summarize", inputs: {} }) { status } }',
      'mutation { complete(input: { app: "copywriter", inputs: {} }) { answer } }',
      'mutation { speak(input: { app: "assistant", text: "a" }) { url } }',
      `mutation { deleteConversation(app: "assistant", conversationId: "${id}") }`,
      `mutation { rateMessage(app: "assistant", messageId: "${id}", rating: LIKE) { rating } }`,
      'mutation { createAnnotation(app: "assistant", question: "q", answer: "a") { id } }',
    ]) {
      const told = await ask(tokens.some, query);
      expect(codesOf(told), query).toEqual(['APP_NOT_FOUND']);
      expect(JSON.stringify(told)).not.toContain('There are: assistant');
    }
    for (const query of [
      'subscription { chatStream(input: { app: "assistant", query: "a", idempotencyKey: "k" }) { seq } }',
      `subscription { conversationEvents(app: "assistant", conversationId: "${id}") { cursor } }`,
    ])
      expect(codesOf(await house.follow(tokens.some, query)), query).toEqual(['APP_NOT_FOUND']);
    for (const [method, path] of [
      ['POST', '/files/assistant'],
      ['POST', '/files?app=assistant'],
      ['GET', `/files/assistant/${id}`],
    ] as const) {
      const response = await house.route(tokens.some, method, path);
      expect([response.status, await response.json()]).toMatchObject([404, { code: 'APP_NOT_FOUND' }]);
    }
    expect(house.rig.requests).toEqual([]);
  });

  test('has no runs for it, nor forms, though they are the same user’s', async () => {
    await using house = await openHouse();
    const { ask, tokens } = house;
    const started = dataOf(await ask(tokens.all, chat, { input: { query: '!echo hers' } }))['chat'] as Data;
    const approval =
      'mutation { runWorkflow(input: { app: "approval", inputs: { topic: "it" }, waitMs: 0 }) { run { id } } }';
    dataOf(await ask(tokens.all, approval));
    const forms = async (token: string) =>
      dataOf(await ask(token, '{ pendingForms { id } }'))['pendingForms'] as Data[];
    await expect.poll(() => forms(tokens.all)).toHaveLength(1);
    const [form] = await forms(tokens.all);
    const id = started['run'].id as string;
    expect(await forms(tokens.some)).toEqual([]);
    expect(
      dataOf(
        await ask(tokens.some, `{ run(id: "${id}") { id } runs { nodes { id } } viewer { runs { nodes { id } } } }`),
      ),
    ).toEqual({
      run: null,
      runs: { nodes: [] },
      viewer: { runs: { nodes: [] } },
    });
    for (const query of [
      `mutation { stopRun(runId: "${id}") { confirmed } }`,
      `mutation { createRunToken(runId: "${id}") { token } }`,
    ])
      expect(codesOf(await ask(tokens.some, query)), query).toEqual(['NOT_FOUND']);
    const submit = `mutation { submitHumanInput(input: { formId: "${form?.['id']}", action: "approve" }) { run { id } } }`;
    expect(codesOf(await ask(tokens.some, submit))).toEqual(['FORM_EXPIRED']);
    expect(codesOf(await house.follow(tokens.some, `subscription { runEvents(runId: "${id}") { seq } }`))).toEqual([
      'NOT_FOUND',
    ]);
    expect((await house.route(tokens.some, 'GET', `/runs/${id}/events`)).status).toBe(404);
    expect((await house.route(tokens.all, 'GET', `/runs/${id}/events`)).status).toBe(200);
  });
});

describe('a run token', () => {
  test('is good for as long as it says, a week at most', async () => {
    await using house = await openHouse();
    const { ask, tokens } = house;
    const { run } = dataOf(await ask(tokens.all, chat, { input: { query: '!echo hers' } }))['chat'];
    const create = (ttl: number) =>
      ask(tokens.all, `mutation { createRunToken(runId: "${run.id}", ttlSeconds: ${ttl}) { token expiresAt } }`);
    for (const ttl of [0, -1, 604_801]) expect(codesOf(await create(ttl))).toEqual(['BAD_USER_INPUT']);
    const { token, expiresAt } = dataOf(await create(1))['createRunToken'];
    expect(Date.parse(expiresAt as string) - Date.now()).toBeLessThanOrEqual(1_000);
    const show = () => ask(token as string, `{ run(id: "${run.id}") { id } }`);
    expect(dataOf(await show())).toEqual({ run: { id: run.id } });
    await expect
      .poll(async () => (await show())['errors'], { timeout: 5_000 })
      .toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  });

  test('follows its run over a WebSocket, and is taken by a server that believes whoever speaks', async () => {
    await using rig = await openRig();
    const { run } = dataOf(await rig.query(chat, { input: { query: '!echo hers' } }, 'ann'))['chat'];
    const { token } = dataOf(await rig.query(`mutation { createRunToken(runId: "${run.id}") { token } }`, {}, 'ann'))[
      'createRunToken'
    ];
    const client = rig.client({ connectionParams: { authorization: `Bearer ${token}`, user: 'eve' } });
    const seen: unknown[] = [];
    for await (const { data } of client.iterate<Data>({
      query: `subscription { runEvents(runId: "${run.id}") { __typename ... on RunAttached { text } } }`,
    }))
      seen.push(data?.['runEvents']);
    expect(seen).toEqual([{ __typename: 'RunAttached', text: 'hers' }, { __typename: 'RunFinished' }]);
    await client.dispose();
  });

  test('is taken by another process with the same secret, and by none without', async () => {
    await using house = await openHouse();
    const { ask, tokens } = house;
    const { run } = dataOf(await ask(tokens.all, chat, { input: { query: '!echo hers' } }))['chat'];
    const { token } = dataOf(await ask(tokens.all, `mutation { createRunToken(runId: "${run.id}") { token } }`))[
      'createRunToken'
    ];
    await using same = await openRig({ secret: 's'.repeat(32) });
    await using other = await openRig({ secret: 'o'.repeat(32) });
    const status = async (url: string) => (await fetch(new URL(`/runs/${run.id}/events?token=${token}`, url))).status;
    // It has no such run, but knows who may see it.
    expect(await status(same.url)).toBe(404);
    expect(await status(other.url)).toBe(401);
    // What is signed for one thing is not good for another.
    expect((await fetch(new URL(`/files/assistant/${run.id}?ticket=${token}`, same.url))).status).toBe(404);
  });
});
