import { GatewayError } from '../../errors.ts';
import { isUser } from '../viewer.ts';

/** What names of keys begin with, as users. */
export const KEY = 'key:';

/** The scopes that mean something here. */
const known: ReadonlySet<string> = new Set(['admin', 'impersonate']);

/** Of a text with spaces or commas in it, or of a list. */
export function wordsOf(value: unknown): readonly string[] {
  const words: readonly unknown[] =
    typeof value === 'string' ? value.split(/[\s,]+/) : Array.isArray(value) ? value : [];
  return words.filter((word) => typeof word === 'string' && word !== '') as string[];
}

export function scopesOf(value: unknown): readonly string[] {
  return wordsOf(value).filter((word) => known.has(word));
}

/** The user that somebody vouches for. Throws UNAUTHENTICATED if there is none of that name. */
export function userOf(name: unknown): string {
  if (typeof name === 'string' && isUser(name) && !name.startsWith(KEY)) return name;
  throw refused('The credentials name no user, or one that cannot be: 1 to 255 characters, not beginning with `key:`.');
}

export function refused(message: string, cause?: unknown): GatewayError {
  return new GatewayError('UNAUTHENTICATED', message, cause === undefined ? {} : { cause });
}
