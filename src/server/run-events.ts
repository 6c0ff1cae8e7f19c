import { parse, type DocumentNode, type ExecutionResult } from 'graphql';
import { GatewayError } from '../errors.ts';
import type { Admission } from './admission.ts';
import { eventStream, STREAM_HEADERS } from './event-stream.ts';
import type { EventStreams } from './event-streams.ts';
import type { Route } from './routes.ts';
import { runEventsDocument } from './run-events-document.ts';
import { visitOf, type Visit } from './viewer.ts';
import type { Yoga } from './yoga.ts';

/** How soon a browser connects again, in ms: also after a stream that ends without anything else. */
const RETRY_MS = 1_000;
const RETRY = `retry: ${RETRY_MS}\n\n`;

interface Told {
  readonly runEvents: {
    readonly __typename: string;
    readonly seq: number;
    readonly run?: { readonly lastSeq: number };
  };
}

/**
 * `GET /runs/{id}/events`: `runEvents` for those who have no GraphQL client. The `id` of each event is its `seq`, so that a bare
 * `EventSource` goes on where it was by itself; when it has the end already it is answered 204, after which it asks no more.
 */
export function runEventsRoute(yoga: Yoga, streams: EventStreams, admission: Admission): Route {
  return {
    methods: ['GET'],
    free: true,
    path: /^\/runs\/([^/]+)\/events$/,
    answer: async ({ request, response, query, names, signal, visitor }) => {
      const after = position(request.headers['last-event-id']?.toString() ?? query.get('after'));
      const admitted = async () => {
        await admission.fromAddress(request);
        const whose = await visitor(query.get('token'));
        admission.streamEnters(response);
        return whose;
      };
      // Any status but 200 would end an EventSource for good.
      const comeLater = (ms: number) => void response.writeHead(200, STREAM_HEADERS).end(`retry: ${ms}\n\n`);
      const identity = await admitted().catch((error: unknown) => {
        if (!(error instanceof GatewayError) || error.code !== 'RATE_LIMITED') throw error;
        return comeLater(error.retryAfterMs ?? RETRY_MS);
      });
      if (!identity) return;
      const events = await follow(yoga, visitOf(identity, signal), { runId: names[0] ?? '', after });
      if (!events) return comeLater(RETRY_MS);
      const first = await events.next();
      const letGo = () => void events.return?.();
      signal.addEventListener('abort', letGo);
      if (signal.aborted) letGo();
      if (first.done || isOver(first.value, after)) {
        letGo();
        return void response.writeHead(204, { 'cache-control': 'no-store' }).end();
      }
      streams.watch(response);
      if (identity.until !== undefined) streams.endAt(response, identity.until);
      response.writeHead(200, STREAM_HEADERS);
      eventStream({ events, first: RETRY + frame(first.value), each: frame }).pipe(response);
    },
  };
}

/** What the client has applied: a number, or nothing. */
function position(text: string | null): number | null {
  if (text === null || text === '') return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new GatewayError('BAD_USER_INPUT', '`Last-Event-ID` and `after` are numbers of events.');
}

/** Ours: the limits of others are not meant for it. */
let known: DocumentNode | undefined;

/** Null while the store of runs is away. */
async function follow(
  yoga: Yoga,
  visit: Visit,
  variableValues: object,
): Promise<AsyncIterator<ExecutionResult> | null> {
  const { schema, subscribe, contextFactory } = yoga.getEnveloped(visit);
  const document = (known ??= parse(runEventsDocument));
  const result = await subscribe({ schema, document, variableValues, contextValue: await contextFactory() });
  if (Symbol.asyncIterator in result) return result[Symbol.asyncIterator]();
  const [error] = result.errors ?? [];
  if (error?.extensions['code'] === 'STORE_UNAVAILABLE') return null;
  throw error ?? new GatewayError('INTERNAL', 'There are no events.');
}

/** Attached to a run whose last event the client has. */
function isOver({ data }: ExecutionResult, after: number | null): boolean {
  const { run } = (data as unknown as Told | null)?.runEvents ?? {};
  const ended = (run as { readonly finishedAt?: string | null } | undefined)?.finishedAt != null;
  return ended && after !== null && run?.lastSeq === after;
}

function frame({ data, errors }: ExecutionResult): string {
  const event = (data as unknown as Told | null)?.runEvents;
  if (!event) throw errors?.[0] ?? new GatewayError('INTERNAL', 'An event could not be told.');
  return `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
}
