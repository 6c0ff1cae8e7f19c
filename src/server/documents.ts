import { GraphQLError, NoSchemaIntrospectionCustomRule, type DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { DocumentCache } from './document-cache.ts';
import type { PersistedOperations } from './persisted-operations.ts';

/** Which documents are taken. */
export interface DocumentRules {
  /** The most words and signs one may have, and what to say of one that has more. */
  readonly maxTokens: number;
  readonly tooManyTokens: () => Error;
  /** Throws for a document that asks for too much. It is not validated yet. */
  readonly check: (
    document: DocumentNode,
    variables: Readonly<Record<string, unknown>>,
    operationName?: string,
  ) => void;
  /** Whether the schema can be asked for. */
  readonly introspection: boolean;
  /** The only ones that are taken; null for all. */
  readonly persisted: PersistedOperations | null;
}

/** What was sent with a document; by whom, nobody knows: it may be anything. */
interface Params {
  readonly variables?: unknown;
  readonly operationName?: unknown;
}

/** Holds every operation to the rules, whichever door it came in by: in Yoga's pipeline, which all of them use. */
export function documentRules(rules: DocumentRules): Plugin<{ readonly params?: Params }> {
  return {
    onParams: ({ params, setParams }) => {
      if (rules.persisted) setParams({ ...params, query: rules.persisted.textOf(params) });
    },
    onParse: ({ parseFn, setParseFn }) => {
      setParseFn((source, options) => {
        try {
          return parseFn(source, { ...options, maxTokens: rules.maxTokens }) as DocumentNode;
        } catch (error) {
          throw error instanceof GraphQLError && /more than \d+ tokens/.test(error.message)
            ? rules.tooManyTokens()
            : error;
        }
      });
    },
    // Before validation: some of its rules take a time that grows with the square of what they look at.
    onValidate: ({ params, context, addValidationRule }) => {
      const { variables, operationName } = context.params ?? {};
      const given = (variables ?? {}) as Record<string, unknown>;
      rules.check(
        params.documentAST as DocumentNode,
        given,
        typeof operationName === 'string' ? operationName : undefined,
      );
      if (!rules.introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

/** Yoga keeps 1,024 documents and as many errors, however large: with requests of 4 MB that is a process without memory. */
export const documentCaches = () => ({
  documentCache: new DocumentCache<DocumentNode>(),
  errorCache: { get: () => undefined, set: () => {} },
});
