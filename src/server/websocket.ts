import type { Server } from 'node:http';
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
import { Heartbeat, Pulse } from './heartbeat.ts';
import type { Origins } from './origins.ts';
import { formatted, withFormattedErrors } from './formatted-result.ts';
import { Outbox } from './outbox.ts';
import type { Peer } from './peers.ts';
import { ReadingRate, tooManyOperations, type SocketLimits } from './socket-limits.ts';
import type { Bounds } from './slow-bodies.ts';
import { SocketCredentials } from './socket-credentials.ts';
import { SocketOperations, UnderWay } from './socket-operations.ts';
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

/** What this door keeps for a connection. */
interface Extra {
  readonly peer: Peer;
  readonly outbox: Outbox;
  readonly credentials: SocketCredentials;
  readonly operations: SocketOperations;
  /** Whose operations they were: what gives back the connection that each of them has for it. */
  readonly users: { readonly whose: string; readonly leave: () => void }[];
}

/** `graphql-transport-ws` on `/graphql`. Nothing is thrown in its callbacks: that would close the socket on every operation of it. */
export function openWebSocketDoor(http: Server, parts: WebSocketParts): WebSocketDoor {
  const { yoga, identify, origins, toGraphQLError, logger, patience } = parts;
  const { maxRequestBytes, admission, documents, socketLimits, bounds } = parts;
  const { initMs = 10_000, pingMs = 12_000, catchUpMs = 1_000, stalledMs = STALLED_MS } = patience;
  const underWay = new UnderWay();
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: initMs,
    execute: (args) => enveloped(args).execute(args),
    subscribe: (args) => enveloped(args).subscribe(args),
    onConnect: ({ extra, connectionParams }) => extra.credentials.admit(connectionParams),
    onSubscribe: async (connection, id, payload) => {
      const { operations } = connection.extra;
      if (operations.size >= socketLimits.operations)
        return [toGraphQLError(tooManyOperations(socketLimits.operations))];
      const signal = operations.begin(id, () => id in connection.subscriptions);
      const prepared = await prepare(connection, id, payload, signal).catch((error: unknown) => [
        toGraphQLError(error),
      ]);
      // Completed meanwhile: nothing may follow, as another operation may have its id by now.
      if (signal.aborted) return new Promise<never>(() => {});
      // What does not begin is not told to have ended.
      if (Array.isArray(prepared)) operations.end(id);
      return prepared;
    },
    onError: ({ extra }, id, _, errors) => {
      extra.operations.end(id);
      return errors.map((error) => formatted(toGraphQLError(error)));
    },
    onNext: (...[, , , , result]) => (result.errors ? withFormattedErrors(result) : undefined),
    onComplete: ({ extra }, id) => extra.operations.end(id),
    onClose: ({ extra }) => {
      extra.credentials.close();
      extra.operations.endAll();
      for (const { leave } of extra.users) leave();
    },
  });

  async function prepare(
    { extra, connectionParams }: Context<Record<string, unknown>, Extra>,
    operation: string,
    payload: SubscribePayload,
    signal: AbortSignal,
  ) {
    const { peer, outbox } = extra;
    await admission.fromAddress(peer);
    const operationHeaders = payload.extensions?.['headers'] as Record<string, unknown> | undefined;
    const visit = visitOf(await extra.credentials.identity(connectionParams, operationHeaders), signal);
    await admission.fromUser(visit);
    const whose = userOf(visit);
    if (!signal.aborted && !extra.users.some((one) => one.whose === whose))
      extra.users.push({ whose, leave: admission.userEnters(visit) });
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
    // The rest of it is not kept: there may be thousands.
    const peer: Peer = { headers: request.headers, socket: request.socket };
    const outbox = new Outbox(socket, peer.socket);
    const credentials = new SocketCredentials(identify, peer, (code, reason) => socket.close(code, reason));
    const operations = new SocketOperations(underWay);
    const extra: Extra = { peer, outbox, credentials, operations, users: [] };
    const rate = new ReadingRate(socket, socketLimits.messagesPerSecond);
    const pulse = new Pulse(socket, peer.socket, () => operations.quietMs > idleMs);
    heartbeat.watch(pulse);
    socket.on('ping', (data) => {
      rate.count();
      pulse.ping(data);
    });
    socket.on('pong', (data) => {
      rate.count();
      pulse.pong(data);
    });
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (text) => outbox.send(text),
        close: (code, reason) => outbox.close(code, reason),
        onMessage: (take) => {
          socket.on('message', (data) => {
            rate.count();
            pulse.message();
            take((data as Buffer).toString()).catch((error: unknown) => {
              if (socket.readyState !== socket.OPEN) return;
              logger.error({ err: error }, 'a message could not be handled');
              outbox.close(4500, 'Internal server error');
            });
            operations.endUnwanted();
          });
        },
      },
      extra,
    );
    socket.once('close', (code, reason) => {
      heartbeat.forget(pulse);
      void closed(code, String(reason));
    });
  });

  return {
    get sockets() {
      return sockets.clients.size;
    },
    async close() {
      heartbeat[Symbol.dispose]();
      if (underWay.size > 0) await elapsed(catchUpMs, underWay.over());
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
