import { expect, it } from 'vitest';
import { epochSeconds } from '../../src/dify/time.ts';

it.each([
  [1795330056, 1795330056],
  ['2026-11-22T06:45:00', 1795329900],
  ['2026-11-22T06:45:00.123456', 1795329900],
  ['2026-11-22T06:45:00Z', 1795329900],
  ['2026-11-22T08:45:00+02:00', 1795329900],
  [null, null],
  [undefined, null],
  ['', null],
  ['soon', null],
  [Number.NaN, null],
])('%j is the second %j', (written, second) => {
  expect(epochSeconds(written)).toBe(second);
});
