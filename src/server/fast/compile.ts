import {
  defaultFieldResolver,
  getArgumentValues,
  GraphQLInt,
  GraphQLString,
  GraphQLID,
  GraphQLBoolean,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  visit,
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type SelectionSetNode,
  type ValidatedSubscriptionArgs,
} from 'graphql';
import { collectFields } from './collect.ts';
import { Unsuited } from './unsuited.ts';

/** JSON of a value. Throws `Unsuited` for what only the ordinary execution can tell: promises, errors, nulls where none may be. */
export type Write = (value: unknown, context: unknown) => string;

export interface Compiled {
  readonly write: Write;
  /** The same for every reader with this operation. */
  readonly isConstant: boolean;
}

/**
 * Compiles what an operation selects of each event into one function, which makes the same JSON as an execution would, without
 * one. Types are compiled when they are first met, each by itself: what is not known of one is no matter for the others.
 */
export function compile(operation: ValidatedSubscriptionArgs): Compiled {
  const root = operation.schema.getSubscriptionType();
  const set = operation.operation.selectionSet;
  if (!root) throw new Unsuited('no subscriptions');
  return { write: writeObject(operation, root, [set]), isConstant: !hasVariables(operation) };
}

/** Whether variables have a part in more than the arguments of the subscription itself, which are known by its events already. */
function hasVariables({ operation, fragmentDefinitions }: ValidatedSubscriptionArgs): boolean {
  const [root, ...others] = operation.selectionSet.selections;
  if (root?.kind !== Kind.FIELD || others.length > 0 || root.directives?.length) return true;
  let found = false;
  const look = { Variable: () => void (found = true) };
  if (root.selectionSet) visit(root.selectionSet, look);
  for (const fragment of Object.values(fragmentDefinitions)) visit(fragment, look);
  return found;
}

function writeObject(
  operation: ValidatedSubscriptionArgs,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): Write {
  if (type.isTypeOf) throw new Unsuited(`isTypeOf of ${type.name}`);
  // What is the same for every object comes to stand in one piece.
  const fields: Field[] = [];
  let constant = '{';
  for (const [key, nodes] of collectFields(operation, type, sets)) {
    const { before, write } = writeField(operation, type, key, nodes);
    constant += before;
    if (write) {
      fields.push({ before: constant, write });
      constant = ',';
    } else constant += ',';
  }
  const end = constant === '{' ? '{}' : `${constant.slice(0, -1)}}`;
  return (value, context) => {
    let json = '';
    for (const { before, write } of fields) json += before + write(value, context);
    return json + end;
  };
}

/** A field: what is known of it, with its key, and what comes behind that. */
interface Field {
  readonly before: string;
  readonly write: Write;
}

function writeField(
  operation: ValidatedSubscriptionArgs,
  type: GraphQLObjectType,
  key: string,
  nodes: readonly FieldNode[],
): Omit<Field, 'write'> & Partial<Field> {
  const [node] = nodes;
  const name = node?.name.value ?? '';
  const before = `${JSON.stringify(key)}:`;
  if (name === '__typename') return { before: before + JSON.stringify(type.name) };
  const field = type.getFields()[name];
  if (!node || !field) throw new Unsuited(`no field ${type.name}.${name}`);
  const resolve = field.resolve ?? defaultFieldResolver;
  if (resolve.constructor.name === 'AsyncFunction') throw new Unsuited(`${type.name}.${name} is asynchronous`);
  const args = getArgumentValues(field, node, operation.variableValues);
  const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const write = writeValue(operation, field.type, sets);
  const info = resolve === defaultFieldResolver ? ({ fieldName: name } as GraphQLResolveInfo) : noInfo;
  return { before, write: (value, context) => write(resolve(value, args, context, info), context) };
}

function writeValue(
  operation: ValidatedSubscriptionArgs,
  type: GraphQLOutputType,
  sets: readonly SelectionSetNode[],
): Write {
  if (isNonNullType(type)) {
    const write = writePresent(operation, type.ofType, sets);
    return (value, context) => {
      if (value === null || value === undefined) throw new Unsuited(`no ${type.toString()}`);
      return write(value, context);
    };
  }
  const write = writePresent(operation, type, sets);
  return (value, context) => (value === null || value === undefined ? 'null' : write(value, context));
}

function writePresent(
  operation: ValidatedSubscriptionArgs,
  type: Exclude<GraphQLOutputType, { readonly [Symbol.toStringTag]: 'GraphQLNonNull' }>,
  sets: readonly SelectionSetNode[],
): Write {
  if (isListType(type)) {
    const write = writeValue(operation, type.ofType, sets);
    return (value, context) => {
      refuseStrange(value);
      if (!Array.isArray(value)) throw new Unsuited('a list that is no array');
      refusePromises(value);
      return `[${value.map((item) => write(item, context)).join(',')}]`;
    };
  }
  if (isLeafType(type)) return writeLeaf(type);
  const writeKnown = isObjectType(type)
    ? writeObject(operation, type, sets)
    : isAbstractType(type)
      ? writeAbstract(operation, type, sets)
      : undefined;
  if (!writeKnown) throw new Unsuited(`the type ${type.toString()}`);
  return (value, context) => {
    refuseStrange(value);
    return writeKnown(value, context);
  };
}

function writeAbstract(
  operation: ValidatedSubscriptionArgs,
  type: GraphQLAbstractType,
  sets: readonly SelectionSetNode[],
): Write {
  const { resolveType } = type;
  if (!resolveType) throw new Unsuited(`${type.name} does not tell its types`);
  const writers = new Map<string, Write>();
  return (value, context) => {
    const name = resolveType(value, context, noInfo, type);
    if (typeof name !== 'string') throw new Unsuited(`${type.name} tells its types later`);
    let write = writers.get(name);
    if (!write) {
      write = compiled(operation, type, name, sets);
      writers.set(name, write);
    }
    try {
      return write(value, context);
    } catch (error) {
      // Its resolvers were called for nothing, and will be called again: those that ask Dify are not to do so each time.
      if (error instanceof Unsuited && error.isForEver) writers.set(name, refusing(error));
      throw error;
    }
  };
}

/** Of one of the types of an abstract one; what cannot be compiled is not tried again for each event. */
function compiled(
  operation: ValidatedSubscriptionArgs,
  abstract: GraphQLAbstractType,
  name: string,
  sets: readonly SelectionSetNode[],
): Write {
  const type = operation.schema.getType(name);
  try {
    if (!isObjectType(type) || !operation.schema.isSubType(abstract, type)) throw new Unsuited(`the type ${name}`);
    return writeObject(operation, type, sets);
  } catch (error) {
    return refusing(error);
  }
}

function refusing(error: unknown): Write {
  return () => {
    throw error;
  };
}

function writeLeaf(type: GraphQLLeafType): Write {
  const told = (value: unknown): string => {
    refuseStrange(value);
    const output = type.coerceOutputValue(value);
    const json = output === null || output === undefined ? undefined : JSON.stringify(output);
    if (json === undefined) throw new Unsuited(`a ${type.name} that is none`);
    return json;
  };
  if (type === GraphQLString || type === GraphQLID)
    return (value) => (typeof value === 'string' ? JSON.stringify(value) : told(value));
  if (type === GraphQLInt)
    return (value) => (typeof value === 'number' && value === (value | 0) ? String(value) : told(value));
  if (type === GraphQLBoolean) return (value) => (typeof value === 'boolean' ? String(value) : told(value));
  return told;
}

/** What an execution would wait for, or tell as an error. */
function refuseStrange(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Error) throw new Unsuited('an error');
  if ('then' in value && typeof value.then === 'function') {
    if (value instanceof Promise) value.catch(() => {});
    throw new Unsuited('a promise', true);
  }
}

/** All at once: of those behind the first nobody would hear how they ended. */
function refusePromises(values: readonly unknown[]): void {
  const promises = values.filter((value) => value instanceof Promise);
  for (const promise of promises) promise.catch(() => {});
  if (promises.length > 0) throw new Unsuited('a list of promises', true);
}

/** Resolvers that look at where they are asked are not asked here. */
const noInfo = new Proxy({} as GraphQLResolveInfo, {
  get: () => {
    throw new Unsuited('a resolver that reads its info', true);
  },
});
