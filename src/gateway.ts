import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { Dify } from './dify/dify.ts';
import { examples, pageHeadersFor } from './gateway/examples.ts';
import { runLimits, serverLimits } from './gateway/limits.ts';
import { guarded, openLogger } from './gateway/log.ts';
import { toGraphQLError, withoutSuggestions } from './graphql/errors.ts';
import { contextFor, type Services } from './graphql/context.ts';
import { schema } from './graphql/schema.ts';
import type { Followed } from './runs/follow.ts';
import { Runs, type RunsOptions } from './runs/runs.ts';
import { RunTokens } from './runs/run-tokens.ts';
import { Speeches } from './runs/speeches.ts';
import { openMemoryStore, openRedisStore } from './runs/store.ts';
import { Tickets } from './runs/ticket.ts';
import { Uploads } from './runs/uploads.ts';
import { UserFiles } from './runs/user-files.ts';
import { ToldEvents } from './server/fast/told-events.ts';
import { fileRoutes } from './server/files.ts';
import type { MetricSources } from './server/metrics.ts';
import { graphiqlPage } from './server/graphiql.ts';
import { isThisMachine, Origins } from './server/origins.ts';
import { readyRoute } from './server/ready.ts';
import { openServer } from './server/server.ts';
import { speechRoutes } from './server/speech.ts';
import { identifyBy, provesUsers } from './server/auth/identify.ts';
import type { Identify, Visit } from './server/viewer.ts';
import type { Patience } from './server/websocket.ts';

export interface GatewayOptions {
  readonly logger?: Logger;
  /** Who a request is from. Default: whoever it says. */
  readonly identify?: Identify;
  /** How long the WebSocket waits for a client that is silent. */
  readonly patience?: Patience;
  /** Whether events go to the WebSocket by compiled writers. Default true; what clients get is the same. */
  readonly fastDelivery?: boolean;
  /** How long a run waits for what Dify may still owe it: after its end, after a stop. */
  readonly waits?: Omit<RunsOptions, 'runMs'>;
}

/** A running gateway. */
export interface Gateway extends AsyncDisposable {
  /** Of GraphQL, GraphiQL and the WebSocket. */
  readonly url: string;
  /** For Prometheus, where `server.metricsPort` is set. */
  readonly metricsUrl: string | undefined;
  /** Refuses what is new, lets answers finish for as long as the configuration says, closes everything. */
  close(): Promise<void>;
}

/** The one place that chooses: what the parts are made of, and who gets what. Opened here, closed here in reverse. */
export async function createGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const { server, runs: keep } = config;
  const logger = guarded(options.logger ?? openLogger(config), config);
  const runTokens = new RunTokens(server.secret);
  const identify = options.identify ?? identifyBy({ auth: config.auth, admins: server.admins, runTokens, logger });
  const dify = new Dify(
    config.apps.map(({ name, baseUrl, filesUrl, key, maxReads, timeouts: { connectMs, headersMs, idleMs } }) => ({
      name,
      baseUrl,
      ...(filesUrl === undefined ? {} : { filesUrl }),
      key,
      maxReads,
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
    logger.warn(
      'server.secret is not set: URLs of files and run tokens that this process makes are good at this process only',
    );
  const checkInputs = new Set(config.apps.filter((app) => app.checkInputs).map(({ name }) => name));
  const runs = new Runs(dify, store.log, logger, {
    turns: store.turns,
    allowance: runLimits(config, store.openRate),
    ...options.waits,
    runMs: new Map(config.apps.map(({ name, timeouts }) => [name, timeouts.runMs])),
    nodeData: new Set(config.apps.filter(({ nodeData }) => nodeData).map(({ name }) => name)),
    checkInputs,
    textAddress: (viewer, url, place) => {
      const path = files.textAddress(viewer, url, place);
      return path && services.urlBase + path;
    },
    limits: new Map(config.apps.map((app) => [app.name, app])),
    abandonMs: keep.abandonMs,
  });
  const uploads = new Uploads(dify, runs, checkInputs, store.notes);
  const tickets = new Tickets(server.secret);
  const files = new UserFiles({ dify, runs, uploads, tickets }, server.fileUrlMinutes * 60_000);
  const speeches = new Speeches(dify, {}, store.notes);
  const services: Services = {
    dify,
    runs,
    uploads,
    files,
    speeches,
    runTokens,
    urlBase: server.publicUrl ?? '',
    logger,
    apps: config.apps.map(({ name, description }) => ({ name, description })),
    defaultApp: config.defaultApp ?? config.apps[0]?.name ?? '',
  };
  const isProven = options.identify !== undefined || provesUsers(config.auth);
  const pageHeaders = pageHeadersFor(config.auth);
  const page = graphiqlPage((request) => {
    const header = (name: string) => request.headers.get(name) ?? (isProven ? undefined : pageHeaders[name]);
    return examples(services, identify, header);
  }, pageHeaders);
  let closing: Promise<void> | undefined;
  const unready = () => (closing ? 'draining' : store.log.available ? null : 'the store cannot be reached');
  const told = new ToldEvents();
  const parts = {
    schema,
    identify,
    contextFor: (visit: Visit) => contextFor(services, visit),
    logger,
    ...serverLimits(config, schema, store.openRate),
    toGraphQLError: (error: unknown) => {
      const told = toGraphQLError(error, logger);
      return config.limits.suggestions ? told : withoutSuggestions(told);
    },
    telling: (options.fastDelivery ?? true) ? { sharedBy: sharedText, all: told } : null,
    graphiql: server.graphiql ? page : null,
    origins: new Origins({
      ...server,
      development: !isProven && isThisMachine(server.host),
    }),
    maxRequestBytes: 4 * 1_048_576,
    maxUploadBytes: server.maxUploadMegabytes * 1_048_576,
    routes: [
      readyRoute(unready),
      ...fileRoutes({ uploads, files, defaultApp: services.defaultApp }),
      ...speechRoutes(speeches),
    ],
    patience: { catchUpMs: Math.min(server.drainMs, 1_000), ...options.patience },
  };
  const open = [() => dify.close(), () => store[Symbol.asyncDispose](), async () => speeches.close()];
  async function closeOpen(): Promise<void> {
    for (const close of open.toReversed()) await close();
  }
  async function openDoors() {
    const running = await openServer(parts, server.host, server.port);
    open.push(() => running.close());
    const metrics = await openMetricsIfAny({ told, sockets: () => running.sockets, unready }, server);
    if (metrics) open.push(() => metrics.close());
    return { running, metrics };
  }
  const { running, metrics } = await openDoors().catch(async (error: unknown) => {
    await closeOpen();
    throw error;
  });
  async function close(): Promise<void> {
    running.refuse();
    // A client that was told of no end subscribes again, and gets a whole answer from the next server.
    await runs.drain(server.drainMs, () => running.closeSockets());
    await closeOpen();
  }
  return {
    url: running.url,
    metricsUrl: metrics?.url,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

/** Its library is loaded where it is wanted. */
async function openMetricsIfAny(sources: MetricSources, { host, metricsPort }: Config['server']) {
  if (metricsPort === undefined) return undefined;
  const { openMetrics } = await import('./server/metrics.ts');
  return openMetrics(sources, host, metricsPort);
}

/** Pieces of text are told every watcher of a run in the same words. What comes may be an event of another kind of stream. */
function sharedText(followed: unknown): object | null {
  const { run, event } = followed as Partial<Followed>;
  const isText = event?.type === 'TextDelta' || event?.type === 'ReasoningDelta';
  return isText && run && run.watchers > 1 ? event : null;
}
