import { pino, type Logger } from 'pino';
import type { Config } from './config.ts';
import { Dify } from './dify/dify.ts';
import { toGraphQLError } from './graphql/errors.ts';
import type { Services } from './graphql/context.ts';
import { schema } from './graphql/schema.ts';
import { Runs, type RunsOptions } from './runs/runs.ts';
import { Speeches } from './runs/speeches.ts';
import { openMemoryStore, openRedisStore } from './runs/store.ts';
import { Tickets } from './runs/ticket.ts';
import { Uploads } from './runs/uploads.ts';
import { UserFiles } from './runs/user-files.ts';
import { fileRoutes } from './server/files.ts';
import { graphiqlPage, pageHeaders } from './server/graphiql.ts';
import type { Examples } from './server/graphiql-tabs.ts';
import { readyRoute } from './server/ready.ts';
import { openServer } from './server/server.ts';
import { speechRoutes } from './server/speech.ts';
import { believeUser, type Identify } from './server/viewer.ts';
import type { Patience } from './server/websocket.ts';

export interface GatewayOptions {
  readonly logger?: Logger;
  /** Who a request is from. Default: whoever it says. */
  readonly identify?: Identify;
  /** How long the WebSocket waits for a client that is silent. */
  readonly patience?: Patience;
  /** How long a run waits for what Dify may still owe it: after its end, after a stop. */
  readonly waits?: Omit<RunsOptions, 'runMs'>;
}

/** A running gateway. */
export interface Gateway extends AsyncDisposable {
  /** Of GraphQL, GraphiQL and the WebSocket. */
  readonly url: string;
  /** Refuses what is new, lets answers finish for as long as the configuration says, closes everything. */
  close(): Promise<void>;
}

/** The one place that chooses: what the parts are made of, and who gets what. Opened here, closed here in reverse. */
export async function createGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const { server, runs: keep } = config;
  const logger = options.logger ?? pino({ level: server.logLevel }, pino.destination(2));
  const identify = options.identify ?? believeUser(server.admins);
  const dify = new Dify(
    config.apps.map(({ name, baseUrl, key, timeouts: { connectMs, headersMs, idleMs } }) => ({
      name,
      baseUrl,
      key,
      connectMs,
      headersMs,
      idleMs,
    })),
    logger,
  );
  const store = config.redis
    ? await openRedisStore({ ...config.redis, keepMinutes: keep.keepMinutes }, logger)
    : openMemoryStore(keep);
  if (config.redis && server.secret === undefined)
    logger.warn('server.secret is not set: URLs of files that this process makes are good at this process only');
  const checkInputs = new Set(config.apps.filter((app) => app.checkInputs).map(({ name }) => name));
  const runs = new Runs(dify, store.log, logger, {
    turns: store.turns,
    ...options.waits,
    runMs: new Map(config.apps.map(({ name, timeouts }) => [name, timeouts.runMs])),
    nodeData: new Set(config.apps.filter(({ nodeData }) => nodeData).map(({ name }) => name)),
    checkInputs,
    limits: new Map(config.apps.map((app) => [app.name, app])),
    abandonMs: keep.abandonMs,
  });
  const uploads = new Uploads(dify, runs, checkInputs);
  const tickets = new Tickets(server.secret);
  const files = new UserFiles({ dify, runs, uploads, tickets }, server.fileUrlMinutes * 60_000);
  const speeches = new Speeches(dify);
  const services: Services = {
    dify,
    runs,
    uploads,
    files,
    speeches,
    urlBase: server.publicUrl ?? '',
    logger,
    apps: config.apps.map(({ name, description }) => ({ name, description })),
    defaultApp: config.defaultApp ?? config.apps[0]?.name ?? '',
  };
  const page = graphiqlPage(async (request) => ({
    ...(await exampleApps(services)),
    run: await newestRun(runs, identify, request),
  }));
  const parts = {
    schema,
    identify,
    services,
    logger,
    toGraphQLError: (error: unknown) => toGraphQLError(error, logger),
    graphiql: server.graphiql ? page : null,
    maxRequestBytes: 4 * 1_048_576,
    maxUploadBytes: server.maxUploadMegabytes * 1_048_576,
    routes: [
      readyRoute(() => (closing ? 'draining' : store.log.available ? null : 'the store cannot be reached')),
      ...fileRoutes({ uploads, files, defaultApp: services.defaultApp }),
      ...speechRoutes(speeches),
    ],
    patience: { catchUpMs: Math.min(server.drainMs, 1_000), ...options.patience },
  };
  let closing: Promise<void> | undefined;
  const running = await openServer(parts, server.host, server.port);
  async function close(): Promise<void> {
    running.refuse();
    // A client that was told of no end subscribes again, and gets a whole answer from the next server.
    await runs.drain(server.drainMs, () => running.closeSockets());
    await running.close();
    speeches.close();
    await store[Symbol.asyncDispose]();
    await dify.close();
  }
  return {
    url: running.url,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

/** Apps for GraphiQL's tabs, by what Dify says they are. */
async function exampleApps({ dify, apps, defaultApp }: Services): Promise<Omit<Examples, 'run'>> {
  const named = [defaultApp, ...apps.map(({ name }) => name).filter((name) => name !== defaultApp)];
  const modes = await Promise.all(
    named.map(async (name) => {
      const info = await dify
        .app(name)
        ?.info()
        .catch(() => undefined);
      return { name, mode: info?.mode ?? 'chat' };
    }),
  );
  const first = (fits: (mode: string) => boolean) => modes.find(({ mode }) => fits(mode))?.name ?? null;
  const example = (app: string | null, inputs: string) => (app === null ? null : { app, inputs });
  return {
    chatApp: first((mode) => mode !== 'workflow' && mode !== 'completion'),
    workflow: example(
      first((mode) => mode === 'workflow'),
      EXAMPLE.text,
    ),
    completion: example(
      first((mode) => mode === 'completion'),
      EXAMPLE.product,
    ),
    approval: example(named.find((name) => name === 'approval') ?? null, EXAMPLE.topic),
  };
}

/** The newest run of whoever the page will speak for. */
async function newestRun(runs: Runs, identify: Identify, request: Request): Promise<Examples['run']> {
  try {
    const { id: viewer } = await identify({ header: (name) => request.headers.get(name) ?? pageHeaders[name] });
    const state = (await runs.list(viewer))[0]?.state;
    return state ? { id: state.header.id, app: state.header.app, messageId: state.messageId } : null;
  } catch {
    return null;
  }
}

/** Inputs that fit the built-in demo apps; of other apps, Dify will say what they want. */
const EXAMPLE = {
  text: '{ text: "GraphQL is a query language for APIs. Subscriptions push results as they happen. A log makes them resumable." }',
  product: '{ product: "a tent for two", tone: "friendly" }',
  topic: '{ topic: "the summer party" }',
};
