import {
  GraphQLObjectType,
  Kind,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type SelectionSetNode,
  type ValueNode,
  type VariableDefinitionNode,
} from 'graphql';
import { GatewayError } from '../errors.ts';
import { extentOf, refuseWrong, SMALL_VARIABLES } from './variables.ts';

/** How large an operation may be. All but tokens and values are counted through fragments, as often as these are spread. */
export interface DocumentLimits {
  /** Words and signs of the document. */
  readonly tokens: number;
  /** Fields within fields. */
  readonly depth: number;
  readonly aliases: number;
  readonly directives: number;
  /** Fields of the operation itself. */
  readonly rootFields: number;
  /** Each field is 1, times the pages that it stands in: `runs(first: 20) { nodes { id } }` is 41. */
  readonly cost: number;
  /** What stands in its variables, in lists and objects too. */
  readonly values: number;
}

type Size = Record<Exclude<keyof DocumentLimits, 'tokens' | 'values'>, number>;
type Variables = Readonly<Record<string, unknown>>;

const words: Readonly<Record<keyof Size, (size: number) => string>> = {
  depth: (size) => `is ${size} levels deep`,
  aliases: (size) => `has ${size} aliases`,
  directives: (size) => `has ${size} directives`,
  rootFields: (size) => `has ${size} fields at its root`,
  cost: (size) => `costs ${size}`,
};

/** What refuses a document that is too large, with LIMIT_EXCEEDED, in a time that grows with its text alone. It need not be valid. */
export function documentGuard(
  schema: GraphQLSchema,
  limits: DocumentLimits,
): (document: DocumentNode, variables: Variables, operationName?: string | null) => void {
  const pages = standardPages(schema);
  return (document, variables, operationName) => {
    const { values, characters } = extentOf(variables, limits.values);
    if (values > limits.values) throw tooLarge('The variables have too many values', 'values', limits.values);
    const measure = new Measure(document, variables, pages);
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) continue;
      const isOperation = definition.kind === Kind.OPERATION_DEFINITION;
      const size = isOperation
        ? measure.operation(definition.selectionSet, definition.directives, definition.variableDefinitions)
        : measure.fragment(definition.name.value);
      for (const name of Object.keys(words) as (keyof Size)[]) {
        if (size[name] <= limits[name] || (name === 'rootFields' && !isOperation)) continue;
        const what = isOperation ? 'The operation' : `The fragment “${definition.name.value}”`;
        throw tooLarge(`${what} ${words[name](size[name])}`, name, limits[name]);
      }
    }
    if (characters > SMALL_VARIABLES) refuseWrong(variables, document, operationName, schema);
  };
}

export function tooLarge(what: string, limit: keyof DocumentLimits, most: number): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', `${what}: the limit is ${most} (\`limits.document.${limit}\`).`);
}

/** Field → how much of a list it brings where nobody says; of all fields that bring pages. */
function standardPages(schema: GraphQLSchema): ReadonlyMap<string, number> {
  const pages = new Map<string, number>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!(type instanceof GraphQLObjectType)) continue;
    for (const field of Object.values(type.getFields()))
      if (field.args.some(({ name }) => pageArguments.has(name))) pages.set(field.name, STANDARD_PAGE);
  }
  return pages;
}

const pageArguments: ReadonlySet<string> = new Set(['first', 'last', 'limit']);
const STANDARD_PAGE = 20;
/** No page is larger: more is refused where it is asked for. */
const LARGEST_PAGE = 100;

class Measure {
  readonly #variables: Variables;
  readonly #pages: ReadonlyMap<string, number>;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  /** Those that are known, and those that are being measured: a circle counts nothing here, validation refuses it. */
  readonly #sizes = new Map<string, Size>();
  /** Of all operations: names that stand for several sizes stand for the largest. */
  readonly #defaults = new Map<string, number>();

  constructor(document: DocumentNode, variables: Variables, pages: ReadonlyMap<string, number>) {
    this.#variables = variables;
    this.#pages = pages;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
      if (definition.kind === Kind.OPERATION_DEFINITION) this.#learn(definition.variableDefinitions ?? []);
    }
  }

  operation(
    selections: SelectionSetNode,
    directives: readonly DirectiveNode[] | undefined,
    variables: readonly VariableDefinitionNode[] | undefined,
  ): Size {
    const size = this.#selections(selections);
    const onVariables = (variables ?? []).reduce((sum, { directives: on }) => sum + (on?.length ?? 0), 0);
    return { ...size, directives: size.directives + (directives?.length ?? 0) + onVariables };
  }

  fragment(name: string): Size {
    const known = this.#sizes.get(name);
    if (known) return known;
    const definition = this.#fragments.get(name);
    this.#sizes.set(name, nothing);
    if (!definition) return nothing;
    const size = this.#selections(definition.selectionSet);
    const whole = { ...size, directives: size.directives + (definition.directives?.length ?? 0) };
    this.#sizes.set(name, whole);
    return whole;
  }

  #selections({ selections }: SelectionSetNode): Size {
    const sum = { ...nothing };
    for (const selection of selections) {
      const inner =
        selection.kind === Kind.FIELD
          ? this.#field(selection)
          : selection.kind === Kind.INLINE_FRAGMENT
            ? this.#selections(selection.selectionSet)
            : this.fragment(selection.name.value);
      sum.depth = Math.max(sum.depth, inner.depth);
      sum.aliases += inner.aliases;
      sum.directives += inner.directives + (selection.directives?.length ?? 0);
      sum.rootFields += inner.rootFields;
      sum.cost += inner.cost;
    }
    return sum;
  }

  #field(field: FieldNode): Size {
    const inner = field.selectionSet ? this.#selections(field.selectionSet) : nothing;
    const aliases = inner.aliases + (field.alias ? 1 : 0);
    const cost = 1 + inner.cost * this.#page(field);
    return { depth: inner.depth + 1, aliases, directives: inner.directives, rootFields: 1, cost };
  }

  /** How many of what is in it a field brings. */
  #page(field: FieldNode): number {
    const standard = this.#pages.get(field.name.value);
    if (standard === undefined) return 1;
    const asked = field.arguments?.find(({ name }) => pageArguments.has(name.value));
    return asked ? within(this.#number(asked.value) ?? standard) : standard;
  }

  #number(value: ValueNode): number | undefined {
    if (value.kind === Kind.INT) return Number(value.value);
    if (value.kind !== Kind.VARIABLE) return undefined;
    const given = this.#variables[value.name.value];
    return typeof given === 'number' ? given : this.#defaults.get(value.name.value);
  }

  #learn(variables: readonly VariableDefinitionNode[]): void {
    for (const { variable, defaultValue } of variables) {
      if (defaultValue?.kind !== Kind.INT) continue;
      const name = variable.name.value;
      this.#defaults.set(name, Math.max(Number(defaultValue.value), this.#defaults.get(name) ?? 0));
    }
  }
}

const nothing: Size = { depth: 0, aliases: 0, directives: 0, rootFields: 0, cost: 0 };

function within(size: number): number {
  return Math.min(Math.max(size, 1), LARGEST_PAGE);
}
