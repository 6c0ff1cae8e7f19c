import { describe, expect, test } from 'vitest';
import { parsePython } from '../../src/dify/python-literal.ts';

const values: readonly (readonly [text: string, value: unknown])[] = [
  ['1', 1],
  ['-2.5', -2.5],
  ['1e-07', 1e-7],
  ['True', true],
  ['None', null],
  ['[]', []],
  ['{}', {}],
  ["{'a': 1, 'b': None, 'c': [True, False]}", { a: 1, b: null, c: [true, false] }],
  [
    `['it is', "it's", 'say "it"', "it's \\"it\\"", 'it\\'s "it"']`,
    ['it is', "it's", 'say "it"', `it's "it"`, `it's "it"`],
  ],
  [
    String.raw`['a\nb', 'tab\t', 'back\\slash', '\x07\u2028', '\U0001f44b']`,
    ['a\nb', 'tab\t', 'back\\slash', '\u0007\u2028', '👋'],
  ],
  ["['None', '{True}', '1, 2', 'a: b', 'Köln 👋']", ['None', '{True}', '1, 2', 'a: b', 'Köln 👋']],
  ["[{'a': [{'b': {}}]}]", [{ a: [{ b: {} }] }]],
  ["{'__proto__': 1}", JSON.parse('{"__proto__":1}')],
];

describe('what Python writes', () => {
  test.each(values)('is read: %s', (text, value) => {
    expect(parsePython(text)).toEqual(value);
  });

  test.each([
    '',
    ' ',
    'hello',
    'nan',
    '[nan]',
    '[inf]',
    '<File x>',
    "{'a': Decimal('1')}",
    '(1, 2)',
    '[1',
    "['a'",
    "{'a' 1}",
    '1 2',
    '1x',
    "'a",
    'None!',
    '[1,]',
    "{1: 'a'}",
    "['\\xZZ",
  ])('is nothing else: %s', (text) => {
    expect(parsePython(text)).toBeUndefined();
  });
});
