import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimal } from '../../src/dify/decimal.ts';

describe('decimal', () => {
  it.each([
    ['0E-7', '0.0000000'],
    ['6E-7', '0.0000006'],
    ['1E+2', '100'],
    [0.0000768, '0.0000768'],
    [6e-7, '0.0000006'],
    [1e21, '1000000000000000000000'],
    ['0.0', '0.0'],
    ['0.00015', '0.00015'],
    ['1.50', '1.50'],
    ['12.5E-3', '0.0125'],
    ['12.5e1', '125'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['007', '7'],
    ['0E+3', '0'],
    ['-2.5', '-2.5'],
    ['+1', '1'],
    [0, '0'],
  ])('C86 writes %j as %s', (from, to) => {
    expect(decimal(from)).toBe(to);
  });

  it.each([null, undefined, '', '.', 'E5', 'free', '1,5', NaN, Infinity, true, {}, '1E+999', '1E-999', '1E99999999'])(
    'answers %j with null',
    (value) => {
      expect(decimal(value)).toBeNull();
    },
  );

  it('keeps the value of every number and never writes an exponent', () => {
    const modest = fc.double({ min: -1e30, max: 1e30, noNaN: true });
    fc.assert(
      fc.property(modest, (value) => {
        const written = decimal(value);
        if (Math.abs(value) < 1e-90 && value !== 0) return;
        expect(Number(written)).toBe(value + 0);
        expect(written).toMatch(/^-?\d+(\.\d+)?$/);
      }),
    );
  });
});
