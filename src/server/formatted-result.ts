import type { FormattedExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql';

/** A result as it is told to a client that reads many over one connection. */
export function withFormattedErrors(result: {
  readonly errors?: readonly GraphQLError[] | undefined;
}): FormattedExecutionResult {
  return { ...result, errors: (result.errors ?? []).map(formatted) } as FormattedExecutionResult;
}

/** Without the HTTP status that another door would answer with. */
export function formatted(error: GraphQLError): GraphQLFormattedError {
  const { extensions, ...rest } = error.toJSON();
  const { http: _, ...own } = extensions ?? {};
  return { ...rest, extensions: own };
}
