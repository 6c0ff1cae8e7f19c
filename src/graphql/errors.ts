import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { errorCodes, GatewayError, type ErrorCode } from '../errors.ts';
import { builder } from './builder.ts';

export const ErrorCodeEnum = builder.enumType('ErrorCode', {
  description: 'Also sent as `extensions.code` of request errors. Members may be added.',
  values: Object.fromEntries(
    Object.entries(errorCodes).map(([code, description]) => [code, { value: code as ErrorCode, description }]),
  ) as Record<ErrorCode, { value: ErrorCode; description: string }>,
});

/**
 * The one place where errors become GraphQL. A `GatewayError` is told as it is; what the client wrote wrong keeps GraphQL's own
 * message; everything else is masked, and logged under an id that the client is told too.
 */
export function toGraphQLError(error: unknown, logger: Logger): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  const code = located?.extensions['code'];
  if (typeof code === 'string' && code in errorCodes) return located as GraphQLError;
  const cause = rootOf(error);
  if (cause instanceof GatewayError) return retold(located, cause.message, extensionsOf(cause));
  if (cause instanceof GraphQLError)
    return retold(located, located?.message ?? cause.message, { code: 'BAD_USER_INPUT' });
  // The stack is as deep as what the client wrote, nothing else here recurses.
  if (cause instanceof RangeError && cause.message.includes('call stack'))
    return retold(located, 'The operation, or a value in it, is nested too deeply', { code: 'BAD_USER_INPUT' });
  const errorId = randomUUID();
  logger.error({ err: cause, errorId, path: located?.path?.join('.') }, 'unexpected error');
  return retold(located, `Something went wrong here. Report this id: ${errorId}`, { code: 'INTERNAL', errorId });
}

/** GraphQL wraps what it passes on, sometimes twice; a GraphQLError at the root is GraphQL's own complaint about the operation. */
function rootOf(error: unknown): unknown {
  const inner = error instanceof GraphQLError ? (error.originalError ?? error.cause) : undefined;
  return inner === undefined ? error : rootOf(inner);
}

/** Messages quote what the client wrote, in characters. */
const LONGEST = 2_000;

/** The status of an answer to a request that went wrong before there was a document: else it is 200, or what Yoga says. */
const statuses: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  AUTH_UNAVAILABLE: 503,
  BAD_USER_INPUT: 400,
  LIMIT_EXCEEDED: 400,
  PERSISTED_OPERATION_NOT_FOUND: 404,
  RATE_LIMITED: 429,
  INTERNAL: 500,
};

/** `extensions.http` is how Yoga is told a status (and tells: 405, 413); it takes it out again. */
function retold(located: GraphQLError | undefined, message: string, extensions: Record<string, unknown>): GraphQLError {
  const { nodes, source, positions, path } = located ?? {};
  const known = located?.extensions['http'] as object | undefined;
  const status = nodes === undefined && source === undefined ? statuses[String(extensions['code'])] : undefined;
  const isUnknown = extensions['code'] === 'UNAUTHENTICATED';
  const headers = isUnknown ? { headers: { 'www-authenticate': 'Bearer' } } : retryAfter(extensions);
  // `spec` has it ignored where plain JSON is wanted: clients that ask for that do not read what a 401 says.
  const http = status === undefined ? known : { status, ...headers, ...known, spec: isUnknown };
  return new GraphQLError(message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message, {
    nodes,
    source,
    positions,
    path,
    extensions: { ...extensions, ...(http === undefined ? {} : { http }) },
  });
}

function retryAfter({ retryAfterMs: ms }: Record<string, unknown>): object {
  return typeof ms === 'number' ? { headers: { 'retry-after': String(Math.ceil(ms / 1_000)) } } : {};
}

/** The same without what the schema has that is nearly what was written. */
export function withoutSuggestions(error: GraphQLError): GraphQLError {
  const [message] = error.message.split(/ Did you mean /, 1);
  if (message === undefined || message === error.message) return error;
  const { nodes, source, positions, path, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

function extensionsOf(error: GatewayError): Record<string, unknown> {
  const { code, retryable, retryAfterMs, difyCode, difyStatus, problems } = error;
  const known = Object.entries({ retryAfterMs, difyCode, difyStatus, problems }).filter(
    ([, value]) => value !== undefined,
  );
  return { code, retryable, ...Object.fromEntries(known) };
}
