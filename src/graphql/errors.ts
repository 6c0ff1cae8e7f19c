import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { errorCodes, GatewayError, type ErrorCode } from '../errors.ts';
import { builder } from './builder.ts';

export const ErrorCodeEnum = builder.enumType('ErrorCode', {
  description: 'Also sent as `extensions.code` of request errors. Members may be added.',
  values: Object.fromEntries(Object.entries(errorCodes).map(([code, description]) => [code, { value: code as ErrorCode, description }])) as Record<
    ErrorCode,
    { value: ErrorCode; description: string }
  >,
});

/**
 * The one place where errors become GraphQL. A `GatewayError` is told as it is; what the client wrote wrong keeps GraphQL's own
 * message; everything else is masked, and logged under an id that the client is told too.
 */
export function toGraphQLError(error: unknown, logger: Logger): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  const cause = located?.originalError ?? (located ? undefined : error);
  if (located?.extensions['code'] !== undefined) return located;
  if (located && cause === undefined) return retold(located, located.message, { code: 'BAD_USER_INPUT' });
  if (cause instanceof GatewayError) return retold(located, cause.message, extensionsOf(cause));
  const errorId = randomUUID();
  logger.error({ err: cause, errorId, path: located?.path?.join('.') }, 'unexpected error');
  return retold(located, `Something went wrong here. Report this id: ${errorId}`, { code: 'INTERNAL', errorId });
}

function retold(located: GraphQLError | undefined, message: string, extensions: Record<string, unknown>): GraphQLError {
  const { nodes, source, positions, path } = located ?? {};
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

function extensionsOf(error: GatewayError): Record<string, unknown> {
  const { code, retryable, retryAfterMs, difyCode, difyStatus } = error;
  const known = Object.entries({ retryAfterMs, difyCode, difyStatus }).filter(([, value]) => value !== undefined);
  return { code, retryable, ...Object.fromEntries(known) };
}
