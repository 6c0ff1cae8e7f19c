/** The routes of Dify's files that need no key but a signature, at the end of a path. */
export const fileRoute =
  /\/files\/(?:tools\/(?<tool>[0-9a-f-]{36})(?<extension>\.\w{1,16})?|(?<upload>[0-9a-f-]{36})\/(?:file|image)-preview)$/i;
const folders = /^(?:\/[\w.~-]+)*$/;

/**
 * Path and query of an address that Dify has signed (§7.4), null for any other. Its host is left out: it may be missing, be
 * known inside Dify's network only, or be anybody's; the signature does not cover it. So may what comes before `/files/`: `base`
 * stands in its place, where it is given.
 */
export function signedPath(address: string | null, base: string | null = null): string | null {
  const url = address === null ? null : URL.parse(address, 'http://dify.invalid');
  const route = fileRoute.exec(url?.pathname ?? '');
  const before = url?.pathname.slice(0, route?.index);
  if (!url || !route || before === undefined || !/^https?:$/.test(url.protocol) || !folders.test(before)) return null;
  const signed = ['timestamp', 'nonce', 'sign'].every((name) => url.searchParams.has(name));
  return signed ? (base ?? before) + url.pathname.slice(before.length) + url.search : null;
}
