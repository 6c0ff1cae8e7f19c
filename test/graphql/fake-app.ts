import type { ExecutionResult } from 'graphql-ws';
import { sendJson, serve, type Exchange, type FakeServer, type SeenRequest } from '../dify/fake-server.ts';
import { openGateway, type Data, type RigOptions } from '../rig.ts';

/** Answers by path, without the query: a body for 200, or what is done with the exchange. */
export type Routes = Readonly<Record<string, object | ((exchange: Exchange) => void)>>;

/** A gateway before one app, `assistant`, of a server that answers as a test says and 404 otherwise. */
export interface FakeApp extends AsyncDisposable {
  /** Of GraphQL. */
  readonly url: string;
  readonly server: FakeServer;
  readonly requests: readonly SeenRequest[];
  readonly logged: readonly string[];
  query(query: string, variables?: object, user?: string): Promise<ExecutionResult<Data, Record<string, unknown>>>;
}

export async function openFakeApp(routes: Routes, options: RigOptions = {}): Promise<FakeApp> {
  const logged: string[] = [];
  const server = await serve((exchange) => {
    const path = exchange.request.url.replace(/^\/v1|\?.*$/g, '');
    const route = routes[path];
    if (typeof route === 'function') route(exchange);
    else if (route === undefined) sendJson(exchange, 404, { code: 'not_found', message: 'Not found.', status: 404 });
    else sendJson(exchange, 200, route);
  });
  const app = {
    name: 'assistant',
    title: 'Assistant',
    description: 'A fake.',
    mode: 'chat',
    key: 'app-fake',
    versions: [],
  };
  const gateway = await openGateway({ url: server.baseUrl, apps: [app] }, options, logged);
  return {
    url: gateway.url,
    server,
    requests: server.requests,
    logged,
    async query(query, variables, user) {
      const headers = { 'content-type': 'application/json', ...(user === undefined ? {} : { 'x-user': user }) };
      const reply = await fetch(gateway.url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
      return (await reply.json()) as never;
    },
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await server[Symbol.asyncDispose]();
    },
  };
}
