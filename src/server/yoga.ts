import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { GraphiqlPage } from './graphiql.ts';
import type { Identify } from './viewer.ts';

/** What each door adds to the context of an operation. */
export interface Visit {
  readonly viewer: string;
  readonly scopes: readonly string[];
  readonly signal: AbortSignal;
}

export interface YogaParts {
  readonly schema: GraphQLSchema;
  readonly identify: Identify;
  /** What resolvers get besides the visit. */
  readonly services: object;
  /** Turns any error into one that may leave the process. */
  readonly toGraphQLError: (error: unknown) => GraphQLError;
  readonly graphiql: GraphiqlPage | null;
  readonly logger: Logger;
  /** The largest request body, in bytes. */
  readonly maxRequestBytes: number;
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
export function makeYoga(parts: YogaParts): Yoga {
  const { schema, identify, services, toGraphQLError, graphiql, logger, maxRequestBytes } = parts;
  return createYoga<NodeContext, Visit>({
    schema,
    graphqlEndpoint: '/graphql',
    healthCheckEndpoint: '/health',
    landingPage: false,
    logging: false,
    graphiql: graphiql ? (request) => graphiql.options(request) : false,
    ...(graphiql ? { renderGraphiQL: (options) => graphiql.render(options) } : {}),
    maxRequestBodySize: maxRequestBytes,
    maskedErrors: { maskError: toGraphQLError },
    context: async (initial): Promise<Visit> => {
      if ('viewer' in initial) return { ...services, ...(initial as unknown as Visit) };
      const { request } = initial;
      const { id, scopes } = await identify({ header: (name) => request.headers.get(name) });
      return { ...services, viewer: id, scopes, signal: request.signal };
    },
    plugins: [codesForBadDocuments(toGraphQLError), acceptedStreams(), operationLog(logger)],
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

/** One line an operation, at the level `debug`: who, what, how long; never what was asked or answered. */
function operationLog(logger: Logger): Plugin<Visit> {
  function note({ operationName, contextValue }: { operationName?: unknown; contextValue: Visit }, kind: string) {
    const [operation, { viewer }, start] = [operationName ?? undefined, contextValue, performance.now()];
    return () =>
      logger.debug({ viewer, kind, operation, ms: Math.round(performance.now() - start) }, 'operation ended');
  }
  return {
    onExecute: ({ args }) => ({ onExecuteDone: note(args, 'execute') }),
    onSubscribe: ({ args }) => ({ onSubscribeResult: () => ({ onEnd: note(args, 'subscribe') }) }),
  };
}
