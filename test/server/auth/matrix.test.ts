import { globSync, readFileSync } from 'node:fs';
import {
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLField,
  type GraphQLInputType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shownToOnlookers } from '../../../src/graphql/onlookers.ts';
import { schema } from '../../../src/graphql/schema.ts';
import { codesOf, dataOf } from '../../graphql/answers.ts';
import { openRig, type Data, type Rig } from '../../rig.ts';
import { Issuer, unsigned } from './issuer.ts';

const id = '00000000-0000-4000-8000-000000000000';

/** A value that fits a type, in GraphQL. Ids are those of a run of Ann's, where one is given. */
function literal(type: GraphQLInputType, runId: string): string {
  if (isNonNullType(type)) return literal(type.ofType as GraphQLInputType, runId);
  if (isListType(type)) return '[]';
  if (isEnumType(type)) return type.getValues()[0]!.name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter((field) => isNonNullType(field.type));
    return `{ ${fields.map((field) => `${field.name}: ${literal(field.type, runId)}`).join(', ')} }`;
  }
  return { ID: `"${runId}"`, Int: '1', Float: '1', Boolean: 'true', JSON: '{}', File: 'null' }[type.name] ?? '"x"';
}

/** An operation of that one field, with what it requires. Files come by other requests: they are left out, which is told later. */
function operation(kind: string, field: GraphQLField<unknown, unknown>, runId: string): string {
  const required = field.args.filter(({ type, defaultValue }) => isNonNullType(type) && defaultValue === undefined);
  const args = required.map(({ name, type }) =>
    getNamedType(type).name === 'File' ? `${name}: $file` : `${name}: ${literal(type, runId)}`,
  );
  const variables = args.some((arg) => arg.endsWith('$file')) ? '($file: File!)' : '';
  const selection = isCompositeType(getNamedType(field.type)) ? ' { __typename }' : '';
  return `${kind} X${variables} { ${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}${selection} }`;
}

const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
  Object.values(type?.getFields() ?? {}).map((field) => ({
    kind: type!.name.toLowerCase(),
    name: `${type!.name}.${field.name}`,
    field,
  })),
);

interface House extends AsyncDisposable {
  readonly rig: Rig;
  readonly issuer: Issuer;
  /** Of Ann's. */
  readonly run: string;
  readonly other: string;
  readonly conversation: string;
  readonly tokens: Readonly<Record<string, string | null>>;
}

async function openHouse(): Promise<House> {
  const issuer = await Issuer.open();
  const rig = await openRig({ auth: { jwt: [issuer.config()] }, admins: [] });
  const anns = await issuer.token('ann');
  const chat = async () =>
    dataOf(await ask(rig, anns, 'mutation { chat(input: { query: "!echo hers" }) { conversationId run { id } } }'))[
      'chat'
    ];
  const [{ run, conversationId }, other] = [await chat(), await chat()];
  const share = async (runId: string) =>
    dataOf(await ask(rig, anns, `mutation { createRunToken(runId: "${runId}") { token } }`))['createRunToken']
      .token as string;
  const tokens = {
    owner: anns,
    'another user': await issuer.token('eve'),
    'an admin': await issuer.token('root', { scope: 'admin' }),
    nobody: null,
    'somebody whose token has expired': await issuer.token('ann', { exp: -1 }),
    'somebody with a token for another audience': await issuer.token('ann', { aud: 'other' }),
    'somebody with a token that is not signed': unsigned({ sub: 'ann' }),
    'a token of another run': await share(other.run.id as string),
    'a token of this run': await share(run.id as string),
  };
  return {
    rig,
    issuer,
    run: run.id as string,
    other: other.run.id as string,
    conversation: conversationId as string,
    tokens,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

async function ask(rig: Rig, token: string | null, query: string, variables: object = {}): Promise<Data> {
  const headers = {
    'content-type': 'application/json',
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  const response = await fetch(rig.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return (await response.json()) as Data;
}

/** The first result over a WebSocket whose operation brings the token. */
async function askSocket(rig: Rig, token: string | null, query: string): Promise<Data> {
  const client = rig.client();
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  try {
    for await (const result of client.iterate({ query, extensions: { headers } })) return result as Data;
    return {};
  } catch (errors) {
    return { errors };
  } finally {
    await client.dispose();
  }
}

const unproven = [
  'nobody',
  'somebody whose token has expired',
  'somebody with a token for another audience',
  'somebody with a token that is not signed',
];

let house: House;
beforeAll(async () => (house = await openHouse()));
afterAll(() => house[Symbol.asyncDispose]());

describe('every field that can be asked for', () => {
  test.each(roots)('$name is for nobody who has not proven who they are', async ({ kind, field }) => {
    house.rig.requests.length = 0;
    for (const who of unproven) {
      const query = operation(kind, field, house.run);
      const ways = kind === 'subscription' ? [askSocket] : [ask, askSocket];
      for (const way of ways)
        expect(codesOf(await way(house.rig, house.tokens[who]!, query)), `${who}: ${query}`).toEqual([
          'UNAUTHENTICATED',
        ]);
    }
    expect(house.rig.requests).toEqual([]);
  });

  const open = ['Query.run', 'Subscription.runEvents'];

  test.each(roots)('$name is for no run token but that of the run it shows', async ({ kind, name, field }) => {
    house.rig.requests.length = 0;
    // What a file would be is read before anybody is asked for anything.
    const expected = field.args.some(({ type }) => getNamedType(type).name === 'File') ? 'BAD_USER_INPUT' : 'FORBIDDEN';
    const way = kind === 'subscription' ? askSocket : ask;
    const query = operation(kind, field, house.run);
    expect(codesOf(await way(house.rig, house.tokens['a token of another run']!, query))).toEqual([expected]);
    const own = await way(house.rig, house.tokens['a token of this run']!, query);
    if (open.includes(name))
      expect(dataOf(own)[field.name]).toMatchObject({ __typename: expect.stringMatching(/^ChatRun|RunAttached$/) });
    else expect(codesOf(own)).toEqual([expected]);
    expect(house.rig.requests).toEqual([]);
  });
});

describe('behind a run, a run token', () => {
  const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type));
  const isEvent = (name: string) =>
    types
      .find((type) => type.name === name)
      ?.getInterfaces()
      .some((one) => one.name === 'RunEvent');

  test('reaches nothing that takes an id or a cursor, and no type but those that are listed', () => {
    const reached = new Set<string>();
    const visit = (typeName: string, fields: readonly string[] | 'all') => {
      if (reached.has(typeName)) return;
      reached.add(typeName);
      const type = types.find(({ name }) => name === typeName)!;
      for (const field of Object.values(type.getFields())) {
        if (fields !== 'all' && !fields.includes(field.name)) continue;
        const isRoot = typeName === 'Query' || typeName === 'Subscription';
        if (!isRoot)
          expect(
            field.args.map(({ name }) => name),
            `${typeName}.${field.name}`,
          ).toEqual([]);
        const named = getNamedType(field.type);
        const next = isObjectType(named) ? [named] : isCompositeType(named) ? schema.getPossibleTypes(named) : [];
        for (const { name } of next) {
          if (name in shownToOnlookers) visit(name, shownToOnlookers[name]!);
          else expect(isEvent(name), `${typeName}.${field.name}: ${name}`).toBe(true);
        }
      }
    };
    visit('Query', shownToOnlookers['Query']!);
    visit('Subscription', shownToOnlookers['Subscription']!);
    for (const { name } of types) if (isEvent(name)) visit(name, 'all');
    expect([...reached].filter((name) => !isEvent(name)).toSorted()).toEqual(Object.keys(shownToOnlookers).toSorted());
  });

  test.each([
    'app { conversations { nodes { id } } }',
    'app { features { speechToText } }',
    '... on ChatRun { message { suggestedQuestions } }',
    '... on ChatRun { message { run { id } } }',
    '... on ChatRun { message { rating } }',
  ])('is refused %s', async (selection) => {
    const query = `{ run(id: "${house.run}") { id ${selection} } }`;
    expect(codesOf(await ask(house.rig, house.tokens['a token of this run']!, query))).toEqual(['FORBIDDEN']);
  });

  test('shows what a page needs', async () => {
    const query = `{ run(id: "${house.run}") { status app { name title } ... on ChatRun { answer message { query files { url } } } } }`;
    expect(dataOf(await ask(house.rig, house.tokens['a token of this run']!, query))['run']).toEqual({
      status: 'SUCCEEDED',
      app: { name: 'assistant', title: 'Assistant' },
      answer: 'hers',
      message: { query: '!echo hers', files: [] },
    });
  });
});

describe('every route', () => {
  const known: Readonly<Record<string, string>> = {
    '/^\\/files(?:\\/([^/]+))?\\/?$/': 'POST /files/assistant',
    '/^\\/files\\/([^/]+)\\/([^/]+)$/': `GET /files/assistant/${id}`,
    '/^\\/runs\\/([^/]+)\\/events$/': 'GET /runs/{run}/events',
    // Open: says nothing of anybody.
    '/^\\/ready$/': '',
    // Its token is the permission.
    '/^\\/speech\\/([\\w-]+)$/': '',
  };

  test('is known here', () => {
    const source = globSync('src/server/**/*.ts')
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
    const paths = [...source.matchAll(/path: (\/\^.*\$\/)/g)].map(([, path = '']) => path);
    expect(paths.toSorted()).toEqual(Object.keys(known).toSorted());
  });

  const expected: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    'POST /files/assistant': {
      owner: 201,
      'another user': 201,
      'an admin': 201,
      'a token of this run': 403,
      'a token of another run': 403,
    },
    [`GET /files/assistant/${id}`]: {
      owner: 404,
      'another user': 404,
      'an admin': 404,
      'a token of this run': 403,
      'a token of another run': 403,
    },
    'GET /runs/{run}/events': {
      owner: 200,
      'another user': 404,
      'an admin': 404,
      'a token of this run': 200,
      'a token of another run': 403,
    },
  };

  test.each(Object.values(known).filter((route) => route !== ''))('%s is only for those whose it is', async (route) => {
    const [method = '', path = ''] = route.split(' ');
    const url = new URL(path.replace('{run}', house.run), house.rig.url);
    for (const [who, token] of Object.entries(house.tokens)) {
      const headers: Record<string, string> = { 'x-file-name': 'a.txt', 'content-type': 'text/plain' };
      if (token !== null) headers['authorization'] = `Bearer ${token}`;
      const response = await fetch(url, { method, headers, ...(method === 'POST' ? { body: 'text' } : {}) });
      const text = await response.text();
      expect(response.status, `${who}: ${text}`).toBe(unproven.includes(who) ? 401 : expected[route]?.[who]);
      if (response.status === 401) {
        expect(response.headers.get('www-authenticate')).toBe('Bearer');
        expect(JSON.parse(text)).toMatchObject({ code: 'UNAUTHENTICATED' });
      }
    }
  });

  test('of a run’s events takes a run token in its address, and nothing else there', async () => {
    const { owner, ...tokens } = house.tokens;
    const get = async (token: string) => {
      const url = new URL(`/runs/${house.run}/events?token=${encodeURIComponent(token)}`, house.rig.url);
      const response = await fetch(url);
      return { status: response.status, text: await response.text() };
    };
    expect(await get(tokens['a token of this run']!)).toMatchObject({
      status: 200,
      text: expect.stringContaining('RunFinished'),
    });
    expect(await get(tokens['a token of another run']!)).toMatchObject({ status: 403 });
    expect(await get(owner!)).toMatchObject({ status: 401 });
    expect(await get('run_x.y')).toMatchObject({ status: 401 });
    expect(await get('')).toMatchObject({ status: 401 });
  });
});
