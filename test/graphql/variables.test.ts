import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { sendJson } from '../dify/fake-server.ts';
import { openRig, type Data, type Rig } from '../rig.ts';
import { codesOf, dataOf } from './answers.ts';
import { openFakeApp } from './fake-app.ts';

const ask = `mutation ($query: String!, $id: ID, $app: ID) {
  chat(input: { app: $app, query: $query, conversationId: $id, autoGenerateName: false, inputs: { guest: "Zoë" } }) {
    conversationId
  }
}`;
const list = `query ($id: ID!, $first: Int, $after: String) {
  conversation(app: "concierge", id: $id) {
    variables(first: $first, after: $after) {
      edges { cursor node { name } }
      nodes { id name valueType value description createdAt updatedAt }
      pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }
}`;
const set = `mutation ($id: ID!, $variable: ID!, $value: JSON!) {
  setConversationVariable(app: "concierge", conversationId: $id, variableId: $variable, value: $value) { id name value valueType }
}`;

async function talk(rig: Rig, user = 'ann'): Promise<string> {
  const asked = await rig.query(ask, { app: 'concierge', query: 'When is breakfast?' }, user);
  return dataOf(asked)['chat'].conversationId as string;
}

async function variables(rig: Rig, id: string, more: object = {}): Promise<Data> {
  return dataOf(await rig.query(list, { id, ...more }, 'ann'))['conversation'].variables as Data;
}

describe('conversation variables', () => {
  test('are told with values of their types', async () => {
    await using rig = await openRig();
    const id = await talk(rig);
    const { nodes } = await variables(rig, id);
    expect(nodes.map(({ name, valueType, value }: Data) => [name, valueType, value])).toEqual([
      ['questions', 'number', 1],
      ['last_question', 'string', 'When is breakfast?'],
      ['guest', 'object', { name: 'Zoë', vip: false }],
      ['topics', 'array[string]', [expect.any(String)]],
    ]);
    for (const { createdAt, updatedAt, description } of nodes) {
      expect([createdAt, updatedAt]).toEqual([expect.stringMatching(/Z$/), expect.stringMatching(/Z$/)]);
      expect(description).toEqual(expect.any(String));
    }
  });

  test.each([1, 2, 3, 4, 5, 100])('come once each, though all were made at once, %i at a time', async (first) => {
    await using rig = await openRig({ sandbox: { clock: () => Date.UTC(2026, 0, 1) * 1000 } });
    const id = await talk(rig);
    const seen: string[] = [];
    let after: string | null = null;
    for (;;) {
      const { nodes, pageInfo } = await variables(rig, id, { first, after });
      expect(pageInfo.hasPreviousPage).toBe(after !== null);
      seen.push(...nodes.map(({ name }: Data) => name));
      if (!pageInfo.hasNextPage) break;
      expect(nodes).toHaveLength(first);
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual(['questions', 'last_question', 'guest', 'topics']);
  });

  test.each([
    ['questions', 7],
    ['last_question', "it's {'a': 1}"],
    ['guest', { name: 'O\'Neill "Jr"\n👋', vip: true, more: [null, 1.5, {}] }],
    ['topics', ['a', 'b']],
  ])('are changed: %s', async (name, value) => {
    await using rig = await openRig();
    const id = await talk(rig);
    const { nodes } = await variables(rig, id);
    const { id: variable } = nodes.find((one: Data) => one['name'] === name);
    const { setConversationVariable: changed } = dataOf(await rig.query(set, { id, variable, value }, 'ann'));
    expect(changed).toMatchObject({ id: variable, name, value });
    const later = (await variables(rig, id))['nodes'].find((one: Data) => one['name'] === name);
    expect(later.value).toEqual(value);
  });

  test('are not changed to what is not of their type, nor where there are none', async () => {
    await using rig = await openRig();
    const id = await talk(rig);
    const [{ id: variable }] = (await variables(rig, id))['nodes'];
    const result = await rig.query(set, { id, variable, value: 'many' }, 'ann');
    expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
    expect(result.errors?.[0]?.message).toContain('expects number');
    for (const variables of [
      { id, variable: randomUUID(), value: 1 },
      { id, variable: '..', value: 1 },
      { id: randomUUID(), variable, value: 1 },
      { id: '..', variable, value: 1 },
    ])
      expect(codesOf(await rig.query(set, variables, 'ann'))).toEqual(['NOT_FOUND']);
    expect(codesOf(await rig.query(set, { id, variable, value: 1 }, 'eve'))).toEqual(['NOT_FOUND']);
  });

  test('are not lost when the one that a page hangs on is gone', async () => {
    const conversation = randomUUID();
    const made = Array.from({ length: 3 }, (_, index) => ({
      id: randomUUID(),
      name: `v${index}`,
      value_type: 'string',
      value: 'x',
      created_at: index,
    }));
    await using fake = await openFakeApp({
      '/messages': { data: [], has_more: false },
      [`/conversations/${conversation}/variables`]: (exchange) => {
        const asked = new URL(exchange.request.url, 'http://x').searchParams;
        const lastId = asked.get('last_id');
        // As Dify does of an unknown one (§1.20).
        if (lastId === made[0]?.id) return sendJson(exchange, 400, { code: 'invalid_param', message: '', status: 400 });
        const from = made.findIndex(({ id }) => id === lastId) + 1;
        const limit = Number(asked.get('limit'));
        sendJson(exchange, 200, { data: made.slice(from, from + limit), has_more: made.length > from + limit });
      },
    });
    const query = `query ($id: ID!, $after: String) { conversation(id: $id) {
      variables(first: 2, after: $after) { nodes { name value } pageInfo { endCursor hasNextPage } } } }`;
    const page = async (after?: string) =>
      dataOf(await fake.query(query, { id: conversation, after }))['conversation'].variables as Data;
    const first = await page();
    expect(first['nodes'].map(({ name }: Data) => name)).toEqual(['v0', 'v1']);
    const second = await page(first['pageInfo'].endCursor);
    expect(second['nodes'].map(({ name }: Data) => name)).toEqual(['v2']);
    expect(second['pageInfo'].hasNextPage).toBe(false);
  });

  test('are told as Dify writes them where that is nothing that JSON could say', async () => {
    const conversation = randomUUID();
    const values = [
      ['number', '12345678901234567890'],
      ['number', 'nan'],
      ['object', '<Segment>'],
      ['string', '1'],
      ['number', null],
    ];
    const data = values.map(([value_type, value], index) => ({
      id: randomUUID(),
      name: `v${index}`,
      value_type,
      value,
      created_at: index,
    }));
    await using fake = await openFakeApp({
      '/messages': { data: [], has_more: false },
      [`/conversations/${conversation}/variables`]: { data, has_more: false },
    });
    const query = 'query ($id: ID!) { conversation(id: $id) { variables { nodes { value } } } }';
    const { nodes } = dataOf(await fake.query(query, { id: conversation }))['conversation'].variables;
    expect(nodes.map(({ value }: Data) => value)).toEqual(values.map(([, value]) => value));
  });

  test('are said to be unknown to a Dify that is too old for them', async () => {
    const conversation = randomUUID();
    await using fake = await openFakeApp({
      '/': (exchange) => sendJson(exchange, 200, { server_version: '1.3.1' }),
      '/messages': { data: [], has_more: false },
    });
    const query = 'query ($id: ID!) { conversation(id: $id) { variables { nodes { value } } } }';
    const result = await fake.query(query, { id: conversation });
    expect(codesOf(result)).toEqual(['UPSTREAM_PROTOCOL']);
    expect(result.errors?.[0]?.message).toContain('1.3.1');
  });
});
