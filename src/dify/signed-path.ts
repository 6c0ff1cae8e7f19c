/** The routes of Dify's files that need no key but a signature. */
const routes = /^(\/[\w.~-]+)*\/files\/(tools\/[0-9a-f-]{36}(\.\w{1,16})?|[0-9a-f-]{36}\/(file|image)-preview)$/i;

/**
 * Path and query of an address that Dify has signed (§7.4), null for any other. Its host is left out: it may be missing, be
 * known inside Dify's network only, or be anybody's; the signature does not cover it.
 */
export function signedPath(address: string | null): string | null {
  const url = address === null ? null : URL.parse(address, 'http://dify.invalid');
  if (!url || !/^https?:$/.test(url.protocol) || !routes.test(url.pathname)) return null;
  const signed = ['timestamp', 'nonce', 'sign'].every((name) => url.searchParams.has(name));
  return signed ? url.pathname + url.search : null;
}
