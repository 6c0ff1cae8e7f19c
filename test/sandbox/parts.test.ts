import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calculate } from '../../src/sandbox/calculator.ts';
import { isUuid, fixedId } from '../../src/sandbox/ids.ts';
import { titleOf } from '../../src/sandbox/memory.ts';
import { crookedPieces, piecesOf } from '../../src/sandbox/pieces.ts';
import { pythonJson, pythonRepr } from '../../src/sandbox/python-json.ts';
import { gistOf, sentencesOf, summaryOf } from '../../src/sandbox/summary.ts';
import { dimensions } from '../../src/sandbox/file-facts.ts';
import { plainPrices, usageOf } from '../../src/sandbox/usage.ts';

describe('JSON as Python writes it', () => {
  test('is spaced, ASCII, and means the same', () => {
    expect(pythonJson({ a: [1, 'ü👋'], b: null, c: undefined })).toBe(
      String.raw`{"a": [1, "\u00fc\ud83d\udc4b"], "b": null}`,
    );
    expect(pythonJson({ a: 'ü' }, false)).toBe('{"a": "ü"}');
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = JSON.parse(text) as unknown;
        expect(JSON.parse(pythonJson(value))).toEqual(value);
        expect(pythonJson(value)).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });

  test('shows values like repr', () => {
    expect(pythonRepr({ a: [1, true, null], b: "it's", c: 'both \' and "' })).toBe(
      `{'a': [1, True, None], 'b': "it's", 'c': 'both \\' and "'}`,
    );
  });
});

test('pieces, joined, are the text, and no character is torn', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const pieces of [piecesOf(text), crookedPieces(text)]) {
        expect(pieces.join('')).toBe(text);
        for (const piece of pieces) expect(piece.isWellFormed()).toBe(true);
      }
    }),
  );
});

describe('prices', () => {
  const timing = { latency: 1, firstToken: null, generate: null };

  // The token counts and prices of recorded usages.
  test.each([
    [15, 22, '0.0000022', '0.0000132', '0.0000154'],
    [1, 22, '2E-7', '0.0000132', '0.0000134'],
    [28, 1, '0.0000042', '6E-7', '0.0000048'],
    [7, 22, '0.0000010', '0.0000132', '0.0000142'],
    [131, 30, '0.0000196', '0.0000180', '0.0000376'],
    [0, 0, '0E-7', '0E-7', '0E-7'],
  ])('of %i and %i tokens are as Dify prints them', (...[asked, said, prompt, completion, total]) => {
    const usage = usageOf(asked, said, timing);
    expect([usage.prompt_price, usage.completion_price, usage.total_price]).toEqual([prompt, completion, total]);
  });

  test('have no exponent in blocking replies', () => {
    expect(plainPrices(usageOf(1, 1, timing))).toMatchObject({
      prompt_price: '0.0000002',
      completion_price: '0.0000006',
    });
  });
});

test.each([
  ['What is 12 * (3 + 4)?', 84],
  ['17*23', 391],
  ['-3 + 5 / 2', -0.5],
  ['1 / 0', undefined],
  ['(1 + 2', undefined],
  ['2024-11-22', undefined],
  ['no numbers', undefined],
])('the calculator finds in %j the value %s', (text, value) => {
  expect(calculate(text)?.value).toBe(value);
});

describe('a summary', () => {
  test('takes the sentences that say most, in their order', () => {
    const gists = sentencesOf('Short one. A considerably longer sentence follows. 中文也可以。Done').map(gistOf);
    expect(gists).toEqual(['Short one.', 'A considerably longer sentence follows.', '中文也可以。', 'Done']);
    expect(summaryOf(gists, 1, 'neutral')).toBe('A considerably longer sentence follows.');
    expect(summaryOf(gists, 9, 'neutral')).toBe(
      'Short one. A considerably longer sentence follows. 中文也可以。 Done.',
    );
    expect(summaryOf([], 2, 'formal')).toBe('There was nothing to summarise.');
  });
});

test('titles are short, without magic and markdown', () => {
  expect(titleOf('!fast **why** is it so?')).toBe('Why is it so');
  expect(titleOf('!fast')).toBe('A new conversation');
  expect(titleOf('x'.repeat(100))).toHaveLength(39);
});

test('fixed ids are UUIDs', () => {
  expect(isUuid(fixedId('app/assistant'))).toBe(true);
  expect(isUuid('123')).toBe(false);
});

describe('the size of a picture', () => {
  const jpeg = (...segments: number[][]) =>
    Buffer.from([0xff, 0xd8, ...segments.flat(), 0xff, 0xd9, ...Array<number>(9)]);
  const start = [0xff, 0xc2, 0, 17, 8, 0x01, 0x2c, 0x02, 0x58, 3];

  test.each([
    ['a PNG', Buffer.from('89504e470d0a1a0a0000000d4948445200000280000001e0', 'hex'), { width: 640, height: 480 }],
    ['a GIF', Buffer.from('474946383961400001000000', 'hex'), { width: 64, height: 1 }],
    ['a JPEG', jpeg([0xff, 0xe0, 0, 4, 1, 2], [0xff, 0xc4, 0, 3, 9], start), { width: 600, height: 300 }],
    ['a JPEG that ends too soon', jpeg([0xff, 0xe0, 0xff, 0xff, 1]), undefined],
    ['anything else', Buffer.from('hello, this is a text'), undefined],
    ['nothing', Buffer.alloc(0), undefined],
  ])('is read from the header of %s', (_, bytes, expected) => {
    expect(dimensions(bytes)).toEqual(expected);
  });
});
