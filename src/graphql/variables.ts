import {
  getVariableValues,
  GraphQLError,
  Kind,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';

type Variables = Readonly<Record<string, unknown>>;

/** Up to so many characters, what is wrong with variables may be told one by one. */
export const SMALL_VARIABLES = 16_384;

/** How many values there are in variables, and how many characters in their texts and names; counts no further than to `most` values. */
export function extentOf(variables: Variables, most: number): { readonly values: number; readonly characters: number } {
  let [values, characters] = [0, 0];
  // Does not recurse: they may be nested as deeply as they like.
  for (const rest: unknown[] = [variables]; rest.length > 0 && values <= most;) {
    const one = rest.pop();
    if (typeof one === 'string') characters += one.length;
    if (!isJsonValue(one)) continue;
    const inner: readonly unknown[] = Array.isArray(one) ? one : Object.values(one);
    values += inner.length;
    if (values > most) break;
    if (!Array.isArray(one)) for (const name in one) characters += name.length;
    for (const next of inner) if (typeof next === 'object' || typeof next === 'string') rest.push(next);
  }
  return { values, characters };
}

/** Whether it is JSON all through: a file is not. */
export function isAllJson(value: unknown): boolean {
  for (const rest = [value]; rest.length > 0;) {
    const one = rest.pop();
    if (typeof one !== 'object' || one === null) continue;
    if (!isJsonValue(one)) return false;
    for (const next of Object.values(one)) rest.push(next);
  }
  return true;
}

/** Lists and objects as JSON has them: a file is one value, however long it is. */
function isJsonValue(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

/**
 * Throws the first thing that is wrong with large variables. The executor would tell a hundred, each of them with the whole value in
 * it: a request of 1 MB would be answered with 100 MB, after ten seconds in which nobody else is served.
 */
export function refuseWrong(
  variables: Variables,
  { definitions }: DocumentNode,
  operationName: string | null | undefined,
  schema: GraphQLSchema,
): void {
  const operations = definitions.filter(
    (one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION,
  );
  const operation =
    operations.length > 1 ? operations.find(({ name }) => name?.value === operationName) : operations[0];
  // It is not known which one is meant, which is told later.
  if (!operation) return;
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 });
  const [error] = errors ?? [];
  // As the executor’s are answered by HTTP.
  if (error)
    throw new GraphQLError(error.message, { nodes: error.nodes, extensions: { http: { status: 400, spec: true } } });
}
