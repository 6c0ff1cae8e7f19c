const spelling = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;
const farthest = 100;

/**
 * A price as plain decimal text, exact: Dify writes `"0.0000768"`, `"6E-7"`, `"0E-7"`, and some plugins write numbers (§0, 9).
 * Null for null, for what is no number and for exponents beyond ±100.
 */
export function decimal(value: unknown): string | null {
  const written = typeof value === 'number' ? String(value) : value;
  if (typeof written !== 'string') return null;
  const match = spelling.exec(written.trim());
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  const shift = Number(exponent);
  if (digits === '' || Math.abs(shift) > farthest) return null;
  const point = whole.length + shift;
  const before =
    digits
      .slice(0, Math.max(0, point))
      .padEnd(point, '0')
      .replace(/^0+(?=\d)/, '') || '0';
  const after = '0'.repeat(Math.max(0, -point)) + digits.slice(Math.max(0, point));
  return `${sign === '-' ? '-' : ''}${before}${after === '' ? '' : `.${after}`}`;
}
