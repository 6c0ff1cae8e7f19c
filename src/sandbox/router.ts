import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from './app.ts';
import { methodNotAllowed, noSuchRoute, Refusal, unauthorized, unknownError } from './errors.ts';
import { parsed, sendReply, sendText, type Body, type Call } from './http.ts';
import { isUuid } from './ids.ts';
import { decoded } from './percent-text.ts';
import { routes, type Route } from './routes.ts';
import { nobody } from './users.ts';
import type { World } from './world.ts';

/** A request with its body read. */
export interface Incoming extends Body {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

/** Answers one request: finds the route, checks the key, and turns what is thrown into Dify's errors. */
export async function answer(world: World, { request, response, url, body, form }: Incoming): Promise<void> {
  try {
    const { handler, open, params } = find(world, request.method ?? 'GET', url.pathname);
    const call: Omit<Call, 'app'> = {
      path: url.pathname,
      params,
      query: url.searchParams,
      headers: request.headers,
      body,
      form,
      response,
    };
    const app = open ? (world.apps[0] as App) : appOf(world.apps, request.headers.authorization);
    if (!open) world.users.see(app.name, userOf(call), world.now());
    const reply = await handler(world, { ...call, app });
    if (reply !== 'taken') sendReply(response, reply);
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    const { status, body: text, headers } = error instanceof Refusal ? error : unknownError();
    sendText(response, status, text, headers);
  }
}

/** The app a key belongs to. */
export function appOf(apps: readonly App[], authorization: string | undefined): App {
  if (authorization === undefined || !authorization.includes(' ')) {
    throw unauthorized("Authorization header must be provided and start with 'Bearer'");
  }
  const space = authorization.indexOf(' ');
  if (authorization.slice(0, space).toLowerCase() !== 'bearer')
    throw unauthorized("Authorization scheme must be 'Bearer'");
  const key = authorization.slice(space + 1).trim();
  const app = apps.find((one) => one.key === key);
  if (app === undefined) throw unauthorized('Access token is invalid');
  return app;
}

/** Whoever a request speaks for is known from then on. */
function userOf({ query, form, body }: Pick<Call, 'query' | 'form' | 'body'>): string {
  const fromBody = body.length === 0 ? undefined : (parsed(body.toString('utf8')) as { user?: unknown } | null)?.user;
  const user = query.get('user') ?? form?.fields.get('user') ?? fromBody;
  return typeof user === 'string' && user !== '' ? user : nobody;
}

function find(world: World, method: string, pathname: string): Route & { params: Record<string, string> } {
  const segments = pathname.split('/');
  const matches = routes.flatMap((one) => {
    const params = one.needs === undefined || world.features[one.needs] ? match(one.path, segments) : undefined;
    return params === undefined ? [] : [{ ...one, params }];
  });
  if (matches.length === 0) throw noSuchRoute();
  const found = matches.find((one) => one.method === method);
  if (found === undefined) throw methodNotAllowed(matches.map((one) => one.method));
  return found;
}

function match(path: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (path.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of path.entries()) {
    const segment = segments[index] ?? '';
    if (!expected.startsWith(':')) {
      if (expected !== segment) return undefined;
      continue;
    }
    const value = decoded(segment) ?? '';
    if (value === '' || (expected.endsWith('!') && !isUuid(value))) return undefined;
    params[expected.replaceAll(/[:!]/g, '')] = value;
  }
  return params;
}
