import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { ErrorCode } from '../errors.ts';
import type { Origins } from './origins.ts';
import { refuse } from './routes.ts';

/** Answers what may not come in, and what browsers ask beforehand; false for what may go on. */
export type Gate = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Of every answer; what is meant for pages of others, or to be kept, says so itself. */
const everywhere: OutgoingHttpHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};

const exposed = 'content-disposition, content-range, accept-ranges, retry-after, www-authenticate';

/** How long a browser remembers that it may, in seconds. */
const REMEMBERED = 600;

/**
 * What stands before every HTTP request: the names this server goes by, the pages that may talk to it, and that none of them makes
 * a browser ask without asking first.
 */
export function makeGate(origins: Origins, showsPage: boolean): Gate {
  return (request, response) => {
    for (const [name, value] of Object.entries(everywhere)) response.setHeader(name, value!);
    response.setHeader('vary', 'origin');
    const { headers } = request;
    const say = (status: number, code: ErrorCode, message: string): true => {
      const told = request.url?.startsWith('/graphql')
        ? { errors: [{ message, extensions: { code } }] }
        : { code, message };
      refuse(request, response, status, told);
      return true;
    };
    if (!isHost(headers.host)) return say(400, 'BAD_USER_INPUT', 'The header `host` is no host');
    if (!origins.knowsHost(headers)) return say(403, 'FORBIDDEN', strangeHost);
    if (!origins.allows(headers)) return say(403, 'FORBIDDEN', strangeOrigin);
    if (allowOrigin(request, response, origins.any)) return true;
    const isOurs = headers['sec-fetch-site'] === 'same-origin' || (headers.origin !== undefined && !origins.any);
    return !isOurs && isUnasked(request, showsPage) && say(400, 'BAD_USER_INPUT', unasked);
  };
}

const strangeHost =
  'This server believes whoever reaches it, so it answers to names of this machine alone, such as localhost: set server.publicUrl to add one, or set up auth';
export const strangeOrigin = 'Pages of this origin may not use this server: server.cors lists those that may';
const unasked =
  'Any page could have made a browser send this: send JSON, or add a header such as `x-requested-with` or `apollo-require-preflight`';

/** Yoga makes a URL of it, outside of everything that turns errors into answers. */
function isHost(host: string | undefined): boolean {
  return host === undefined || URL.canParse(`http://${host}`);
}

/** Lets the page read the answer. True if this was only the question whether it may. */
function allowOrigin({ method, headers }: IncomingMessage, response: ServerResponse, any: boolean): boolean {
  const { origin } = headers;
  if (origin === undefined) return false;
  response.setHeader('access-control-allow-origin', any ? '*' : origin);
  if (!any) response.setHeader('access-control-allow-credentials', 'true');
  response.setHeader('access-control-expose-headers', exposed);
  const wanted = headers['access-control-request-method'];
  if (method !== 'OPTIONS' || wanted === undefined) return false;
  const names = headers['access-control-request-headers'];
  response.setHeader('access-control-allow-methods', wanted);
  if (names !== undefined) response.setHeader('access-control-allow-headers', names);
  response.writeHead(204, { 'access-control-max-age': String(REMEMBERED), 'content-length': 0 }).end();
  return true;
}

/** Bodies that forms and scripts of any page can send without asking. */
const simple = /^(|text\/plain|application\/x-www-form-urlencoded|multipart\/form-data)$/;

/** Headers for which a browser asks first. None that a proxy adds, which would add it to what pages made a browser send. */
const askedFor = [
  'x-requested-with',
  'apollo-require-preflight',
  'x-apollo-operation-name',
  'graphql-require-preflight',
  'x-file-name',
  'content-disposition',
];

/** Whether a browser would send it for any page, so that it says nothing of whoever sits before it. */
function isUnasked({ method, url = '', headers }: IncomingMessage, showsPage: boolean): boolean {
  const { pathname = '', search = '' } = URL.parse(url, 'http://localhost') ?? {};
  if (!/^\/(graphql|files)(\/|$)/.test(pathname)) return false;
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!simple.test(type)) return false;
  if (method !== 'POST') {
    // A link to GraphiQL shows a page, and runs nothing.
    const isPage = showsPage && headers.accept?.includes('text/html') === true;
    if (method !== 'GET' || !pathname.startsWith('/graphql') || search === '' || isPage) return false;
  }
  return !askedFor.some((name) => headers[name] !== undefined);
}
