import { pino } from 'pino';
import { createClient, type Client, type ClientOptions, type ExecutionResult } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Config } from '../src/config.ts';
import { defaults } from '../src/config/shape.ts';
import { createGateway, type Gateway, type GatewayOptions } from '../src/gateway.ts';
import type { LineLimits } from '../src/runs/lines.ts';
import { openSandbox, type Sandbox, type SandboxOptions, type SandboxRequest } from '../src/sandbox/sandbox.ts';

export interface RigOptions {
  readonly sandbox?: SandboxOptions;
  readonly port?: number;
  readonly timeouts?: Partial<Config['apps'][number]['timeouts']>;
  readonly runs?: Partial<Config['runs']>;
  readonly drainMs?: number;
  readonly metricsPort?: number;
  readonly publicUrl?: string;
  readonly cors?: readonly string[];
  readonly logContent?: boolean;
  readonly secret?: string;
  readonly auth?: Partial<Config['auth']>;
  readonly graphiql?: boolean;
  /** Default `admin`. */
  readonly admins?: readonly string[];
  readonly identify?: GatewayOptions['identify'];
  readonly waits?: GatewayOptions['waits'];
  readonly nodeData?: boolean;
  readonly filesUrl?: string;
  readonly checkInputs?: boolean;
  /** Of every app. */
  readonly limits?: LineLimits;
  readonly patience?: GatewayOptions['patience'];
  /** Of what is asked and how often: of the latter there are none but these. */
  readonly bounds?: Partial<Config['limits']>;
  /** Of a Redis that the gateway keeps its runs in, with a prefix of its own. */
  readonly redis?: Pick<NonNullable<Config['redis']>, 'url'> & Partial<Config['redis']>;
}

/** What an operation returned: a test knows what it selected. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Data = Record<string, any>;

/** A sandbox that answers as fast as it can, and a gateway in front of it: real sockets all the way. */
export interface Rig extends AsyncDisposable {
  readonly url: string;
  readonly wsUrl: string;
  readonly sandbox: Sandbox;
  readonly gateway: Gateway;
  /** What the gateway asked of the sandbox, in order. */
  readonly requests: SandboxRequest[];
  /** Everything the gateway logged, one JSON text a line. */
  readonly logged: string[];
  /** One operation over HTTP. */
  query<T = Data>(
    query: string,
    variables?: object,
    user?: string,
  ): Promise<ExecutionResult<T, Record<string, unknown>>>;
  /** All results of one operation over a WebSocket of its own. */
  collect<T = Data>(
    query: string,
    variables?: Record<string, unknown>,
    user?: string,
  ): Promise<ExecutionResult<T, Record<string, unknown>>[]>;
  client(options?: Partial<ClientOptions>): Client;
  /** Questions that reached the sandbox. */
  generations(): SandboxRequest[];
}

/** As without a configuration, but nobody is counted: a test may ask as often as it likes. */
export const unlimited: Config['limits'] = {
  ...defaults.limits,
  persistedOperations: undefined,
  user: { operationsPerMinute: 0, runsPerMinute: 0, runsAtOnce: 0, connections: 0 },
  address: { operationsPerMinute: 0, connections: 0 },
};

const timeouts = { connectMs: 2_000, headersMs: 10_000, idleMs: 10_000, runMs: 60_000 };

/** In front of a sandbox, or something else that speaks like Dify. */
export async function openGateway(
  sandbox: Pick<Sandbox, 'apps' | 'url'>,
  options: RigOptions = {},
  logged: string[] = [],
): Promise<Gateway> {
  const config: Config = {
    server: {
      host: '127.0.0.1',
      port: options.port ?? 0,
      graphiql: options.graphiql ?? false,
      logLevel: 'debug',
      drainMs: options.drainMs ?? 0,
      admins: options.admins ?? ['admin'],
      publicUrl: options.publicUrl,
      cors: options.cors ?? [],
      logContent: options.logContent ?? false,
      secret: options.secret,
      maxUploadMegabytes: 25,
      fileUrlMinutes: 60,
      metricsPort: options.metricsPort,
    },
    auth: { jwt: [], apiKeys: [], proxy: undefined, allowAnonymous: false, ...options.auth },
    apps: sandbox.apps.map(({ name, description, key }) => ({
      name,
      description,
      key,
      baseUrl: sandbox.url,
      filesUrl: options.filesUrl,
      nodeData: options.nodeData ?? false,
      checkInputs: options.checkInputs ?? true,
      maxRuns: options.limits?.maxRuns ?? 0,
      maxQueued: options.limits?.maxQueued ?? 100,
      queueMs: options.limits?.queueMs ?? 60_000,
      maxReads: 0,
      timeouts: { ...timeouts, ...options.timeouts },
    })),
    defaultApp: 'assistant',
    runs: { keepMinutes: 60, keepMegabytes: 256, keepCount: 10_000, abandonMs: 15_000, ...options.runs },
    limits: { ...unlimited, ...options.bounds },
    redis: options.redis && { prefix: 'test:', durability: 'relaxed', leaseMs: 1_000, ...options.redis },
    sandbox: { pace: 0, port: 0, recordings: undefined, version: undefined },
    file: undefined,
  };
  return createGateway(config, {
    logger: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
    ...(options.identify ? { identify: options.identify } : {}),
    // What a script plays is in no records: it is looked for in vain.
    waits: { settleMs: 300, ...options.waits },
    ...(options.patience ? { patience: options.patience } : {}),
    // The suites hold without it, too: `npm run test:ordinary`.
    fastDelivery: process.env['FAST_DELIVERY'] !== 'off',
  });
}

export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const requests: SandboxRequest[] = [];
  const logged: string[] = [];
  const sandbox = await openSandbox({
    pace: 0,
    ...options.sandbox,
    onRequest: (request) => {
      requests.push(request);
      options.sandbox?.onRequest?.(request);
    },
  });
  const gateway = await openGateway(sandbox, options, logged);
  const wsUrl = gateway.url.replace('http', 'ws');
  const client = (own: Partial<ClientOptions> = {}): Client =>
    createClient({ url: wsUrl, webSocketImpl: WebSocket, ...own });
  return {
    url: gateway.url,
    wsUrl,
    sandbox,
    gateway,
    requests,
    logged,
    client,
    async query(query, variables, user) {
      const headers = { 'content-type': 'application/json', ...(user === undefined ? {} : { 'x-user': user }) };
      const response = await fetch(gateway.url, {
        method: 'POST',
        headers,
        body: JSON.stringify({ query, variables }),
      });
      return (await response.json()) as never;
    },
    async collect(query, variables = {}, user) {
      const own = client(user === undefined ? {} : { connectionParams: { user } });
      const results: never[] = [];
      for await (const result of own.iterate({ query, variables })) results.push(result as never);
      await own.dispose();
      return results;
    },
    generations: () =>
      requests.filter(
        ({ method, path }) =>
          method === 'POST' &&
          (path.endsWith('/chat-messages') || path.endsWith('/run') || path.endsWith('/completion-messages')),
      ),
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await sandbox.close();
    },
  };
}
