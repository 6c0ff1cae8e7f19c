import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import { handleProtocols, makeServer, type Context, type SubscribePayload } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import { elapsed } from '../runs/wait.ts';
import { STALLED_MS } from './event-streams.ts';
import { formatted, withFormattedErrors } from './formatted-result.ts';
import type { Identify } from './viewer.ts';
import type { Visit, Yoga } from './yoga.ts';

/** How long a silent client is waited for, in ms. */
export interface Patience {
  /** For `connection_init`. Default 10,000. */
  readonly initMs?: number;
  /** For a pong, and from it to the next ping. Default 12,000. */
  readonly pingMs?: number;
  /** For it to read what has been said, when the server closes. Default 1,000. */
  readonly catchUpMs?: number;
  /** For it to read anything of what waits for it. Default 60,000. */
  readonly stalledMs?: number;
}

export interface WebSocketParts {
  readonly yoga: Yoga;
  readonly identify: Identify;
  readonly toGraphQLError: (error: unknown) => GraphQLError;
  readonly logger: Logger;
  /** The largest message a client may send, in bytes. */
  readonly maxRequestBytes: number;
  readonly patience: Patience;
}

export interface WebSocketDoor {
  /** Sockets now open. */
  readonly sockets: number;
  /** Lets operations end that can, then sends every client to another server: 1012, after which they connect again. */
  close(): Promise<void>;
}

interface Operation {
  /** Aborted when its client is gone. */
  readonly gone: AbortController;
  /** False once its client has completed it. */
  readonly isWanted: () => boolean;
}

/** What this door keeps for a connection. */
interface Extra {
  readonly request: IncomingMessage;
  /** Those under way. */
  readonly operations: Map<string, Operation>;
}

/** How much may wait in a socket before each of its readers waits for it, in bytes: more is at most one event of each. */
const MOST_BUFFERED = 65_536;

/** `graphql-transport-ws` on `/graphql`. Nothing is thrown in its callbacks: that would close the socket on every operation of it. */
export function openWebSocketDoor(
  http: Server,
  { yoga, identify, toGraphQLError, logger, maxRequestBytes, patience }: WebSocketParts,
): WebSocketDoor {
  const { initMs = 10_000, pingMs = 12_000, catchUpMs = 1_000, stalledMs = STALLED_MS } = patience;
  /** The operations of all sockets; `idle` is called when the last of them has ended. */
  const underWay = new Set<AbortController>();
  let idle = (): void => {};
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: initMs,
    execute: (args) => enveloped(args).execute(args),
    subscribe: (args) => enveloped(args).subscribe(args),
    onSubscribe: async (connection, id, payload) => {
      const gone = new AbortController();
      connection.extra.operations.set(id, { gone, isWanted: () => id in connection.subscriptions });
      underWay.add(gone);
      const prepared = await prepare(connection, payload, gone.signal).catch((error: unknown) => [
        toGraphQLError(error),
      ]);
      // What does not begin is not told to have ended.
      if (Array.isArray(prepared)) end(connection.extra, id);
      return prepared;
    },
    onError: ({ extra }, id, _, errors) => {
      end(extra, id);
      return errors.map((error) => formatted(toGraphQLError(error)));
    },
    onNext: (...[, , , , result]) => (result.errors ? withFormattedErrors(result) : undefined),
    onComplete: ({ extra }, id) => end(extra, id),
    onClose: ({ extra }) => {
      for (const id of extra.operations.keys()) end(extra, id);
    },
  });

  function end({ operations }: Extra, id: string): void {
    const gone = operations.get(id)?.gone;
    if (!gone) return;
    gone.abort();
    operations.delete(id);
    underWay.delete(gone);
    if (underWay.size === 0) idle();
  }

  async function prepare(
    { extra, connectionParams }: Context<Record<string, unknown>, Extra>,
    payload: SubscribePayload,
    signal: AbortSignal,
  ) {
    const { request } = extra;
    const operationHeaders = payload.extensions?.['headers'] as Record<string, unknown> | undefined;
    const { id, scopes } = await identify({
      header: (name) => request.headers[name]?.toString(),
      connectionParams,
      operationHeaders,
    });
    const visit: Visit = { viewer: id, scopes, signal };
    const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped(visit);
    const document = parse(payload.query);
    const errors = validate(schema, document);
    if (errors.length > 0) return errors as readonly GraphQLError[];
    const { operationName, variables: variableValues } = payload;
    return {
      schema,
      document,
      operationName,
      variableValues,
      contextValue: await contextFactory(),
      rootValue: { execute, subscribe },
    };
  }

  const sockets = new WebSocketServer({ server: http, path: '/graphql', maxPayload: maxRequestBytes, handleProtocols });
  /** When a ping left that is not answered; Infinity while it waits behind other things. */
  const pinged = new WeakMap<WebSocket, number>();
  sockets.on('connection', (socket, request) => {
    // `ws` closes the socket by itself, with the code that fits.
    socket.on('error', (error) => logger.debug({ err: error }, 'socket error'));
    socket.on('pong', () => pinged.delete(socket));
    request.socket.setTimeout(stalledMs, () => socket.terminate());
    const gather = gathering(request.socket);
    const extra: Extra = { request, operations: new Map() };
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (data) => {
          gather();
          return send(socket, data);
        },
        close: (code, reason) => socket.close(code, reason),
        onMessage: (take) => {
          socket.on('message', (data) => {
            take((data as Buffer).toString()).catch((error: unknown) => {
              if (socket.readyState !== socket.OPEN) return;
              logger.error({ err: error }, 'a message could not be handled');
              socket.close(4500, 'Internal server error');
            });
            // graphql-ws tells of a `complete` only once the operation has noticed: what waits for an answer would wait on.
            for (const [id, { isWanted }] of extra.operations) if (!isWanted()) end(extra, id);
          });
        },
      },
      extra,
    );
    socket.once('close', (code, reason) => void closed(code, String(reason)));
  });

  const pinger = setInterval(() => {
    for (const socket of sockets.clients) {
      const since = pinged.get(socket);
      if (since === undefined) {
        pinged.set(socket, Infinity);
        socket.ping(undefined, undefined, () => pinged.set(socket, performance.now()));
      } else if (performance.now() - since > pingMs / 2) socket.terminate();
    }
  }, pingMs);

  return {
    get sockets() {
      return sockets.clients.size;
    },
    async close() {
      clearInterval(pinger);
      if (underWay.size > 0) await elapsed(catchUpMs, new Promise<void>((resolve) => (idle = resolve)));
      // The last frames leave in this turn.
      await setImmediate();
      for (const socket of sockets.clients) socket.close(1012, 'Service restart');
      const closed = new Promise<void>((resolve) => sockets.close(() => resolve()));
      const fuse = setTimeout(() => sockets.clients.forEach((socket) => socket.terminate()), 1_000);
      await closed;
      clearTimeout(fuse);
    },
  };
}

/** Does not wait for the socket unless it is behind: then the reader waits, and catches up in larger steps. */
function send(socket: WebSocket, text: string): Promise<void> | void {
  if (socket.readyState !== socket.OPEN) return;
  // A long text that has to wait takes three times its size in Node, its bytes do not.
  const data = text.length > 4_096 ? Buffer.from(text) : text;
  if (socket.bufferedAmount + text.length < MOST_BUFFERED) return socket.send(data, { binary: false });
  return new Promise((resolve) => socket.send(data, { binary: false }, () => resolve()));
}

/** What is sent in one turn of the event loop leaves in one system call: a read from Dify often makes several events. */
function gathering(tcp: Socket): () => void {
  let corked = false;
  return () => {
    if (corked) return;
    corked = true;
    tcp.cork();
    process.nextTick(() => {
      corked = false;
      tcp.uncork();
    });
  };
}

type Enveloped = Pick<ReturnType<Yoga['getEnveloped']>, 'execute' | 'subscribe'>;

/** The pipeline's own execute and subscribe travel as the root value, which no resolver here reads. */
function enveloped(args: ExecutionArgs): Enveloped {
  return args.rootValue as Enveloped;
}
