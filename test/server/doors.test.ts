import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from '../rig.ts';
import { codesOf, dataOf } from '../graphql/answers.ts';
import { program } from './carrying.ts';
import { doors, post, streamingDoors, type Operation } from './doors.ts';

const some = 'query ($first: Int!) { conversations(first: $first) { nodes { id } } }';

/** Operations that fail, the code they fail with, and the start of the message. */
const failures: readonly (readonly [what: string, Operation, code: string, message: string])[] = [
  ['a syntax error', { query: '{ viewer {' }, 'BAD_USER_INPUT', 'Syntax Error'],
  ['an empty document', { query: '' }, 'BAD_USER_INPUT', 'Syntax Error'],
  ['a field that is not there', { query: '{ nope }' }, 'BAD_USER_INPUT', 'Cannot query field'],
  ['a literal of the wrong type', { query: '{ run(id: [1]) { id } }' }, 'BAD_USER_INPUT', 'ID cannot represent'],
  ['a variable that is missing', { query: some, variables: {} }, 'BAD_USER_INPUT', 'Variable "$first"'],
  ['a variable of the wrong type', { query: some, variables: { first: 'x' } }, 'BAD_USER_INPUT', 'Variable "$first"'],
  [
    'a variable that no scalar takes',
    {
      query: 'query ($filter: RunFilter) { runs(filter: $filter) { nodes { id } } }',
      variables: { filter: { startedAfter: 'now' } },
    },
    'BAD_USER_INPUT',
    'A DateTime is written like',
  ],
  ['an argument out of range', { query: some, variables: { first: 0 } }, 'BAD_USER_INPUT', '`first` must be'],
  ['an app that is not served', { query: '{ conversations(app: "x") { nodes { id } } }' }, 'APP_NOT_FOUND', 'No app'],
  [
    'a conversation that is not there',
    { query: `{ conversationHistory(conversationId: "${randomUUID()}") { nodes { id } } }` },
    'NOT_FOUND',
    'Conversation',
  ],
  ['a run that is not there', { query: 'mutation { stopRun(runId: "x") { confirmed } }' }, 'NOT_FOUND', 'There is no'],
  [
    'an app of another kind',
    { query: 'mutation { chat(input: { app: "summarize", query: "a" }) { answer } }' },
    'WRONG_APP_MODE',
    'The app',
  ],
];

const streamFailures: typeof failures = [
  [
    'a question without a key',
    { query: 'subscription { chatStream(input: { query: "a" }) { seq } }' },
    'IDEMPOTENCY_KEY_REQUIRED',
    'Name this question',
  ],
  [
    'a run that is not there',
    { query: 'subscription { runEvents(runId: "x") { seq } }' },
    'NOT_FOUND',
    'There is no such run',
  ],
  ['a syntax error', { query: 'subscription {' }, 'BAD_USER_INPUT', 'Syntax Error'],
  [
    'a variable of the wrong type',
    { query: 'subscription ($id: ID!) { runEvents(runId: $id) { seq } }', variables: { id: [] } },
    'BAD_USER_INPUT',
    'Variable "$id"',
  ],
  [
    'two fields at once',
    { query: 'subscription { a: runEvents(runId: "x") { seq } b: runEvents(runId: "x") { seq } }' },
    'BAD_USER_INPUT',
    'Anonymous Subscription',
  ],
];

describe('every door', () => {
  test.each(failures)('has the same error for %s', async (_, operation, code, message) => {
    await using rig = await openRig();
    await expectSame(rig, doors, { ...operation, code, message });
  });

  test.each(streamFailures)('that streams has the same error for %s', async (_, operation, code, message) => {
    await using rig = await openRig();
    await expectSame(rig, streamingDoors, { ...operation, code, message });
  });

  test.each([' ', 'a'.repeat(256), 'tab\there'])('refuses the user %j', async (user) => {
    await using rig = await openRig();
    const message = 'The user (`x-user`) must be';
    await expectSame(rig, doors, { query: '{ viewer { id } }', code: 'BAD_USER_INPUT', message, user });
  });

  test('has the same data', async () => {
    await using rig = await openRig();
    const operation = {
      query: 'query Other { apps { name } } query Mine { viewer { id } app { name title mode } }',
      operationName: 'Mine',
    };
    for (const door of Object.values(doors)) {
      const results = await door(rig, operation, 'ann');
      expect(results).toEqual([
        { data: { viewer: { id: 'ann' }, app: { name: 'assistant', title: 'Assistant', mode: 'CHAT' } } },
      ]);
    }
  });

  test('asks which operation is meant where there are two', async () => {
    await using rig = await openRig();
    for (const door of Object.values(doors)) {
      const [result = {}] = await door(rig, { query: 'query A { viewer { id } } query B { viewer { id } }' });
      expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
    }
  });

  test('keeps what worked beside what did not', async () => {
    await using rig = await openRig();
    const query = '{ viewer { id } app(name: "summarize") { name conversations { nodes { id } } } }';
    const seen = [];
    for (const door of Object.values(doors)) {
      const [result = {}] = await door(rig, { query });
      expect(result.data).toEqual({ viewer: { id: 'anonymous' }, app: null });
      expect(result.errors?.[0]).toMatchObject({
        path: ['app', 'conversations'],
        extensions: { code: 'WRONG_APP_MODE' },
      });
      seen.push(result);
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
  });

  test('that streams shows the same events', async () => {
    await using rig = await openRig();
    const query = `subscription { chatStream(input: { query: "!echo one two three", idempotencyKey: "k" }, after: 0) {
      __typename seq ... on TextDelta { text } ... on RunFinished { status }
    } }`;
    const [first = [], second = []] = await Promise.all(
      Object.values(streamingDoors).map((door) => door(rig, { query })),
    );
    expect(first.map((result) => dataOf(result)['chatStream'].__typename)).toContain('TextDelta');
    expect(second).toEqual(first);
  });
});

interface Failure extends Operation {
  readonly code: string;
  readonly message: string;
  readonly user?: string;
}

/** Nothing differs but the place an error has in each protocol. */
async function expectSame(
  rig: Rig,
  through: typeof doors,
  { code, message, user, ...operation }: Failure,
): Promise<void> {
  const seen: unknown[] = [];
  for (const door of Object.values(through)) {
    const results = await door(rig, operation, user);
    expect(results).toHaveLength(1);
    const errors = results[0]?.errors ?? [];
    expect(errors[0]?.message.slice(0, message.length)).toBe(message);
    expect(errors[0]?.extensions?.['code']).toBe(code);
    expect(Object.keys(errors[0]?.extensions ?? {})).not.toContain('http');
    expect(Object.keys(errors[0] ?? {}).filter((key) => !known.has(key))).toEqual([]);
    seen.push(errors);
  }
  for (const errors of seen) expect(errors).toEqual(seen[0]);
}

const known = new Set(['message', 'locations', 'path', 'extensions']);

describe('HTTP', () => {
  test('answers with a status that fits', async () => {
    await using rig = await openRig();
    const graphql = { accept: 'application/graphql-response+json' };
    const statusOf = async (body: unknown, headers: Record<string, string> = graphql) =>
      (await post(rig, body, headers)).status;
    expect(await statusOf({ query: '{ viewer { id } }' })).toBe(200);
    expect(await statusOf({ query: '{ viewer {' })).toBe(400);
    expect(await statusOf({ query: '{ nope }' })).toBe(400);
    expect(await statusOf({ query: some, variables: {} })).toBe(400);
    expect(await statusOf({ query: '{ conversations(app: "x") { nodes { id } } }' })).toBe(200);
    expect(await statusOf({ query: '{ viewer { id } }' }, { ...graphql, 'x-user': ' ' })).toBe(400);
    const plain = { accept: 'application/json' };
    expect(await statusOf({ query: '{ nope }' }, plain)).toBe(200);
    expect(await statusOf({ query: '{ conversations(app: "x") { nodes { id } } }' }, plain)).toBe(200);
  });

  test('accepts every event stream, and tells of errors in its events', async () => {
    await using rig = await openRig();
    for (const body of [{ query: '{ viewer {' }, { query: '{ nope }' }, { query: some, variables: {} }]) {
      const response = await post(rig, body, { accept: 'text/event-stream' });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      expect(await response.text()).toMatch(/^:\n\nevent: next\ndata: \{"errors":.*\}\n\nevent: complete\ndata:\n\n$/);
    }
    const headers = { accept: 'text/event-stream', 'x-user': ' ' };
    expect((await post(rig, { query: '{ viewer { id } }' }, headers)).status).toBe(200);
  });

  test.each([
    ['no JSON', '{', {}, 400],
    ['a body that is no operation', '[1]', {}, 400],
    ['no query', '{}', {}, 400],
    ['another type', 'a=b', { ...program, 'content-type': 'text/plain' }, 415],
  ])('refuses %s', async (_, body, headers, status) => {
    await using rig = await openRig();
    const response = await post(rig, body, { accept: 'application/json', ...headers });
    expect(response.status).toBe(status);
    const text = await response.text();
    if (text !== '') expect(codesOf(JSON.parse(text))).toEqual(['BAD_USER_INPUT']);
  });

  test('refuses a body of more than 4 MiB', async () => {
    await using rig = await openRig();
    const query = `{ viewer { id } } # ${'x'.repeat(4 * 1_048_576)}`;
    const response = await post(rig, { query }, { accept: 'application/json' });
    expect(response.status).toBe(413);
    expect(codesOf((await response.json()) as never)).toEqual(['BAD_USER_INPUT']);
  });

  test('counts a body that does not say how long it is while it comes', async () => {
    await using rig = await openRig();
    const send = (type: string, pieces: readonly (string | Uint8Array)[]) => {
      const headers = { ...program, accept: 'application/json', 'content-type': type };
      return fetch(rig.url, { method: 'POST', headers, body: Readable.from(pieces), duplex: 'half' } as never);
    };
    const asked = await send('application/json', ['{"query":"{ viewer', ' { id } }"}']);
    expect(await asked.json()).toEqual({ data: { viewer: { id: 'anonymous' } } });
    const megabyte = new Uint8Array(1_048_576).fill(32);
    const json = await send(
      'application/json',
      Array.from({ length: 5 }, () => megabyte),
    );
    expect([json.status, codesOf((await json.json()) as never)]).toEqual([413, ['BAD_USER_INPUT']]);
    const operations = JSON.stringify({
      query: 'mutation ($file: File!) { uploadFile(app: "assistant", file: $file) { name size } }',
      variables: { file: null },
    });
    const part = (name: string, text: string) => `--x\r\ncontent-disposition: form-data; name="${name}"${text}`;
    const head = [
      part('operations', `\r\n\r\n${operations}\r\n`),
      part('map', '\r\n\r\n{"0":["variables.file"]}\r\n'),
      part('0', '; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\n'),
    ];
    const form = (megabytes: number) =>
      send('multipart/form-data; boundary=x', [
        ...head,
        ...Array.from({ length: megabytes }, () => megabyte),
        '\r\n--x--\r\n',
      ]);
    const taken = await form(5);
    expect(await taken.json()).toEqual({ data: { uploadFile: { name: 'a.txt', size: 5 * 1_048_576 } } });
    const large = await form(26);
    expect([large.status, codesOf((await large.json()) as never)]).toEqual([413, ['BAD_USER_INPUT']]);
  });

  test('takes queries by GET, but no mutations', async () => {
    await using rig = await openRig();
    const ask = (query: string) =>
      fetch(`${rig.url}?${new URLSearchParams({ query })}`, { headers: { ...program, accept: 'application/json' } });
    expect(await (await ask('{ viewer { id } }')).json()).toEqual({ data: { viewer: { id: 'anonymous' } } });
    const refused = await ask('mutation { chat(input: { query: "a" }) { answer } }');
    expect(refused.status).toBe(405);
    expect(codesOf((await refused.json()) as never)).toEqual(['BAD_USER_INPUT']);
    expect(rig.generations()).toEqual([]);
  });

  test('knows no other path', async () => {
    await using rig = await openRig();
    for (const path of ['/', '/graphql/x', '/v1/info', '/graphiql']) {
      expect((await fetch(new URL(path, rig.url))).status).toBe(404);
    }
  });

  test('says at /health that the process is there', async () => {
    await using rig = await openRig();
    const response = await fetch(new URL('/health', rig.url));
    expect(response.status).toBe(200);
    expect(rig.requests).toEqual([]);
  });
});
