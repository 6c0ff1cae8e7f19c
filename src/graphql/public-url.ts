import { NOWHERE, withUrls } from '../runs/text-files.ts';

/** Names of query parameters that make a URL a key: who has it, gets in. */
const signatures = /^(sign|sig|signature|timestamp|nonce|token|key|expires|x-amz-.*|x-goog-.*)$/i;

/** A URL that anyone may have: https, and nothing in it that opens a door. Otherwise null. */
export function publicUrl(url: string | null): string | null {
  const parsed = url === null ? null : URL.parse(url);
  if (parsed?.protocol !== 'https:' || parsed.username !== '' || parsed.password !== '') return null;
  return [...parsed.searchParams.keys()].some((name) => signatures.test(name)) ? null : url;
}

/** A copy of a JSON value in which the URLs that Dify has signed are null; within longer texts they lead nowhere. */
export function withoutSignedUrls(value: unknown): unknown {
  if (typeof value === 'string') return isSigned(value) ? null : textWithoutSignedUrls(value);
  if (Array.isArray(value)) return value.map(withoutSignedUrls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSignedUrls(inner)]));
}

/** A text in which the URLs that Dify has signed lead nowhere. */
export function textWithoutSignedUrls<T extends string | null>(text: T): T {
  return withUrls(text, () => NOWHERE);
}

/** Relative ones, too: Dify does not always know its own address. */
function isSigned(text: string): boolean {
  if (/\s/.test(text) || !/[?&]sign=/.test(text)) return false;
  const { searchParams } = URL.parse(text, 'https://dify.invalid') ?? {};
  return searchParams?.has('sign') === true && searchParams.has('timestamp');
}
