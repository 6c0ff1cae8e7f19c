import { pino, type Logger } from 'pino';
import type { Config } from './config.ts';
import { Dify } from './dify/dify.ts';
import { toGraphQLError } from './graphql/errors.ts';
import type { Services } from './graphql/context.ts';
import { schema } from './graphql/schema.ts';
import { MemoryLog } from './runs/memory-log.ts';
import { Runs, type RunsOptions } from './runs/runs.ts';
import { Speeches } from './runs/speeches.ts';
import { Tickets } from './runs/ticket.ts';
import { Uploads } from './runs/uploads.ts';
import { UserFiles } from './runs/user-files.ts';
import { fileRoutes } from './server/files.ts';
import { graphiqlPage, pageHeaders, type Examples } from './server/graphiql.ts';
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
  const log = new MemoryLog(keep);
  const checkInputs = new Set(config.apps.filter((app) => app.checkInputs).map(({ name }) => name));
  const runs = new Runs(dify, log, logger, {
    ...options.waits,
    runMs: new Map(config.apps.map(({ name, timeouts }) => [name, timeouts.runMs])),
    nodeData: new Set(config.apps.filter(({ nodeData }) => nodeData).map(({ name }) => name)),
    checkInputs,
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
    runId: await newestRun(runs, identify, request),
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
    routes: [...fileRoutes({ uploads, files, defaultApp: services.defaultApp }), ...speechRoutes(speeches)],
    patience: { catchUpMs: Math.min(server.drainMs, 1_000), ...options.patience },
  };
  const running = await openServer(parts, server.host, server.port);
  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    running.refuse();
    // A client that was told of no end subscribes again, and gets a whole answer from the next server.
    await runs.drain(server.drainMs, () => running.closeSockets());
    await running.close();
    speeches.close();
    await log[Symbol.asyncDispose]();
    await dify.close();
  }
  return {
    url: running.url,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

/** Apps for GraphiQL's tabs, by what Dify says they are. */
async function exampleApps({ dify, apps, defaultApp }: Services): Promise<Omit<Examples, 'runId'>> {
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
  const chat = modes.find(({ mode }) => mode !== 'workflow' && mode !== 'completion');
  const workflow = modes.find(({ mode }) => mode === 'workflow');
  return { chatApp: chat?.name ?? null, workflow: workflow ? { app: workflow.name, inputs: EXAMPLE_INPUTS } : null };
}

/** The newest run of whoever the page will speak for. */
async function newestRun(runs: Runs, identify: Identify, request: Request): Promise<string | null> {
  try {
    const { id } = await identify({ header: (name) => request.headers.get(name) ?? pageHeaders[name] });
    return (await runs.list(id))[0]?.state.header.id ?? null;
  } catch {
    return null;
  }
}

/** They fit the built-in demo workflow; of other workflows, Dify will say what they want. */
const EXAMPLE_INPUTS =
  '{ text: "GraphQL is a query language for APIs. Subscriptions push results as they happen. A log makes them resumable." }';
