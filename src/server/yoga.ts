import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError, type ExecutionResult, type GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import { eventStream, STREAM_HEADERS } from './event-stream.ts';
import { fileMaps } from './file-map.ts';
import { withFormattedErrors } from './formatted-result.ts';
import { fastDelivery } from './fast/fast-delivery.ts';
import type { TellerOptions } from './fast/teller.ts';
import type { GraphiqlPage } from './graphiql.ts';
import { httpAdmission, type Admission } from './admission.ts';
import { bodySizes } from './body-sizes.ts';
import { documentCaches, documentRules, type DocumentRules } from './documents.ts';
import type { EventStreams } from './event-streams.ts';
import { visitOf, type Identify, type Visit } from './viewer.ts';
import { Visitors } from './visitors.ts';

export interface YogaParts {
  readonly schema: GraphQLSchema;
  readonly identify: Identify;
  /** What resolvers get for a visit, besides the visit itself. */
  readonly contextFor: (visit: Visit) => object;
  /** Turns any error into one that may leave the process. */
  readonly toGraphQLError: (error: unknown) => GraphQLError;
  /** Of `fastDelivery`; null switches it off. */
  readonly telling: TellerOptions | null;
  readonly graphiql: GraphiqlPage | null;
  readonly logger: Logger;
  /** The largest request body, in bytes. */
  readonly maxRequestBytes: number;
  /** The same for one with files in it, which are held in memory. */
  readonly maxUploadBytes: number;
  readonly documents: DocumentRules;
  readonly admission: Admission;
}

interface NodeContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}
export type Yoga = YogaServerInstance<NodeContext, Visit>;

/**
 * The pipeline that every operation goes through, whichever door it came in by: parse, validate, context, execute, mask. HTTP
 * and SSE are served by it directly; the WebSocket door borrows it with `getEnveloped`, and brings its own visit.
 */
export function makeYoga(parts: YogaParts, streams: EventStreams): Yoga {
  const {
    schema,
    identify,
    contextFor,
    toGraphQLError,
    telling,
    graphiql,
    logger,
    maxRequestBytes,
    maxUploadBytes,
    documents,
    admission,
  } = parts;
  const visitors = new Visitors(identify);
  return createYoga<NodeContext, Visit>({
    schema,
    graphqlEndpoint: '/graphql',
    healthCheckEndpoint: '/health',
    landingPage: false,
    // What stands before it has answered.
    cors: false,
    logging: false,
    graphiql: graphiql ? (request) => graphiql.options(request) : false,
    ...(graphiql ? { renderGraphiQL: (options) => graphiql.render(options) } : {}),
    // Counted by `bodySizes`: Yoga's own way makes each request anew.
    maxRequestBodySize: false,
    maskedErrors: { maskError: toGraphQLError },
    parserAndValidationCache: documentCaches(),
    context: async (initial): Promise<Visit> => {
      if ('viewer' in initial) return { ...(initial as unknown as Visit), ...contextFor(initial as unknown as Visit) };
      const { request, req, res } = initial;
      const identity = await visitors.of(request, req);
      if (identity.until !== undefined) streams.endAt(res, identity.until);
      const visit = visitOf(identity, request.signal);
      await admission.fromUser(visit, res);
      return { ...visit, ...contextFor(visit) };
    },
    plugins: [
      httpAdmission(admission, maxRequestBytes, maxUploadBytes),
      visitors.plugin,
      documentRules(documents),
      fileMaps(),
      bodySizes(maxRequestBytes, maxUploadBytes),
      codesForBadDocuments(toGraphQLError),
      acceptedStreams(),
      ...(graphiql ? [policyOfPage(graphiql)] : []),
      subscriptionStreams(),
      operationLog(logger),
      ...(telling ? [fastDelivery(logger, telling)] : []),
    ],
  });
}

/** Syntax and validation errors are the client's: they get a code like all others, at both doors. */
function codesForBadDocuments(toGraphQLError: YogaParts['toGraphQLError']): Plugin {
  return {
    onParse:
      () =>
      ({ result, replaceParseResult }) => {
        if (result instanceof GraphQLError) replaceParseResult(toGraphQLError(result));
      },
    onValidate:
      () =>
      ({ valid, result, setResult }) => {
        if (!valid) setResult(result.map(toGraphQLError));
      },
  };
}

/** An event stream is accepted, and tells of errors in its events: one of another status is a lost connection to its clients. */
function acceptedStreams(): Plugin {
  return {
    onResponse: (answer) => {
      const { body, headers, ok } = answer.response;
      if (ok || !headers.get('content-type')?.startsWith('text/event-stream')) return;
      answer.setResponse(new answer.fetchAPI.Response(body, { status: 200, headers }));
    },
  };
}

function policyOfPage(page: GraphiqlPage): Plugin {
  return {
    onResponse: ({ request, response }) => {
      const policy = page.policy(request);
      if (policy !== undefined) response.headers.set('content-security-policy', policy);
    },
  };
}

/** Subscriptions over HTTP, in Yoga's words: Yoga's own stream holds more events than one, and beats for readers that are gone. */
function subscriptionStreams(): Plugin {
  return {
    onResultProcess: (answer) => {
      const { result, resultProcessor } = answer;
      if (!resultProcessor || !(Symbol.asyncIterator in result)) return;
      const events = result[Symbol.asyncIterator]() as AsyncIterator<ExecutionResult>;
      answer.setResultProcessor((_, { Response }) => {
        const each = (next: ExecutionResult) =>
          `event: next\ndata: ${JSON.stringify(next.errors ? withFormattedErrors(next) : next)}\n\n`;
        const stream = eventStream({ events, first: ':\n\n', each, last: 'event: complete\ndata:\n\n' });
        return new Response(stream as unknown as BodyInit, { headers: STREAM_HEADERS });
      }, 'text/event-stream');
    },
  };
}

interface Noted {
  readonly operationName?: unknown;
  readonly contextValue: Visit;
  readonly variableValues?: unknown;
}

/** One line an operation, at the level `debug`: who, what, how long; what was asked is its `content`, which most logs leave out. */
function operationLog(logger: Logger): Plugin<Visit> {
  function note({ operationName, contextValue, variableValues }: Noted, kind: string) {
    const [operation, { viewer }, start] = [operationName ?? undefined, contextValue, performance.now()];
    return () => {
      const ms = Math.round(performance.now() - start);
      logger.debug({ viewer, kind, operation, ms, content: variableValues }, 'operation ended');
    };
  }
  return {
    onExecute: ({ args }) => ({ onExecuteDone: note(args, 'execute') }),
    onSubscribe: ({ args }) => ({ onSubscribeResult: () => ({ onEnd: note(args, 'subscribe') }) }),
  };
}
