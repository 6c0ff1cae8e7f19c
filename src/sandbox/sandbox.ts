import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Annotations } from './annotations.ts';
import type { App, SandboxApp } from './app.ts';
import { appsOf } from './apps.ts';
import { systemClock, type Clock } from './clock.ts';
import { Conversations } from './conversations.ts';
import { Forms } from './forms.ts';
import { parsed, readBody, refuseBody, type Body } from './http.ts';
import { answer, appOf } from './router.ts';
import { Runs } from './runs.ts';
import { Scripts, type ScriptedReply } from './script.ts';
import { endOf } from './stream-writer.ts';
import { Uploads } from './uploads.ts';
import { Users } from './users.ts';
import { featuresOf } from './versions.ts';
import type { World } from './world.ts';

export type { SandboxApp } from './app.ts';
export { defaultShowcaseVersion } from './versions.ts';
export type { ScriptedReply, ScriptStep } from './script.ts';

/** How a sandbox behaves. Everything has a default. */
export interface SandboxOptions {
  /** Port on 127.0.0.1; 0, the default, takes any free one. */
  readonly port?: number;
  /** 1, the default: as a model writes, about 25 pieces a second. 0: as fast as it can. Other numbers stretch the waits. */
  readonly pace?: number;
  /** Default 10,000 ms, as Dify: a ping after each full interval, never before the first. */
  readonly pingMs?: number;
  /** Default 300,000 ms, as Dify from 1.13 on: how long a graph's stream stays open when nothing more is said. */
  readonly relayIdleMs?: number;
  /** Default 36 h, as Dify: how long a form waits for a person. */
  readonly formTimeoutMs?: number;
  /** Default 2,000 ms: idle keep-alive connections are closed after so long, without a warning. */
  readonly idleCloseMs?: number;
  /** Folder with recorded streams (`chat/01-stream.sse` and `.meta.json`), for `!replay`. */
  readonly recordings?: string;
  /** Default `1.12.1`: whose wire is imitated. Later versions relay graphs, know more events, and have more apps. */
  readonly version?: string;
  /** Told of every request once its body is there. */
  readonly onRequest?: (request: SandboxRequest) => void;
  /** Default the system's, in microseconds. */
  readonly clock?: Clock;
}

/** A request, as a test sees it. */
export interface SandboxRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The JSON that came, the fields of a form (of files their names, types and sizes), else the text; undefined without a body. */
  readonly body: unknown;
  /** The app whose key it carries. */
  readonly app: string | null;
  /** Which TCP connection it came on, counted from 1. */
  readonly connection: number;
  /** Resolves when the reply has ended, or the peer has gone. */
  readonly done: Promise<'ended' | 'gone'>;
}

/** A stand-in Dify that listens. */
export interface Sandbox extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/v1` */
  readonly url: string;
  readonly apps: readonly SandboxApp[];
  /** Answers the next generating request to `app` with exactly this. Scripts queue: one for each request. */
  script(app: string, reply: ScriptedReply): void;
  /** Replies to generating requests that are under way. */
  readonly open: number;
  close(): Promise<void>;
}

const generating = /^\/v1\/(chat-messages|completion-messages|workflows\/(run|[^/]+\/run))$/;

/** Opens a stand-in Dify on 127.0.0.1. What is said to it lives until it is closed. */
export async function openSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, pace = 1, pingMs = 10_000, idleCloseMs = 2_000, version = '1.12.1', clock = systemClock } = options;
  const { relayIdleMs = 300_000, formTimeoutMs = 36 * 3_600_000, recordings } = options;
  const closing = new AbortController();
  const connections = new WeakMap<Socket, number>();
  const open = new Set<ServerResponse>();
  let connected = 0;

  const server = createServer({ keepAliveTimeout: idleCloseMs, noDelay: true }, (request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  // Node grants idle connections a second more than it says; Dify's server does not.
  server.keepAliveTimeoutBuffer = 0;
  server.on('connection', (socket: Socket) => connections.set(socket, (connected += 1)));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const features = featuresOf(version);
  const scripts = new Scripts();
  const world: World = {
    settings: { pace, pingMs, relayIdleMs, formTimeoutMs, version, recordings },
    features,
    apps: appsOf(features),
    now: clock,
    origin,
    conversations: new Conversations(clock),
    runs: new Runs(),
    uploads: new Uploads(),
    users: new Users(),
    annotations: new Annotations(),
    forms: new Forms(),
    scripts,
    turns: new Map(),
    closing: closing.signal,
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin);
    response.setHeader('X-Version', version);
    response.setHeader('X-Env', 'PRODUCTION');
    // Set by hand, because Node's own comes with a `Keep-Alive: timeout` that would warn pools of stale connections.
    if (request.headers.connection?.toLowerCase() !== 'close') response.setHeader('Connection', 'keep-alive');
    const done = endOf(response);
    const read = await readBody(request);
    if (read === undefined) return refuseBody(response);
    options.onRequest?.({
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: shown(read),
      app: keyed(world.apps, request.headers.authorization)?.name ?? null,
      connection: connections.get(request.socket) ?? 0,
      done,
    });
    if (request.method === 'POST' && generating.test(url.pathname)) {
      open.add(response);
      void done.then(() => open.delete(response));
    }
    await answer(world, { request, response, url, ...read });
  }

  async function close(): Promise<void> {
    if (closing.signal.aborted) return;
    closing.abort();
    for (const turn of world.turns.values()) turn.stop();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  return {
    url: `${origin}/v1`,
    apps: world.apps.map(({ name, title, description, mode, key, versions }) => ({
      name,
      title,
      description,
      mode,
      key,
      versions,
    })),
    script: (app, reply) => scripts.add(app, reply),
    get open() {
      return open.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A body as tests see it. */
function shown({ body, form }: Body): unknown {
  if (form !== undefined) {
    const files = form.files.map(({ field, name, type, size }) => [field, { name, type, size }] as const);
    return Object.fromEntries<unknown>([...form.fields, ...files]);
  }
  const text = body.toString('utf8');
  return text === '' ? undefined : (parsed(text) ?? text);
}

function keyed(apps: readonly App[], authorization: string | undefined): App | undefined {
  try {
    return appOf(apps, authorization);
  } catch {
    return undefined;
  }
}
