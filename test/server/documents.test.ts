import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getIntrospectionQuery, parse, print } from 'graphql';
import { describe, expect, test } from 'vitest';
import { defaults } from '../../src/config/shape.ts';
import { documentGuard } from '../../src/graphql/limits.ts';
import { schema } from '../../src/graphql/schema.ts';
import { DocumentCache } from '../../src/server/document-cache.ts';
import { readPersistedOperations } from '../../src/server/persisted-operations.ts';
import { openRig, type RigOptions } from '../rig.ts';
import { doors, post, streamingDoors, type Operation } from './doors.ts';

const { document } = defaults.limits;
const small = (limits: Partial<typeof document>): RigOptions => ({ bounds: { document: { ...document, ...limits } } });
const laughs = (levels: number, times: number) => {
  const fragments = Array.from(
    { length: levels },
    (_, level) => `fragment F${level} on Viewer { ${`...F${level + 1} `.repeat(times)} }`,
  );
  return `{ viewer { ...F0 } } ${fragments.join(' ')} fragment F${levels} on Viewer { id }`;
};

/** Operations that are too large, by what they have too much of, with the limits they meet and what they are told. */
const tooLarge: readonly (readonly [what: string, Operation, RigOptions, told: string])[] = [
  [
    'words',
    { query: `{ ${'__typename '.repeat(60)} }` },
    small({ tokens: 50 }),
    'limit is 50 (`limits.document.tokens`)',
  ],
  ['levels', { query: '{ app { inputs { name } } }' }, small({ depth: 2 }), 'is 3 levels deep: the limit is 2'],
  ['aliases', { query: '{ a: __typename b: __typename }' }, small({ aliases: 1 }), 'has 2 aliases: the limit is 1'],
  [
    'directives',
    { query: '{ __typename @skip(if: true) ... @include(if: true) { __typename } }' },
    small({ directives: 1 }),
    'has 2 directives: the limit is 1',
  ],
  [
    'fields at its root',
    { query: '{ ...F } fragment F on Query { viewer { id } apps { name } }' },
    small({ rootFields: 1 }),
    'has 2 fields at its root',
  ],
  ['pages', { query: '{ runs(first: 20) { nodes { id } } }' }, small({ cost: 40 }), 'costs 41: the limit is 40'],
  [
    'pages that a variable asks for',
    { query: 'query ($n: Int) { runs(first: $n) { nodes { id } } }', variables: { n: 100 } },
    small({ cost: 200 }),
    'costs 201',
  ],
  [
    'pages that a variable asks for by itself',
    { query: 'query ($n: Int = 50) { runs(first: $n) { nodes { id } } }' },
    small({ cost: 100 }),
    'costs 101',
  ],
  ['fragments of fragments', { query: laughs(12, 12) }, {}, 'limits.document.cost'],
  [
    'values',
    { query: 'query ($f: RunFilter) { runs(filter: $f) { nodes { id } } }', variables: { f: { a: [1, 2, 3] } } },
    small({ values: 4 }),
    'too many values: the limit is 4 (`limits.document.values`)',
  ],
];

describe('every door', () => {
  test.each(tooLarge)('refuses an operation with too many %s', async (_, operation, options, told) => {
    await using rig = await openRig(options);
    for (const door of Object.values(doors)) {
      const [{ errors = [] } = {}] = await door(rig, operation);
      expect(errors).toHaveLength(1);
      expect(errors[0]?.message).toContain(told);
      expect(errors[0]?.extensions).toEqual({ code: 'LIMIT_EXCEEDED', retryable: false });
    }
  });

  test('lets one of exactly that size be', async () => {
    await using rig = await openRig(small({ cost: 41, depth: 3, aliases: 0, directives: 0, rootFields: 1 }));
    for (const door of Object.values(doors))
      expect(await door(rig, { query: '{ runs(first: 20) { nodes { id } } }' })).toEqual([
        { data: { runs: { nodes: [] } } },
      ]);
  });

  test('refuses a subscription before it asks anything', async () => {
    await using rig = await openRig(small({ depth: 1 }));
    const query =
      'subscription { chatStream(input: { query: "a", idempotencyKey: "k" }) { ... on RunAttached { run { id } } } }';
    for (const door of Object.values(streamingDoors)) {
      const [{ errors = [] } = {}] = await door(rig, { query });
      expect(errors[0]?.extensions).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    }
    expect(rig.requests).toEqual([]);
  });

  test('says of fragments in a circle that they are one, however large it is', async () => {
    await using rig = await openRig();
    const circle = Array.from({ length: 60 }, (_, i) => `fragment F${i} on Viewer { id ...F${(i + 1) % 60} }`);
    for (const door of Object.values(doors)) {
      const [{ errors = [] } = {}] = await door(rig, { query: `{ viewer { ...F0 } } ${circle.join(' ')}` });
      expect(errors[0]?.message).toContain('Cannot spread fragment');
      expect(errors[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  });

  test('shows the schema to nobody where that is switched off', async () => {
    await using rig = await openRig({ bounds: { introspection: false } });
    for (const door of Object.values(doors)) {
      const [result] = await door(rig, { query: getIntrospectionQuery() });
      expect(result?.errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(await door(rig, { query: '{ __typename }' })).toEqual([{ data: { __typename: 'Query' } }]);
    }
  });

  test('names nothing that may have been meant where that is switched off', async () => {
    const wrong: readonly Operation[] = [
      { query: '{ viewr { id } }' },
      { query: '{ conversations(frst: 1) { nodes { id } } }' },
      { query: '{ conversations(sortBy: UPDATED_ATT) { nodes { id } } }' },
      {
        query: 'query ($s: ConversationSort) { conversations(sortBy: $s) { nodes { id } } }',
        variables: { s: 'UPDATED_ATT' },
      },
      { query: 'query ($f: RunFilter) { runs(filter: $f) { nodes { id } } }', variables: { f: { startedAftr: 'x' } } },
    ];
    await using talkative = await openRig();
    await using rig = await openRig({ bounds: { suggestions: false } });
    for (const operation of wrong)
      for (const door of Object.values(doors)) {
        expect(JSON.stringify(await door(talkative, operation))).toContain('Did you mean');
        const told = JSON.stringify(await door(rig, operation));
        expect(told).toContain('BAD_USER_INPUT');
        expect(told).not.toContain('Did you mean');
      }
  });
});

describe('variables that are made to be expensive', () => {
  const query = 'query ($a: RunFilter) { runs(filter: $a) { nodes { id } } }';
  const object = (count: number, name: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, 1]));
  const nested = () => JSON.parse(`${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`) as object;

  test.each([
    ['many names', object(9_900, 'k'), 'BAD_USER_INPUT'],
    ['long names', object(3_000, 'k'.repeat(1_000)), 'BAD_USER_INPUT'],
    ['more names than are taken', object(100_000, 'k'), 'LIMIT_EXCEEDED'],
    ['a list', Array.from({ length: 9_900 }, () => 'x'.repeat(300)), 'BAD_USER_INPUT'],
    ['a long text', 'x'.repeat(3_000_000), 'BAD_USER_INPUT'],
    ['an object in an object', nested(), 'BAD_USER_INPUT'],
  ])('are answered soon and shortly at every door: %s', async (_, a, code) => {
    await using rig = await openRig();
    for (const door of Object.values(doors)) {
      const start = performance.now();
      const said = await door(rig, { query, variables: { a } });
      expect(performance.now() - start).toBeLessThan(1_000);
      expect(said[0]?.errors?.[0]?.extensions).toMatchObject({ code });
      expect(JSON.stringify(said).length).toBeLessThan(5_000);
    }
  });

  test('are taken where they are right', async () => {
    await using rig = await openRig();
    const variables = { input: { query: `!echo ${'x'.repeat(50_000)}`, inputs: object(9_000, 'k') } };
    const ask = 'mutation ($input: ChatInput!) { chat(input: $input) { answer } }';
    for (const door of Object.values(doors))
      expect((await door(rig, { query: ask, variables }))[0]?.data?.['chat'].answer).toHaveLength(50_000);
  });
});

describe('a document that is made to be expensive', () => {
  test.each([
    ['fragments of fragments', laughs(100, 15)],
    ['a fragment that is never used', `{ __typename } fragment F on Viewer { ${'...{ id } '.repeat(400)} }`],
    ['the same field again and again', `{ viewer { ${'id '.repeat(1_900)} } }`],
    ['one field in many places', `{ ${'...{ viewer { id } } '.repeat(200)} }`],
    ['a list in lists', `{ runs(first: ${'['.repeat(950)}${']'.repeat(950)}) { nodes { id } } }`],
    ['many variables', `query (${Array.from({ length: 600 }, (_, i) => `$a${i}: Int`).join(' ')}) { __typename }`],
    ['unknown fields', `{ viewer { ${Array.from({ length: 1_900 }, (_, i) => `nope${i}`).join(' ')} } }`],
  ])('is answered within a second: %s', async (_, query) => {
    await using rig = await openRig();
    await rig.query('{ __typename }');
    const start = performance.now();
    await rig.query(query);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  test('is kept only as long as there is room', () => {
    const cache = new DocumentCache<number>(100);
    for (let i = 10; i < 40; i += 1) cache.set(`{ field_${i}`, i);
    const kept = Array.from({ length: 40 }, (_, i) => cache.get(`{ field_${i}`)).filter((i) => i !== undefined);
    expect(kept).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
    cache.get('{ field_30');
    cache.set('{ another_', 1);
    expect([cache.get('{ field_30'), cache.get('{ field_31')]).toEqual([30, undefined]);
    // One that is large would drop all others.
    cache.set('x'.repeat(11), 1);
    expect([cache.get('x'.repeat(11)), cache.get('{ field_30')]).toEqual([undefined, 30]);
  });
});

test('our own operations, and what tools ask of the schema, are within the limits', () => {
  const check = documentGuard(schema, document);
  const folder = new URL('../../schema/operations/', import.meta.url);
  const names = globSync('*.graphql', { cwd: folder });
  const fragments = readFileSync(new URL('fragments.graphql', folder), 'utf8');
  const largest = { first: 100, last: 100 };
  for (const name of names.filter((one) => one !== 'fragments.graphql')) {
    const text = readFileSync(new URL(name, folder), 'utf8') + fragments;
    check(parse(text, { maxTokens: document.tokens }), largest);
  }
  const everything = { schemaDescription: true, inputValueDeprecation: true, specifiedByUrl: true, oneOf: true };
  check(parse(getIntrospectionQuery(everything), { maxTokens: document.tokens }), {});
  expect(names.length).toBeGreaterThan(30);
});

describe('a server that takes only operations it knows', () => {
  const own = 'query Who { viewer { ...Whole } }';
  const fragment = 'fragment Whole on Viewer { id }';
  const whole = print(parse(`${own} ${fragment}`));
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');

  async function folder(files: Readonly<Record<string, string>>) {
    const path = await mkdtemp(join(tmpdir(), 'operations-'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
  }
  const by = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });
  const known = { 'who.graphql': own, 'fragments.graphql': fragment, 'apps.graphql': '{ apps { name } }\n' };

  test('takes them by text or by hash at every door, and refuses all others', async () => {
    await using operations = await folder(known);
    await using rig = await openRig({ bounds: { persistedOperations: operations.path } });
    const who = { data: { viewer: { id: 'anonymous' } } };
    for (const door of Object.values(doors)) {
      expect(await door(rig, { query: whole })).toEqual([who]);
      expect(await door(rig, { query: '', extensions: by(hash(whole)) })).toEqual([who]);
      // What the id names is what runs.
      expect(await door(rig, { query: '{ apps { name } }', extensions: by(hash(whole)) })).toEqual([who]);
      expect((await door(rig, { query: '{ apps { name } }' }))[0]?.data).toHaveProperty('apps');
      for (const other of [
        { query: '{ viewer { id } }' },
        { query: `${whole} ` },
        { query: '', extensions: by(hash('{ viewer { id } }')) },
        { query: '{ viewer { id } }', extensions: by('constructor') },
      ]) {
        const [result] = await door(rig, other);
        expect(result?.errors?.[0]?.extensions).toMatchObject({ code: 'PERSISTED_OPERATION_NOT_FOUND' });
      }
    }
  });

  test('answers a hash alone, as Apollo sends it, also by GET', async () => {
    await using operations = await folder(known);
    await using rig = await openRig({ bounds: { persistedOperations: operations.path } });
    const extensions = by(hash(whole));
    const who = { data: { viewer: { id: 'anonymous' } } };
    expect(await (await post(rig, { operationName: 'Who', extensions })).json()).toEqual(who);
    const asked = new URLSearchParams({ operationName: 'Who', extensions: JSON.stringify(extensions) });
    const headers = { 'apollo-require-preflight': 'true' };
    expect(await (await fetch(`${rig.url}?${asked}`, { headers })).json()).toEqual(who);
    expect((await post(rig, { extensions: by('x') }, { accept: 'application/json' })).status).toBe(404);
  });

  test('still streams a run to a page without GraphQL', async () => {
    const ask = 'mutation Ask { chat(input: { query: "!echo hi" }) { run { id } } }';
    await using operations = await folder({ 'ask.graphql': ask });
    await using rig = await openRig({ bounds: { persistedOperations: operations.path } });
    const { data } = await rig.query(ask);
    const response = await fetch(new URL(`/runs/${data?.['chat'].run.id}/events`, rig.url));
    expect(await response.text()).toContain('"__typename":"RunFinished"');
  });

  test('reads manifests, and says what is wrong with what it cannot read', async () => {
    const apollo = { format: 'apollo-persisted-query-manifest', version: 1, operations: [{ id: 'a1', body: whole }] };
    await using files = await folder({
      'apollo.json': JSON.stringify(apollo),
      'plain.json': JSON.stringify({ a1: whole }),
      'empty.json': '{}',
      'wrong.json': '{"a": 1}',
      'broken.json': '{"a": "query {"}',
    });
    for (const name of ['apollo.json', 'plain.json']) {
      const operations = readPersistedOperations(join(files.path, name));
      for (const id of ['a1', hash(whole)]) expect(operations.textOf({ extensions: by(id) })).toBe(whole);
      expect(operations.textOf({ query: whole })).toBe(whole);
    }
    for (const name of ['empty.json', 'wrong.json', 'broken.json', 'none.json'])
      expect(() => readPersistedOperations(join(files.path, name))).toThrow();
    const opening = openRig({ bounds: { persistedOperations: join(files.path, 'empty.json') } });
    await expect(opening).rejects.toThrow('limits.persistedOperations: cannot be read: no operations are there');
  });
});
