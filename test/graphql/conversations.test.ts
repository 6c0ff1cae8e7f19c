import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig } from '../rig.ts';
import { Client } from '../sandbox/client.ts';
import { codesOf, dataOf } from './answers.ts';

/** Microseconds since the epoch. */
const noon = Date.UTC(2026, 0, 1, 12) * 1000;

/** When the rows of a list were made, in microseconds: what ties with what decides whether an edge loses anything. */
const patterns: Readonly<Record<string, readonly number[]>> = {
  'a row a second': Array.from({ length: 9 }, (_, index) => noon + index * 1e6),
  'all in one second': Array.from({ length: 9 }, (_, index) => noon + index),
  'all at one instant': Array<number>(9).fill(noon),
  'groups at instants within seconds': [0, 0, 0, 5, 5, 1e6, 1e6, 1e6 + 1, 2e6, 2e6, 7e6].map((at) => noon + at),
};
const sizes = [1, 2, 3, 4, 5, 8, 9, 10, 100];

interface TimedRig extends Rig {
  /** What the sandbox's clock says, in microseconds. */
  at: number;
}

async function openTimed(): Promise<TimedRig> {
  const time = { at: noon };
  const rig = await openRig({ sandbox: { clock: () => time.at } });
  return Object.assign(time, rig);
}

/** Asks the sandbox itself, so that nothing but the clock decides when; the conversation's id. */
async function ask(rig: Rig, query: string, conversationId?: string): Promise<string> {
  const client = new Client(rig.sandbox, 'assistant', 'anonymous');
  const more = conversationId === undefined ? {} : { conversation_id: conversationId };
  const events = await (await client.ask(query, more)).events();
  return String(events.at(-1)?.['conversation_id']);
}

async function seed(rig: TimedRig, times: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const at of times) {
    rig.at = at;
    ids.push(await ask(rig, '!echo a'));
  }
  return ids;
}

const conversations = `
  query ($app: ID, $first: Int, $after: String, $sortBy: ConversationSort) {
    conversations(app: $app, first: $first, after: $after, sortBy: $sortBy) {
      edges { cursor node { id } }
      nodes { id name createdAt updatedAt }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;

async function list(rig: Rig, variables: object = {}): Promise<Data> {
  return dataOf(await rig.query(conversations, variables))['conversations'];
}

const idsOf = (page: Data): string[] => page['nodes'].map(({ id }: { id: string }) => id);

async function listAll(rig: Rig, variables: { first: number; sortBy?: string }): Promise<string[]> {
  const seen: string[] = [];
  let after: string | null = null;
  for (;;) {
    const page = await list(rig, { ...variables, after });
    expect(page['pageInfo'].hasPreviousPage).toBe(after !== null);
    expect(page['edges'].map(({ node }: { node: { id: string } }) => node.id)).toEqual(idsOf(page));
    seen.push(...idsOf(page));
    if (!page['pageInfo'].hasNextPage) return seen;
    expect(idsOf(page)).toHaveLength(variables.first);
    after = page['pageInfo'].endCursor;
  }
}

const history = `
  query ($id: ID!, $last: Int, $before: String) {
    conversationHistory(conversationId: $id, last: $last, before: $before) {
      edges { cursor node { query } }
      nodes { query }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;

async function readBack(rig: Rig, id: string, last: number): Promise<string[]> {
  const seen: string[] = [];
  let before: string | null = null;
  for (;;) {
    const { conversationHistory } = dataOf(await rig.query(history, { id, last, before }));
    expect(conversationHistory.pageInfo.hasNextPage).toBe(before !== null);
    seen.unshift(...conversationHistory.nodes.map(({ query }: { query: string }) => query));
    if (!conversationHistory.pageInfo.hasPreviousPage) return seen;
    expect(conversationHistory.nodes).toHaveLength(last);
    before = conversationHistory.pageInfo.startCursor;
  }
}

describe('conversations', () => {
  test.each(Object.entries(patterns))('come once each, whatever the size of the page: %s', async (_, times) => {
    await using rig = await openTimed();
    const ids = await seed(rig, times);
    const made = new Map(ids.map((id, index) => [id, times[index] ?? 0]));
    for (const sortBy of ['UPDATED_AT_DESC', 'UPDATED_AT_ASC', 'CREATED_AT_DESC', 'CREATED_AT_ASC']) {
      for (const first of sizes) {
        const seen = await listAll(rig, { first, sortBy });
        expect(seen.toSorted()).toEqual(ids.toSorted());
        const sorted = seen.map((id) => made.get(id) ?? 0);
        expect(sorted).toEqual(sorted.toSorted((a, b) => (sortBy.endsWith('DESC') ? b - a : a - b)));
      }
    }
  });

  test('come most recently active first, or as they are sorted', async () => {
    await using rig = await openTimed();
    const [a = '', b = '', c = ''] = await seed(rig, [noon, noon + 1e6, noon + 2e6]);
    rig.at = noon + 3e6;
    await ask(rig, '!echo again', a);
    expect(idsOf(await list(rig))).toEqual([a, c, b]);
    expect(idsOf(await list(rig, { sortBy: 'UPDATED_AT_ASC' }))).toEqual([b, c, a]);
    expect(idsOf(await list(rig, { sortBy: 'CREATED_AT_DESC' }))).toEqual([c, b, a]);
    expect(idsOf(await list(rig, { sortBy: 'CREATED_AT_ASC' }))).toEqual([a, b, c]);
    expect((await list(rig))['nodes'][0]).toMatchObject({
      id: a,
      createdAt: '2026-01-01T12:00:00.000Z',
      updatedAt: '2026-01-01T12:00:03.000Z',
    });
  });

  test('C93 go on where they were when the one at the edge is deleted', async () => {
    await using rig = await openTimed();
    const ids = await seed(rig, patterns['groups at instants within seconds'] ?? []);
    const newestFirst = idsOf(await list(rig, { sortBy: 'CREATED_AT_DESC' }));
    for (const gone of [2, 3]) {
      const page = await list(rig, { first: 4, sortBy: 'CREATED_AT_DESC' });
      const id = newestFirst[gone] ?? '';
      dataOf(await rig.query('mutation ($id: ID!) { deleteConversation(conversationId: $id) }', { id }));
      const rest = await list(rig, { first: 20, after: page['pageInfo'].endCursor, sortBy: 'CREATED_AT_DESC' });
      expect([...idsOf(page), ...idsOf(rest)]).toEqual(newestFirst);
      newestFirst.splice(gone, 1);
    }
    expect(newestFirst).toHaveLength(ids.length - 2);
  });

  test('that are new or touched do not push others over the edge of a page', async () => {
    await using rig = await openTimed();
    const ids = await seed(
      rig,
      [0, 1e6, 2e6, 3e6, 4e6].map((at) => noon + at),
    );
    const page = await list(rig, { first: 2 });
    rig.at = noon + 9e6;
    await ask(rig, '!echo new');
    await ask(rig, '!echo again', ids[3]);
    const rest = await list(rig, { first: 10, after: page['pageInfo'].endCursor });
    expect(idsOf(rest)).toEqual([ids[2], ids[1], ids[0]]);
  });

  test('come twenty at a time, unless told otherwise', async () => {
    await using rig = await openTimed();
    await seed(rig, Array<number>(23).fill(noon));
    const page = await list(rig);
    expect(idsOf(page)).toHaveLength(20);
    expect(page['pageInfo']).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    expect(page['pageInfo'].endCursor).toBe(page['edges'].at(-1).cursor);
  });

  test('are an empty page where there are none', async () => {
    await using rig = await openRig();
    expect(await list(rig)).toEqual({
      edges: [],
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
  });

  test.each([0, -1, 101])('refuse a page of %i', async (first) => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(conversations, { first }))).toEqual(['BAD_USER_INPUT']);
    expect(rig.requests).toEqual([]);
  });

  test.each(['x', '', 'bnVsbA', Buffer.from('["../x",1,[]]').toString('base64url')])(
    'refuse the cursor “%s”',
    async (after) => {
      await using rig = await openRig();
      expect(codesOf(await rig.query(conversations, { after }))).toEqual(['BAD_USER_INPUT']);
      expect(rig.requests).toEqual([]);
    },
  );

  test('are an error while Dify is down, or where the app has none', async () => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(conversations, { app: 'summarize' }))).toEqual(['WRONG_APP_MODE']);
    expect(codesOf(await rig.query(conversations, { app: 'x' }))).toEqual(['APP_NOT_FOUND']);
    await rig.sandbox.close();
    const result = await rig.query(conversations);
    expect(codesOf(result)).toEqual(['UPSTREAM_UNREACHABLE']);
    expect(result.errors?.[0]?.extensions).toMatchObject({ retryable: true });
  });
});

describe('conversationHistory', () => {
  test.each(Object.entries(patterns))(
    'C92 reads back without gap or repeat, whatever the page: %s',
    async (_, times) => {
      await using rig = await openTimed();
      let id: string | undefined;
      for (const [index, at] of times.entries()) {
        rig.at = at;
        id = await ask(rig, `!echo ${index}`, id);
      }
      const asked = times.map((__, index) => `!echo ${index}`);
      for (const last of sizes) {
        const seen = await readBack(rig, id ?? '', last);
        expect(seen.toSorted()).toEqual(asked.toSorted());
        const order = seen.map((query) => times[Number(query.slice(6))] ?? 0);
        expect(order).toEqual(times);
      }
    },
  );

  test('is the same below a conversation', async () => {
    await using rig = await openTimed();
    const id = await ask(rig, '!echo 0');
    for (const query of ['!echo 1', '!echo 2', '!echo 3']) {
      rig.at += 1e6;
      await ask(rig, query, id);
    }
    const page =
      '{ edges { cursor node { query answer } } pageInfo { hasPreviousPage hasNextPage startCursor endCursor } }';
    const query = `query ($id: ID!, $before: String) {
      conversation(id: $id) { history(last: 2, before: $before) ${page} }
      conversationHistory(conversationId: $id, last: 2, before: $before) ${page}
    }`;
    const first = dataOf(await rig.query(query, { id }));
    expect(first['conversation'].history).toEqual(first['conversationHistory']);
    const { startCursor: before } = first['conversationHistory'].pageInfo;
    const second = dataOf(await rig.query(query, { id, before }));
    expect(second['conversation'].history).toEqual(second['conversationHistory']);
    const answers = [second, first].flatMap(({ conversationHistory }) =>
      conversationHistory.edges.map(({ node }: Data) => node['answer']),
    );
    expect(answers).toEqual(['0', '1', '2', '3']);
    expect(first['conversationHistory'].pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false });
    expect(second['conversationHistory'].pageInfo).toMatchObject({ hasPreviousPage: false, hasNextPage: true });
  });

  test.each([0, -1, 101])('refuses a page of %i', async (last) => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(history, { id: randomUUID(), last }))).toEqual(['BAD_USER_INPUT']);
  });

  test('refuses a cursor that did not come from here', async () => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(history, { id: randomUUID(), before: 'x' }))).toEqual(['BAD_USER_INPUT']);
    expect(rig.requests).toEqual([]);
  });

  test('is not found where there is no conversation', async () => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(history, { id: randomUUID() }))).toEqual(['NOT_FOUND']);
    const asked = rig.requests.length;
    expect(codesOf(await rig.query(history, { id: '../info' }))).toEqual(['NOT_FOUND']);
    expect(rig.requests).toHaveLength(asked);
  });

  test('is not found with a cursor either, once the conversation is gone', async () => {
    await using rig = await openTimed();
    const id = await ask(rig, '!echo 0');
    rig.at += 1e6;
    await ask(rig, '!echo 1', id);
    const { conversationHistory } = dataOf(await rig.query(history, { id, last: 1 }));
    dataOf(await rig.query('mutation ($id: ID!) { deleteConversation(conversationId: $id) }', { id }));
    const before = conversationHistory.pageInfo.startCursor;
    expect(codesOf(await rig.query(history, { id, before }))).toEqual(['NOT_FOUND']);
  });
});

describe('conversation', () => {
  const one = `query ($id: ID!, $app: ID) {
    conversation(id: $id, app: $app) {
      id name status introduction inputs createdAt updatedAt app { name } history { nodes { query } }
    }
  }`;

  test('is found, with everything its list has', async () => {
    await using rig = await openTimed();
    const [id = '', ...others] = await seed(
      rig,
      Array.from({ length: 105 }, (_, index) => noon + index * 1e5),
    );
    expect(others).toHaveLength(104);
    expect(dataOf(await rig.query(one, { id }))['conversation']).toEqual({
      id,
      name: '!echo a',
      status: 'normal',
      introduction: expect.stringContaining('assistant of this sandbox'),
      inputs: {},
      createdAt: '2026-01-01T12:00:00.000Z',
      updatedAt: '2026-01-01T12:00:00.000Z',
      app: { name: 'assistant' },
      history: { nodes: [{ query: '!echo a' }] },
    });
  });

  test('costs one request when only its id and its history are wanted', async () => {
    await using rig = await openTimed();
    const id = await ask(rig, '!echo a');
    rig.requests.length = 0;
    dataOf(await rig.query('query ($id: ID!) { conversation(id: $id) { id app { name } } }', { id }));
    expect(rig.requests.map(({ path }) => path)).toEqual(['/v1/messages']);
  });

  test('is null where there is none, of another app, or by a thing that is no id', async () => {
    await using rig = await openTimed();
    const id = await ask(rig, '!echo a');
    expect(dataOf(await rig.query(one, { id: randomUUID() }))).toEqual({ conversation: null });
    expect(dataOf(await rig.query(one, { id, app: 'thinker' }))).toEqual({ conversation: null });
    const asked = rig.requests.length;
    for (const strange of ['', 'x', '../info', `${id}/x`, ` ${id}`]) {
      expect(dataOf(await rig.query(one, { id: strange }))).toEqual({ conversation: null });
    }
    expect(rig.requests).toHaveLength(asked);
  });

  test('is an error, and not null, while Dify is down', async () => {
    await using rig = await openRig();
    await rig.sandbox.close();
    expect(codesOf(await rig.query(one, { id: randomUUID() }))).toEqual(['UPSTREAM_UNREACHABLE']);
  });
});

describe('renameConversation', () => {
  const rename = `mutation ($id: ID!, $name: String) {
    renameConversation(conversationId: $id, name: $name) { id name app { name } updatedAt }
  }`;

  test('sets a name', async () => {
    await using rig = await openTimed();
    const id = await ask(rig, '!echo a');
    rig.at += 5e6;
    expect(dataOf(await rig.query(rename, { id, name: 'Über 日本' }))['renameConversation']).toEqual({
      id,
      name: 'Über 日本',
      app: { name: 'assistant' },
      updatedAt: '2026-01-01T12:00:05.000Z',
    });
    expect((await list(rig))['nodes'][0].name).toBe('Über 日本');
  });

  test.each([
    ['null', { name: null }],
    ['nothing', {}],
  ])('has Dify make a name when it is %s', async (_, name) => {
    await using rig = await openTimed();
    const id = await ask(rig, 'How do I connect a real Dify?');
    expect(dataOf(await rig.query(rename, { id, ...name }))['renameConversation'].name).toBe(
      'How do I connect a real Dify',
    );
  });

  test('refuses a blank name, and what is no conversation, before Dify hears of it', async () => {
    await using rig = await openTimed();
    const id = await ask(rig, '!echo a');
    const asked = rig.requests.length;
    expect(codesOf(await rig.query(rename, { id, name: ' \t' }))).toEqual(['BAD_USER_INPUT']);
    expect(codesOf(await rig.query(rename, { id, name: '' }))).toEqual(['BAD_USER_INPUT']);
    expect(codesOf(await rig.query(rename, { id: 'x', name: 'y' }))).toEqual(['NOT_FOUND']);
    expect(rig.requests).toHaveLength(asked);
    expect(codesOf(await rig.query(rename, { id: randomUUID(), name: 'y' }))).toEqual(['NOT_FOUND']);
  });
});

describe('deleteConversation', () => {
  const remove = 'mutation ($id: ID!) { deleteConversation(conversationId: $id) }';

  test('returns the id of what is gone from then on', async () => {
    await using rig = await openTimed();
    const [id, other] = await seed(rig, [noon, noon + 1e6]);
    expect(dataOf(await rig.query(remove, { id }))).toEqual({ deleteConversation: id });
    expect(idsOf(await list(rig))).toEqual([other]);
    expect(dataOf(await rig.query('query ($id: ID!) { conversation(id: $id) { id } }', { id }))).toEqual({
      conversation: null,
    });
    expect(codesOf(await rig.query(remove, { id }))).toEqual(['NOT_FOUND']);
  });

  test('finds nothing under an id that is none, and asks nobody', async () => {
    await using rig = await openRig();
    for (const id of ['', '..', '../../v1/info', 'x']) {
      expect(codesOf(await rig.query(remove, { id }))).toEqual(['NOT_FOUND']);
    }
    expect(rig.requests).toEqual([]);
  });
});
