/** A JSON object whose members nobody has promised: versions of Dify differ, so every member is read through this file. */
export type Json = Readonly<Record<string, unknown>>;

const nothing: Json = Object.freeze({});

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object, or an empty one. */
export function json(value: unknown): Json {
  return isJson(value) ? value : nothing;
}

/** Text as it is, null and missing as `''`; what should have been text but is not, as JSON. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

/** As `text`, with null for what is missing. */
export function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : text(value);
}

/** An id, a URL, a unit: empty means missing. */
export function id(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  return typeof value === 'number' ? String(value) : null;
}

/** A number, also from text (older versions write some numbers in quotes); null for anything else. */
export function number(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : null;
}

/** A count or a position that GraphQL's Int can hold; null for anything else. */
export function whole(value: unknown): number | null {
  const parsed = number(value);
  return parsed === null || (parsed | 0) !== parsed ? null : parsed;
}

/** A count of tokens; null for what is no number. */
export function tokens(value: unknown): number | null {
  const parsed = number(value);
  return parsed === null ? null : countTokens(parsed);
}

/** So many tokens as GraphQL's Int can hold: none at least, and a part of one is one. */
export function countTokens(count: number): number {
  return Math.min(Math.max(Math.ceil(count), 0), 2 ** 31 - 1);
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The texts in a list; its other members are left out. */
export function texts(value: unknown): readonly string[] {
  return list(value).filter((item) => typeof item === 'string');
}
