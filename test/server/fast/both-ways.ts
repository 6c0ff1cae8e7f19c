import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphQLSchema } from 'graphql';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { toGraphQLError } from '../../../src/graphql/errors.ts';
import { serverLimits } from '../../../src/gateway/limits.ts';
import type { Config } from '../../../src/config.ts';
import { memoryRate } from '../../../src/runs/rates.ts';
import { Origins } from '../../../src/server/origins.ts';
import { openServer } from '../../../src/server/server.ts';
import type { TellerOptions } from '../../../src/server/fast/teller.ts';
import { ToldEvents } from '../../../src/server/fast/told-events.ts';
import type { Visit } from '../../../src/server/viewer.ts';
import { unlimited } from '../../rig.ts';

/** Two servers of the same schema and services: one with the fast way, one without. */
export interface BothWays extends AsyncDisposable {
  /** All frames of one operation as they came, at either server. */
  frames(query: string, variables?: object): Promise<{ readonly fast: string[]; readonly ordinary: string[] }>;
  /** What the server with the fast way logged of subscriptions, newest last: how many events went which way. */
  readonly told: { readonly fast: number; readonly ordinary: number; readonly why?: string }[];
}

/** None, for what is generated may be of any size. */
function limits(schema: GraphQLSchema) {
  const most = 1_000_000;
  const document = {
    tokens: most,
    depth: most,
    aliases: most,
    directives: most,
    rootFields: most,
    cost: most,
    values: most,
  };
  const auth = { jwt: [], apiKeys: [], proxy: undefined, allowAnonymous: false };
  return serverLimits({ limits: { ...unlimited, document }, auth } as unknown as Config, schema, memoryRate);
}

export async function openBothWays(schema: GraphQLSchema, contextFor: (visit: Visit) => object): Promise<BothWays> {
  const told: { fast: number; ordinary: number }[] = [];
  const logger = pino(
    { level: 'debug' },
    {
      write: (line: string) => {
        const entry = JSON.parse(line);
        if (entry.msg === 'subscription ended') told.push(entry);
      },
    },
  );
  const all = new ToldEvents();
  const open = async (telling: TellerOptions | null) => {
    const parts = {
      schema,
      contextFor,
      ...limits(schema),
      origins: new Origins({}),
      logger,
      telling,
      identify: () => ({ id: 'ann', scopes: [] }),
      toGraphQLError: (error: unknown) => toGraphQLError(error, logger),
      graphiql: null,
      maxRequestBytes: 1_048_576,
      maxUploadBytes: 1_048_576,
      routes: [],
      patience: {},
    };
    const server = await openServer(parts, '127.0.0.1', 0);
    const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws');
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await once(socket, 'message');
    return { server, socket };
  };
  const ways = await Promise.all([open({ sharedBy: () => null, all }), open(null)]);
  return {
    told,
    async frames(query, variables) {
      const [fast = [], ordinary = []] = await Promise.all(
        ways.map(({ socket }) => framesOf(socket, { query, variables })),
      );
      return { fast, ordinary };
    },
    async [Symbol.asyncDispose]() {
      for (const { server, socket } of ways) {
        socket.terminate();
        await server.close();
      }
    },
  };
}

/** Errors that nobody expected have an id of their own each. */
const ERROR_ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

async function framesOf(socket: WebSocket, payload: object): Promise<string[]> {
  const frames: string[] = [];
  const over = Promise.withResolvers<void>();
  const take = (data: Buffer) => {
    const frame = data.toString().replaceAll(ERROR_ID, '<id>');
    frames.push(frame);
    if (/"type":"(?:complete|error)"/.test(frame)) over.resolve();
  };
  socket.on('message', take);
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
  // An event too many would come after the end.
  await Promise.race([over.promise, sleep(5_000, undefined, { ref: false })]);
  socket.off('message', take);
  return frames;
}
