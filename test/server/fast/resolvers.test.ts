import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  type GraphQLOutputType,
} from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBothWays, type BothWays } from './both-ways.ts';

const Color = new GraphQLEnumType({ name: 'Color', values: { RED: { value: 1 }, BLUE: { value: { b: 2 } } } });
const Odd = new GraphQLScalarType({
  name: 'Odd',
  coerceOutputValue: (value) => {
    if (value === 'bad') throw new TypeError('not odd');
    return value === 'none' ? undefined : { odd: value };
  },
});
const Inner = new GraphQLObjectType({ name: 'Inner', fields: { a: { type: GraphQLInt }, b: { type: GraphQLString } } });
const Checked = new GraphQLObjectType({
  name: 'Checked',
  isTypeOf: (value) => (value as { readonly ok?: boolean }).ok === true,
  fields: { a: { type: GraphQLInt } },
});

/** Counts how often it was asked. */
let calls = 0;
const rejected = () => Promise.reject(new Error('later'));
const date = new Date(0);

/** What a field gives → its type. The fast way tells it, or leaves it to the ordinary one. */
const values: readonly (readonly [name: string, type: GraphQLOutputType, value: unknown])[] = [
  ['text', GraphQLString, 'Grüße "👋"'],
  ['numberAsText', GraphQLString, 12.5],
  ['truthAsText', GraphQLString, true],
  ['objectAsText', GraphQLString, {}],
  ['dateAsText', GraphQLString, date],
  ['nothing', GraphQLString, undefined],
  ['missing', new GraphQLNonNull(GraphQLString), null],
  ['error', GraphQLString, new Error('a value')],
  [
    'thrown',
    GraphQLString,
    () => {
      throw new Error('thrown');
    },
  ],
  ['promise', GraphQLString, () => Promise.resolve('soon')],
  ['rejected', GraphQLString, rejected],
  // oxlint-disable-next-line unicorn/no-thenable -- what a resolver may give
  ['thenable', GraphQLString, { then: (done: (text: string) => void) => done('then') }],
  ['function', GraphQLString, () => 'made'],
  ['int', GraphQLInt, -0],
  ['large', GraphQLInt, 2 ** 31],
  ['half', GraphQLInt, 1.5],
  ['intText', GraphQLInt, '7'],
  ['truthAsInt', GraphQLInt, true],
  ['float', GraphQLFloat, 1e21],
  ['infinite', GraphQLFloat, Infinity],
  ['id', GraphQLID, 12],
  ['idText', GraphQLID, '\u2028'],
  ['boolean', GraphQLBoolean, 1],
  ['noBoolean', GraphQLBoolean, 'yes'],
  ['color', Color, 1],
  ['noColor', Color, 3],
  ['odd', Odd, 1],
  ['badOdd', Odd, 'bad'],
  ['noOdd', Odd, 'none'],
  ['list', new GraphQLList(GraphQLInt), [1, null, 3]],
  ['set', new GraphQLList(GraphQLInt), new Set([1, 2])],
  ['noList', new GraphQLList(GraphQLInt), 1],
  ['textList', new GraphQLList(GraphQLString), 'abc'],
  ['holes', new GraphQLList(new GraphQLNonNull(GraphQLInt)), [1, null]],
  ['promises', new GraphQLList(GraphQLInt), () => [Promise.resolve(1), Promise.reject(new Error('first')), 3]],
  ['rejections', new GraphQLList(GraphQLInt), () => [rejected(), rejected()]],
  ['laterList', new GraphQLList(GraphQLInt), rejected],
  ['nested', new GraphQLList(new GraphQLList(Inner)), [[{ a: 1, b: 'x' }, null], null, []]],
  ['inner', Inner, { a: 1, b: () => 'made' }],
  ['innerError', Inner, { a: 'x', b: 'kept' }],
  ['innerPromise', Inner, () => Promise.resolve({ a: 1 })],
  ['noPrototype', Inner, Object.assign(Object.create(null) as object, { a: 2 })],
  ['checked', Checked, { ok: true, a: 1 }],
  ['unchecked', Checked, { ok: false, a: 1 }],
];

const Event = new GraphQLInterfaceType({
  name: 'Event',
  fields: { seq: { type: GraphQLInt } },
  resolveType: ({ type }: { readonly type: string }) => type,
});
const seq = { seq: { type: GraphQLInt } };
const types = values.map(
  ([name, type, value]) =>
    new GraphQLObjectType({
      name: `Of_${name}`,
      interfaces: [Event],
      fields: {
        ...seq,
        value: { type, resolve: () => (typeof value === 'function' ? (value as () => unknown)() : value) },
      },
    }),
);
const Asked = new GraphQLObjectType({
  name: 'Asked',
  interfaces: [Event],
  fields: {
    ...seq,
    looks: { type: GraphQLString, resolve: (...[, , , info]) => `${info.fieldName} ${info.path.key}` },
    echo: {
      type: GraphQLString,
      args: {
        text: { type: GraphQLString, defaultValue: 'standard' },
        color: { type: Color },
        ids: { type: new GraphQLList(GraphQLID) },
      },
      resolve: (_, args) => JSON.stringify({ ...args }),
    },
    slow: { type: GraphQLString, resolve: () => Promise.resolve(String((calls += 1))) },
  },
});

async function* events(names: readonly string[]) {
  for (const [index, type] of names.entries()) yield { type, seq: index };
}

const subscription = {
  type: Event,
  args: { types: { type: new GraphQLList(GraphQLString) } },
  subscribe: (_: unknown, asked: { readonly types?: readonly string[] }) => events(asked.types ?? []),
  resolve: (event: unknown) => event,
};
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: seq }),
  subscription: new GraphQLObjectType({ name: 'Subscription', fields: { events: subscription } }),
  types: [...types, Asked],
});

let ways: BothWays;
beforeAll(async () => void (ways = await openBothWays(schema, () => ({}))));
afterAll(() => ways[Symbol.asyncDispose]());

test.each(values.map(([name, type]) => [name, type] as const))('%s is told in the same words', async (name, type) => {
  const told = /Inner|Checked/.test(type.toString()) ? ' { a }' : '';
  const query = `subscription { events(types: ["Of_${name}", "Asked", "Of_${name}"]) { __typename seq ... on Of_${name} { value${told} again: value${told} } } }`;
  const { fast, ordinary } = await ways.frames(query);
  expect(fast).toEqual(ordinary);
  expect(fast).toHaveLength(4);
});

test.each([
  ['nothing given', 'echo', {}],
  ['a constant', 'echo(text: "x", color: RED, ids: 1)', {}],
  ['null', 'echo(text: null, color: null)', {}],
  ['variables', 'echo(text: $text, color: $color, ids: $ids)', { text: 't', color: 'BLUE', ids: ['a', 2] }],
  ['variables that are not given', 'echo(text: $text, color: $color, ids: $ids)', {}],
  ['variables that do not fit', 'echo(text: $text, color: $color, ids: $ids)', { color: 'GREEN' }],
  ['a look at where it is asked', 'other: looks', {}],
  ['a field twice', 'echo echo(text: "standard") __typename', {}],
])('arguments come as they do in an execution: %s', async (_, selection, variables) => {
  const used = selection.includes('$') ? '($text: String, $color: Color, $ids: [ID])' : '';
  const query = `subscription ${used} { events(types: ["Asked", "Asked"]) { seq ... on Asked { ${selection} } } }`;
  const { fast, ordinary } = await ways.frames(query, variables);
  expect(fast).toEqual(ordinary);
});

test('what has to be waited for is asked in vain once, not for every event', async () => {
  calls = 0;
  await ways.frames(
    'subscription { events(types: ["Asked", "Asked", "Asked", "Asked", "Asked"]) { ... on Asked { slow } } }',
  );
  expect(calls).toBe(11);
});

test('an operation of another kind, or that is none, is refused in the same words', async () => {
  for (const query of [
    'subscription { events { nothing } }',
    'subscription {',
    'subscription ($a: Int!) { events { seq @skip(if: $a) } }',
  ]) {
    const { fast, ordinary } = await ways.frames(query);
    expect(fast).toEqual(ordinary);
  }
});
