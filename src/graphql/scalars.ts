import { valueFromASTUntyped } from 'graphql';
import { GatewayError } from '../errors.ts';
import { builder } from './builder.ts';
import { isAllJson } from './variables.ts';

builder.scalarType('DateTime', {
  description: 'RFC 3339 instant in UTC, e.g. 2026-09-18T08:00:00.000Z.',
  serialize: (ms) => new Date(ms).toISOString(),
  parseValue: (value) => {
    const ms =
      typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value)
        ? Date.parse(value)
        : Number.NaN;
    if (Number.isNaN(ms))
      throw new GatewayError('BAD_USER_INPUT', 'A DateTime is written like 2026-09-18T08:00:00.000Z.');
    return ms;
  },
});

builder.scalarType('JSON', {
  description: 'Any JSON value. Only where Dify itself is untyped (app inputs, workflow outputs).',
  serialize: (value) => value,
  parseValue: json,
  // Variables of any type may stand in it.
  parseLiteral: (node, variables) => json(valueFromASTUntyped(node, variables)),
});

function json(value: unknown): unknown {
  if (!isAllJson(value)) throw new GatewayError('BAD_USER_INPUT', 'A file is no JSON: upload it, and give its id.');
  return value;
}

builder.scalarType('Decimal', {
  description: 'Exact decimal in a string ("0.0012"): money never passes through a float.',
  serialize: String,
  parseValue: (value) => {
    if (typeof value !== 'string' || !/^-?\d+(\.\d+)?$/.test(value))
      throw new GatewayError('BAD_USER_INPUT', 'A Decimal is written as a string like "0.0012".');
    return value;
  },
});

/** The years 1 and 9999: RFC 3339 knows no others. */
const [FIRST_MS, LAST_MS] = [-62_135_596_800_000, 253_402_300_799_999];

/** Epoch seconds, as Dify tells times, as a DateTime. */
export function fromSeconds(seconds: number | null): number | null {
  return seconds === null ? null : Math.min(Math.max(seconds * 1000, FIRST_MS), LAST_MS);
}
