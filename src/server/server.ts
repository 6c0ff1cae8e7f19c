import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { EventStreams } from './event-streams.ts';
import { makeGate } from './gate.ts';
import { listen } from './listen.ts';
import { makeRoutes, refuse, type Route } from './routes.ts';
import { runEventsRoute } from './run-events.ts';
import { cutSlowBody } from './slow-bodies.ts';
import { openWebSocketDoor, type WebSocketParts } from './websocket.ts';
import { makeYoga, type YogaParts } from './yoga.ts';

export interface ServerParts extends YogaParts, Omit<WebSocketParts, 'yoga'> {
  /** What is answered besides GraphQL. */
  readonly routes: readonly Route[];
}

export interface RunningServer {
  /** Of GraphQL, e.g. http://127.0.0.1:8000/graphql */
  readonly url: string;
  /** WebSockets now open. */
  readonly sockets: number;
  /** Takes no more connections; those that are open stay. */
  refuse(): void;
  /** Sends the clients of WebSockets to another server: 1012. */
  closeSockets(): Promise<void>;
  /** Closes what is open: sockets with 1012, event streams without a word, requests after they had a second to end. */
  close(): Promise<void>;
}

/** How long a request may take to arrive, in ms: a large file over a slow line. */
const UPLOAD_MS = 3_600_000;

/** Listens on one port for HTTP, SSE and WebSocket alike. */
export async function openServer(parts: ServerParts, host: string, port: number): Promise<RunningServer> {
  const { catchUpMs = 1_000, stalledMs } = parts.patience;
  const streams = new EventStreams(stalledMs);
  const yoga = makeYoga(parts, streams);
  const routed = makeRoutes([...parts.routes, runEventsRoute(yoga, streams, parts.admission)], parts);
  const gate = makeGate(parts.origins, parts.graphiql !== null);
  const { connections, headersMs, bodyMs } = parts.bounds;
  const options = {
    requestTimeout: UPLOAD_MS,
    headersTimeout: headersMs,
    connectionsCheckingInterval: Math.min(headersMs, 5_000),
    maxHeaderSize: 16_384,
    highWaterMark: 16_384,
  };
  async function graphql(request: IncomingMessage, response: ServerResponse): Promise<void> {
    streams.watch(response);
    // GraphiQL is large, and asks Dify for its examples: to look at it counts, too.
    const isPage = request.method === 'GET' && request.headers.accept?.includes('text/html') === true;
    try {
      if (isPage) await parts.admission.fromAddress(request);
    } catch (error) {
      const { message, extensions } = parts.toGraphQLError(error);
      return refuse(request, response, 429, { errors: [{ message, extensions: { code: extensions['code'] } }] });
    }
    await yoga(request, response);
  }
  const unanswered = new Set<ServerResponse>();
  const http = createServer(options, (request, response) => {
    cutSlowBody(request, bodyMs);
    unanswered.add(response);
    response.once('close', () => unanswered.delete(response));
    if (!http.listening) connectElsewhere(response);
    if (!gate(request, response) && !routed(request, response)) void graphql(request, response);
  });
  http.maxConnections = connections;
  const origin = await listen(http, host, port);
  // Not before: it would make the failure to listen an error of its own, which nobody catches.
  const door = openWebSocketDoor(http, { ...parts, yoga });
  const closed = new Promise<void>((resolve) => http.once('close', () => resolve()));
  let closingSockets: Promise<void> | undefined;
  const closeSockets = () => (closingSockets ??= door.close());
  return {
    url: `${origin}/graphql`,
    get sockets() {
      return door.sockets;
    },
    refuse() {
      http.close();
      http.closeIdleConnections();
      unanswered.forEach(connectElsewhere);
    },
    closeSockets,
    async close() {
      await closeSockets();
      await streams.close(catchUpMs);
      http.close();
      http.closeIdleConnections();
      const fuse = setTimeout(() => http.closeAllConnections(), 1_000);
      await closed;
      clearTimeout(fuse);
    },
  };
}

/** After this answer: a client that keeps its connection would ask a server that is about to end. */
function connectElsewhere(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}
