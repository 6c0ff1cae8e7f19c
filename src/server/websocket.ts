import type { IncomingMessage, Server } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { ExecutionArgs, GraphQLError } from 'graphql';
import { handleProtocols, makeServer, type Context, type SubscribePayload } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { elapsed } from '../runs/wait.ts';
import { userOf, type Admission } from './admission.ts';
import type { DocumentRules } from './documents.ts';
import { STALLED_MS } from './event-streams.ts';
import { strangeOrigin } from './gate.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Origins } from './origins.ts';
import { formatted, withFormattedErrors } from './formatted-result.ts';
import { Outbox } from './outbox.ts';
import { readAtMost, tooManyOperations, type SocketLimits } from './socket-limits.ts';
import type { Bounds } from './slow-bodies.ts';
import { SocketCredentials } from './socket-credentials.ts';
import { visitOf, type Identify } from './viewer.ts';
import type { Yoga } from './yoga.ts';

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
  /** Browsers let every page open a socket to anywhere: it is for us to refuse. */
  readonly origins: Origins;
  readonly toGraphQLError: (error: unknown) => GraphQLError;
  readonly logger: Logger;
  /** The largest message a client may send, in bytes. */
  readonly maxRequestBytes: number;
  readonly admission: Admission;
  readonly documents: DocumentRules;
  readonly socketLimits: SocketLimits;
  readonly bounds: Bounds;
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
  readonly outbox: Outbox;
  readonly credentials: SocketCredentials;
  /** Those under way. */
  readonly operations: Map<string, Operation>;
  /** Whose operations they were: what gives back the connection that each of them has for it. */
  readonly users: Map<string, () => void>;
  /** When the last of them ended. */
  quietSince: number;
}

/** One for all: to make an error costs more than the rest of an operation's end. */
const HAS_LEFT = new DOMException('The client waits for this no more', 'AbortError');

/** `graphql-transport-ws` on `/graphql`. Nothing is thrown in its callbacks: that would close the socket on every operation of it. */
export function openWebSocketDoor(http: Server, parts: WebSocketParts): WebSocketDoor {
  const { yoga, identify, origins, toGraphQLError, logger, patience } = parts;
  const { maxRequestBytes, admission, documents, socketLimits, bounds } = parts;
  const { initMs = 10_000, pingMs = 12_000, catchUpMs = 1_000, stalledMs = STALLED_MS } = patience;
  /** The operations of all sockets; `idle` is called when the last of them has ended. */
  const underWay = new Set<AbortController>();
  let idle = (): void => {};
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: initMs,
    execute: (args) => enveloped(args).execute(args),
    subscribe: (args) => enveloped(args).subscribe(args),
    onConnect: ({ extra, connectionParams }) => extra.credentials.admit(connectionParams),
    onSubscribe: async (connection, id, payload) => {
      if (connection.extra.operations.size >= socketLimits.operations)
        return [toGraphQLError(tooManyOperations(socketLimits.operations))];
      const gone = new AbortController();
      connection.extra.operations.set(id, { gone, isWanted: () => id in connection.subscriptions });
      underWay.add(gone);
      const prepared = await prepare(connection, id, payload, gone.signal).catch((error: unknown) => [
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
      extra.credentials.close();
      for (const id of extra.operations.keys()) end(extra, id);
      for (const leave of extra.users.values()) leave();
    },
  });

  function end(extra: Extra, id: string): void {
    const { operations } = extra;
    const gone = operations.get(id)?.gone;
    if (!gone) return;
    extra.quietSince = performance.now();
    gone.abort(HAS_LEFT);
    operations.delete(id);
    underWay.delete(gone);
    if (underWay.size === 0) idle();
  }

  async function prepare(
    { extra, connectionParams }: Context<Record<string, unknown>, Extra>,
    operation: string,
    payload: SubscribePayload,
    signal: AbortSignal,
  ) {
    const { request, outbox } = extra;
    await admission.fromAddress(request);
    const operationHeaders = payload.extensions?.['headers'] as Record<string, unknown> | undefined;
    const visit = visitOf(await extra.credentials.identity(connectionParams, operationHeaders), signal);
    await admission.fromUser(visit);
    const whose = userOf(visit);
    if (!signal.aborted && !extra.users.has(whose)) extra.users.set(whose, admission.userEnters(visit));
    const before = `{"id":${JSON.stringify(operation)},"type":"next","payload":{"data":`;
    const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
      ...visit,
      params: payload,
      deliver: (data: string) => (signal.aborted ? undefined : outbox.send(`${before}${data}}}`)),
    });
    const document = parse(documents.persisted?.textOf(payload) ?? payload.query);
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

  const sockets = new WebSocketServer({
    server: http,
    path: '/graphql',
    maxPayload: maxRequestBytes,
    handleProtocols,
    verifyClient({ req }, answer) {
      const { headers, socket } = req;
      if (!origins.allows(headers) || !origins.knowsHost(headers)) return answer(false, 403, strangeOrigin);
      try {
        socket.once('close', admission.addressEnters(req));
        answer(true);
      } catch (error) {
        answer(false, 429, toGraphQLError(error).message, { 'retry-after': '5' });
      }
    },
  });
  const heartbeat = new Heartbeat({ pingMs, messageMs: bounds.bodyMs, stalledMs });
  const idleMs = socketLimits.idleMinutes * 60_000;
  sockets.on('connection', (socket, request) => {
    // `ws` closes the socket by itself, with the code that fits.
    socket.on('error', (error) => logger.debug({ err: error }, 'socket error'));
    const outbox = new Outbox(socket, request.socket);
    readAtMost(socket, socketLimits.messagesPerSecond);
    const credentials = new SocketCredentials(identify, request, (code, reason) => socket.close(code, reason));
    const extra: Extra = {
      request,
      outbox,
      credentials,
      operations: new Map(),
      users: new Map(),
      quietSince: performance.now(),
    };
    heartbeat.watch(
      socket,
      request.socket,
      () => extra.operations.size === 0 && performance.now() - extra.quietSince > idleMs,
    );
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (text) => outbox.send(text),
        close: (code, reason) => outbox.close(code, reason),
        onMessage: (take) => {
          socket.on('message', (data) => {
            take((data as Buffer).toString()).catch((error: unknown) => {
              if (socket.readyState !== socket.OPEN) return;
              logger.error({ err: error }, 'a message could not be handled');
              outbox.close(4500, 'Internal server error');
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

  return {
    get sockets() {
      return sockets.clients.size;
    },
    async close() {
      heartbeat[Symbol.dispose]();
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

type Enveloped = Pick<ReturnType<Yoga['getEnveloped']>, 'execute' | 'subscribe'>;

/** The pipeline's own execute and subscribe travel as the root value, which no resolver here reads. */
function enveloped(args: ExecutionArgs): Enveloped {
  return args.rootValue as Enveloped;
}
