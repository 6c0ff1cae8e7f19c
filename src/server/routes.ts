import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import { GatewayError, type ErrorCode } from '../errors.ts';
import type { Identify, Identity } from './viewer.ts';

/** One request to a route that is not GraphQL. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** What stands in the path. */
  readonly names: readonly (string | undefined)[];
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  /** Who it is from. */
  readonly viewer: () => Promise<string>;
  /** The same, with what they may do besides. */
  readonly visitor: () => Promise<Identity>;
}

export interface Route {
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly answer: (exchange: Exchange) => Promise<void>;
}

export interface RouteParts {
  readonly identify: Identify;
  /** Turns any error into one that may leave the process. */
  readonly toGraphQLError: (error: unknown) => GraphQLError;
}

/** Answers what belongs to one of the routes; false for everything else. */
export function makeRoutes(
  routes: readonly Route[],
  { identify, toGraphQLError }: RouteParts,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const url = URL.parse(request.url ?? '', 'http://localhost');
    const fitting = url ? routes.filter(({ path }) => path.test(url.pathname)) : [];
    if (!url || fitting.length === 0) return false;
    allowOrigin(request, response);
    const methods = fitting.flatMap((one) => one.methods);
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { allow: methods.join(', '), 'content-length': 0 }).end();
      return true;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort(new Error('The client is gone')));
    const route = fitting.find((one) => one.methods.includes(request.method ?? ''));
    const answer = async () => {
      if (!route) {
        response.setHeader('allow', methods.join(', '));
        return refuse(request, response, 405, { code: 'BAD_USER_INPUT', message: `Use ${methods.join(' or ')} here.` });
      }
      const names =
        route.path
          .exec(url.pathname)
          ?.slice(1)
          .map((name: string | undefined) => name && decoded(name)) ?? [];
      const visitor = async () => identify({ header: (name) => request.headers[name]?.toString() });
      const viewer = async () => (await visitor()).id;
      return route.answer({ request, response, query: url.searchParams, names, signal: gone.signal, viewer, visitor });
    };
    answer().catch((error: unknown) => {
      // What has begun can only be broken off, and nobody hears what is said to a client that is gone.
      if (response.headersSent || gone.signal.aborted) return response.destroy();
      const { message, extensions } = toGraphQLError(error);
      const { http: _, ...told } = extensions;
      const code = String(told['code']);
      if (typeof told['retryAfterMs'] === 'number')
        response.setHeader('retry-after', Math.ceil(told['retryAfterMs'] / 1_000));
      return refuse(request, response, statuses[code as ErrorCode] ?? 400, { ...told, code, message });
    });
    return true;
  };
}

/** HTTP's word for a code; 400 for all that are not here. */
const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  APP_NOT_FOUND: 404,
  FILE_TOO_LARGE: 413,
  UNSUPPORTED_FILE_TYPE: 415,
  DRAINING: 503,
  STORE_UNAVAILABLE: 503,
  UPSTREAM_RATE_LIMITED: 429,
  UPSTREAM_UNREACHABLE: 502,
  UPSTREAM_TIMEOUT: 504,
  UPSTREAM_UNAUTHORIZED: 502,
  UPSTREAM_QUOTA_EXCEEDED: 502,
  UPSTREAM_MISCONFIGURED: 502,
  UPSTREAM_REJECTED: 422,
  UPSTREAM_ERROR: 502,
  UPSTREAM_PROTOCOL: 502,
  STREAM_INTERRUPTED: 502,
  INTERNAL: 500,
};

/** How long a client that is refused may go on sending before it is cut off, in ms: cut off at once, it would not hear why. */
const HEAR_MS = 2_000;

function refuse(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(request.complete ? {} : { connection: 'close' }),
  });
  if (request.complete || request.method === 'HEAD') return void response.end(text);
  response.write(text);
  const end = () => {
    clearTimeout(fuse);
    response.end();
  };
  const fuse = setTimeout(end, HEAR_MS);
  request.on('error', end).once('close', end).once('end', end);
  request.unpipe();
  request.resume();
}

/** Pages from anywhere may ask, as they may ask GraphQL: who they are is told by a header or a ticket, never by a cookie. */
function allowOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
  const { origin } = headers;
  response.setHeader('vary', 'origin');
  if (origin === undefined) return;
  const asked = (name: string) => headers[`access-control-request-${name}`]?.toString();
  const [method, names] = [asked('method'), asked('headers')];
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', 'content-disposition, content-range, accept-ranges, retry-after');
  if (method !== undefined) response.setHeader('access-control-allow-methods', method);
  if (names !== undefined) response.setHeader('access-control-allow-headers', names);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new GatewayError('BAD_USER_INPUT', 'The path is not written as URLs are.');
  }
}
