import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { sendJson } from '../dify/fake-server.ts';
import { openRig, type Data, type Rig } from '../rig.ts';
import { Client } from '../sandbox/client.ts';
import { codesOf, dataOf, holdAnswer, startRun } from './answers.ts';
import { openFakeApp } from './fake-app.ts';

const rate = `
  mutation ($app: ID, $id: ID!, $rating: Rating, $comment: String) {
    rateMessage(app: $app, messageId: $id, rating: $rating, comment: $comment) { messageId rating }
  }`;
const feedbacks = `
  query ($first: Int, $after: String) {
    feedbacks(first: $first, after: $after) {
      edges { cursor node { messageId } }
      nodes { id conversationId messageId rating comment source endUserId createdAt updatedAt }
      pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }`;
const ask =
  'mutation ($query: String!) { chat(input: { query: $query, autoGenerateName: false }) { messageId conversationId } }';

async function answered(rig: Rig, user = 'ann'): Promise<Data> {
  return dataOf(await rig.query(ask, { query: '!echo Hello' }, user))['chat'] as Data;
}

describe('a rating', () => {
  test('is set, replaced with its comment, and taken back', async () => {
    await using rig = await openRig();
    const { messageId: id, conversationId } = await answered(rig);
    const history =
      '($c: ID!) { conversationHistory(conversationId: $c) { nodes { id rating run { message { rating } } } } }';
    const seen = async () => {
      const { conversationHistory } = dataOf(await rig.query(`query ${history}`, { c: conversationId }, 'ann'));
      const [message] = conversationHistory.nodes;
      expect(message.run.message.rating).toBe(message.rating);
      return message.rating as unknown;
    };
    expect(await seen()).toBeNull();
    const like = await rig.query(rate, { id, rating: 'LIKE', comment: 'Short!' }, 'ann');
    expect(dataOf(like)).toEqual({ rateMessage: { messageId: id, rating: 'LIKE' } });
    expect(await seen()).toBe('LIKE');
    dataOf(await rig.query(rate, { id, rating: 'DISLIKE' }, 'ann'));
    expect(await seen()).toBe('DISLIKE');
    const [only] = dataOf(await rig.query(feedbacks, {}, 'admin'))['feedbacks'].nodes;
    expect(only).toMatchObject({ messageId: id, conversationId, rating: 'DISLIKE', comment: null, source: 'user' });
    for (const name of ['createdAt', 'updatedAt']) expect(only[name]).toMatch(/Z$/);
    const cleared = await rig.query(rate, { id, rating: null }, 'ann');
    expect(dataOf(cleared)).toEqual({ rateMessage: { messageId: id, rating: null } });
    expect(await seen()).toBeNull();
  });

  test('that is not there can be taken back as often as one likes', async () => {
    await using rig = await openRig();
    const { messageId: id } = await answered(rig);
    for (let time = 0; time < 3; time += 1)
      expect(dataOf(await rig.query(rate, { id }, 'ann'))).toEqual({ rateMessage: { messageId: id, rating: null } });
  });

  test('that Dify refuses is an error', async () => {
    const id = randomUUID();
    const refusal = { code: 'invalid_param', message: 'Not this one.', status: 400 };
    await using fake = await openFakeApp({
      [`/messages/${id}/feedbacks`]: (exchange) => sendJson(exchange, 400, refusal),
    });
    const result = await fake.query(rate, { id, rating: 'LIKE' });
    expect(codesOf(result)).toEqual(['UPSTREAM_REJECTED']);
    expect(result.errors?.[0]?.message).toBe('Not this one.');
  });

  test('belongs to who asked: others find no such message, nor does anyone find one that is not there', async () => {
    await using rig = await openRig();
    const { messageId: id } = await answered(rig);
    for (const rating of ['LIKE', null]) {
      expect(codesOf(await rig.query(rate, { id, rating }, 'eve'))).toEqual(['NOT_FOUND']);
      expect(codesOf(await rig.query(rate, { id: randomUUID(), rating }, 'ann'))).toEqual(['NOT_FOUND']);
      expect(codesOf(await rig.query(rate, { id: '../info', rating }, 'ann'))).toEqual(['NOT_FOUND']);
    }
  });
});

describe('all feedback of an app', () => {
  test('is for administrators', async () => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(feedbacks, {}, 'ann'))).toEqual(['FORBIDDEN']);
    expect(rig.requests).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5, 7, 100])('comes once each, newest first, %i at a time', async (first) => {
    await using rig = await openRig();
    const client = new Client(rig.sandbox, 'assistant', 'ann');
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const [{ message_id: id } = {}] = await (await client.ask('!echo a')).events();
      await client.post(`/messages/${String(id)}/feedbacks`, { rating: 'like' });
      ids.unshift(String(id));
    }
    const seen: string[] = [];
    let after: string | null = null;
    for (;;) {
      const { nodes, edges, pageInfo } = dataOf(await rig.query(feedbacks, { first, after }, 'admin'))[
        'feedbacks'
      ] as Data;
      expect(edges.map(({ node }: Data) => node.messageId)).toEqual(nodes.map(({ messageId }: Data) => messageId));
      expect(pageInfo.hasPreviousPage).toBe(after !== null);
      expect(nodes).not.toEqual([]);
      seen.push(...nodes.map(({ messageId }: Data) => messageId));
      if (!pageInfo.hasNextPage) break;
      expect(nodes).toHaveLength(first);
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual(ids);
  });

  test('that comes in meanwhile repeats nothing; the size of the page may change', async () => {
    await using rig = await openRig();
    const client = new Client(rig.sandbox, 'assistant', 'ann');
    const add = async () => {
      const [{ message_id: id } = {}] = await (await client.ask('!echo a')).events();
      await client.post(`/messages/${String(id)}/feedbacks`, { rating: 'dislike' });
      return String(id);
    };
    const ids = [await add(), await add(), await add(), await add(), await add()].toReversed();
    const page = async (first: number, after?: string) =>
      dataOf(await rig.query(feedbacks, { first, after }, 'admin'))['feedbacks'] as Data;
    const top = await page(2);
    await add();
    const next = await page(2, top['pageInfo'].endCursor);
    await add();
    const rest = await page(3, next['pageInfo'].endCursor);
    const seen = [top, next, rest].flatMap(({ nodes }) => nodes.map(({ messageId }: Data) => messageId));
    expect(seen).toEqual(ids);
    expect([top, next, rest].map(({ nodes }) => nodes.length)).toEqual([2, 2, 1]);
    expect([top, next, rest].map(({ pageInfo }) => pageInfo.hasNextPage)).toEqual([true, true, false]);
  });

  test('goes on only from cursors of its own, and is cut into pages of 1 to 100', async () => {
    await using rig = await openRig();
    for (const variables of [
      { after: 'x' },
      { after: Buffer.from('[-1,"a"]').toString('base64url') },
      { first: 0 },
      { first: 101 },
    ])
      expect(codesOf(await rig.query(feedbacks, variables, 'admin'))).toEqual(['BAD_USER_INPUT']);
  });
});

describe('what could be asked next', () => {
  const suggested = `mutation ($app: ID) {
    chat(input: { query: "!echo Hello", app: $app, autoGenerateName: false }) { message { id suggestedQuestions } }
  }`;
  const askedFor = (rig: Rig) => rig.requests.filter(({ path }) => path.endsWith('/suggested'));

  test('is told when it is asked for, and only then', async () => {
    await using rig = await openRig();
    await answered(rig);
    expect(askedFor(rig)).toEqual([]);
    const { chat } = dataOf(await rig.query(suggested));
    expect(chat.message.suggestedQuestions.length).toBeGreaterThan(0);
    expect(askedFor(rig)).toHaveLength(1);
    const stored = '{ conversations { nodes { history { nodes { suggestedQuestions } } } } }';
    const { conversations } = dataOf(await rig.query(stored));
    expect(conversations.nodes[0].history.nodes[0]).toEqual({ suggestedQuestions: expect.any(Array) });
  });

  test('is nothing where the app does not suggest any, and Dify is not asked', async () => {
    await using rig = await openRig();
    expect(dataOf(await rig.query(suggested, { app: 'thinker' }))['chat'].message.suggestedQuestions).toBeNull();
    expect(askedFor(rig)).toEqual([]);
  });

  test('is nothing while the answer is being given', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    const query = 'query ($id: ID!) { run(id: $id) { ... on ChatRun { message { suggestedQuestions } } } }';
    await expect
      .poll(async () => dataOf(await rig.query(query, { id }))['run'].message)
      .toEqual({ suggestedQuestions: null });
    expect(askedFor(rig)).toEqual([]);
    held.release();
  });

  test('is nothing when Dify fails at it: the answer is there all the same', async () => {
    await using rig = await openRig();
    await answered(rig, 'anonymous');
    // So that it is known that the app suggests questions.
    dataOf(await rig.query('{ app { features { citations } } }'));
    await rig.sandbox.close();
    const query = '{ runs { nodes { ... on ChatRun { message { answer rating suggestedQuestions } } } } }';
    const { runs } = dataOf(await rig.query(query));
    expect(runs.nodes[0].message).toEqual({ answer: 'Hello', rating: null, suggestedQuestions: null });
    expect(rig.logged.filter((line) => line.includes('did not suggest')).length).toBe(1);
  });
});
