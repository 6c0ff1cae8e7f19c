import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLError } from 'graphql';
import { GatewayError, type ErrorCode } from '../errors.ts';
import type { Admission } from './admission.ts';
import { visitOf, type Identify, type Identity } from './viewer.ts';

/** One request to a route that is not GraphQL. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** What stands in the path. */
  readonly names: readonly (string | undefined)[];
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  /** The user it is from. Throws unless they may use the app. */
  readonly viewerFor: (app: string) => Promise<string>;
  /** Who it is from, whatever they may do; by their token in the address, too, if it is given. */
  readonly visitor: (token?: string | null) => Promise<Identity>;
}

export interface Route {
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly answer: (exchange: Exchange) => Promise<void>;
  /** Asking for it is not counted before it is answered: it is a probe, or counts by itself. */
  readonly free?: boolean;
}

export interface RouteParts {
  readonly identify: Identify;
  readonly admission: Admission;
  /** Turns any error into one that may leave the process. */
  readonly toGraphQLError: (error: unknown) => GraphQLError;
}

/** Answers what belongs to one of the routes; false for everything else. */
export function makeRoutes(
  routes: readonly Route[],
  { identify, admission, toGraphQLError }: RouteParts,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const url = URL.parse(request.url ?? '', 'http://localhost');
    const fitting = url ? routes.filter(({ path }) => path.test(url.pathname)) : [];
    if (!url || fitting.length === 0) return false;
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
      if (route.free !== true) await admission.fromAddress(request);
      const visitor = async (token?: string | null) => {
        const identity = await identify({
          header: (name) => request.headers[name]?.toString(),
          peer: request.socket.remoteAddress,
          token,
        });
        await admission.fromUser(visitOf(identity, gone.signal), response);
        return identity;
      };
      const viewerFor = async (app: string) => userFor(app, await visitor());
      const { signal } = gone;
      return route.answer({ request, response, query: url.searchParams, names, signal, viewerFor, visitor });
    };
    answer().catch((error: unknown) => {
      // What has begun can only be broken off, and nobody hears what is said to a client that is gone.
      if (response.headersSent || gone.signal.aborted) return response.destroy();
      const { message, extensions } = toGraphQLError(error);
      const { http: _, ...told } = extensions;
      const code = String(told['code']);
      if (typeof told['retryAfterMs'] === 'number')
        response.setHeader('retry-after', Math.ceil(told['retryAfterMs'] / 1_000));
      if (code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer');
      return refuse(request, response, statuses[code as ErrorCode] ?? 400, { ...told, code, message });
    });
    return true;
  };
}

function userFor(app: string, { id, apps = null, onlyRun = null }: Identity): string {
  if (onlyRun !== null) throw new GatewayError('FORBIDDEN', 'A run token shows its run, and nothing else.');
  if (apps?.includes(app) ?? true) return id;
  throw new GatewayError('APP_NOT_FOUND', `No app named “${app}” is served here.`);
}

/** HTTP's word for a code; 400 for all that are not here. */
const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  UNAUTHENTICATED: 401,
  AUTH_UNAVAILABLE: 503,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  RATE_LIMITED: 429,
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
export const HEAR_MS = 2_000;

/** Says no, and listens for a while to what still comes. */
export function refuse(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
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

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw new GatewayError('BAD_USER_INPUT', 'The path is not written as URLs are.');
  }
}
