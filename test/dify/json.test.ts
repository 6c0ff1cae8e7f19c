import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/dify/json.ts';

describe('parseJson', () => {
  it('C85 reads NaN and the infinities as null and leaves the rest intact', () => {
    const text = String.raw`{"a": NaN, "b": [-Infinity, Infinity, 1], "NaN": "NaN, \"Infinity\" \\", "c": -1}`;
    expect(parseJson(text)).toEqual({ a: null, b: [null, null, 1], NaN: String.raw`NaN, "Infinity" \ `.trim(), c: -1 });
  });

  it.each(['', '[DONE]', 'NaNa', '{"a": NaN', '{"a":"Infinity', 'hello'])('answers undefined for %j', (text) => {
    expect(parseJson(text)).toBeUndefined();
  });

  it('reads long texts with escapes on the second try without running out of stack', () => {
    const long = String.raw`\"é\n`.repeat(500_000);
    expect(parseJson(`{"long":"${long}","n":NaN}`)).toMatchObject({ n: null });
  });
});
