import type { IncomingMessage, ServerResponse } from 'node:http';
import { apps, type App } from './apps.ts';
import { info, meta, parameters, site, version } from './app-routes.ts';
import {
  deleteConversation,
  listConversations,
  listVariables,
  renameConversation,
  setVariable,
} from './conversation-routes.ts';
import { methodNotAllowed, noSuchRoute, Refusal, unauthorized, unknownError } from './errors.ts';
import { askChat, askCompletion } from './ask-routes.ts';
import { uploadFile } from './file-routes.ts';
import { sendReply, sendText, type Call, type Reply } from './http.ts';
import { isUuid } from './ids.ts';
import { giveFeedback, listMessages, suggestQuestions } from './message-routes.ts';
import { listLogs, runDetail } from './run-routes.ts';
import { stopMessage, stopWorkflow } from './stop-routes.ts';
import { picture } from './speech.ts';
import { runWorkflow } from './workflow-routes.ts';
import type { World } from './world.ts';

type Handler = (world: World, call: Call) => Reply | Promise<Reply>;

interface Route {
  readonly method: string;
  /** Segments; `:name` is anything, `:name!` a UUID. */
  readonly path: readonly string[];
  readonly handler: Handler;
}

const route = (method: string, path: string, handler: Handler): Route => ({ method, path: path.split('/'), handler });

const routes: readonly Route[] = [
  route('GET', '/v1/info', info),
  route('GET', '/v1/parameters', parameters),
  route('GET', '/v1/meta', meta),
  route('GET', '/v1/site', site),
  route('POST', '/v1/chat-messages', askChat),
  route('POST', '/v1/chat-messages/:task/stop', stopMessage),
  route('POST', '/v1/completion-messages', askCompletion),
  route('POST', '/v1/completion-messages/:task/stop', stopMessage),
  route('POST', '/v1/workflows/run', runWorkflow),
  route('POST', '/v1/workflows/:workflow/run', runWorkflow),
  route('POST', '/v1/workflows/tasks/:task/stop', stopWorkflow),
  route('GET', '/v1/workflows/run/:run', runDetail),
  route('GET', '/v1/workflows/logs', listLogs),
  route('GET', '/v1/conversations', listConversations),
  route('DELETE', '/v1/conversations/:conversation!', deleteConversation),
  route('POST', '/v1/conversations/:conversation!/name', renameConversation),
  route('GET', '/v1/conversations/:conversation!/variables', listVariables),
  route('PUT', '/v1/conversations/:conversation!/variables/:variable!', setVariable),
  route('POST', '/v1/files/upload', uploadFile),
  route('GET', '/v1/messages', listMessages),
  route('POST', '/v1/messages/:message!/feedbacks', giveFeedback),
  route('GET', '/v1/messages/:message!/suggested', suggestQuestions),
];

/** A request with its body read. */
export interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
}

/** Answers one request: finds the route, checks the key, and turns what is thrown into Dify's errors. */
export async function answer(world: World, { request, response, url, body }: Incoming): Promise<void> {
  try {
    const { handler, params } = find(request.method ?? 'GET', url.pathname);
    const call: Omit<Call, 'app'> = {
      path: url.pathname,
      params,
      query: url.searchParams,
      headers: request.headers,
      body,
      response,
    };
    const app = handler === version || handler === toolFile ? apps[0] : appOf(request.headers.authorization);
    const reply = await handler(world, { ...call, app: app as App });
    if (reply !== 'taken') sendReply(response, reply);
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    const { status, body: text, headers } = error instanceof Refusal ? error : unknownError();
    sendText(response, status, text, headers);
  }
}

/** The app a key belongs to. */
export function appOf(authorization: string | undefined): App {
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

const toolFile: Handler = () => ({ bytes: picture, type: 'image/png' });

const openRoutes: readonly Route[] = [
  route('GET', '/v1/', version),
  route('GET', '/files/tools/:file', toolFile),
  route('GET', '/files/icons/:file', toolFile),
];

function find(method: string, pathname: string): { handler: Handler; params: Record<string, string> } {
  const segments = pathname.split('/');
  const matches = [...routes, ...openRoutes].flatMap((one) => {
    const params = match(one.path, segments);
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
    const value = decode(segment);
    if (value === '' || (expected.endsWith('!') && !isUuid(value))) return undefined;
    params[expected.replaceAll(/[:!]/g, '')] = value;
  }
  return params;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '';
  }
}
