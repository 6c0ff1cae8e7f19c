import {
  getDirectiveValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isAbstractType,
  Kind,
  type FieldNode,
  type GraphQLObjectType,
  type SelectionNode,
  type SelectionSetNode,
  type ValidatedSubscriptionArgs,
} from 'graphql';
import { Unsuited } from './unsuited.ts';

/** What is asked of an object of this type, by response key, in the order of the specification's CollectFields. */
export function collectFields(
  operation: ValidatedSubscriptionArgs,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): ReadonlyMap<string, readonly FieldNode[]> {
  const { schema, fragmentDefinitions } = operation;
  const fields = new Map<string, FieldNode[]>();
  const spread = new Set<string>();

  function applies(condition: string): boolean {
    const named = schema.getType(condition);
    return named === type || (isAbstractType(named) && schema.isSubType(named, type));
  }

  function take(selections: readonly SelectionNode[]): void {
    for (const selection of selections) {
      if (!isIncluded(operation, selection)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const same = fields.get(key);
        if (same) same.push(selection);
        else fields.set(key, [selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        if (condition === undefined || applies(condition)) take(selection.selectionSet.selections);
      } else {
        const { value: name } = selection.name;
        if (spread.has(name)) continue;
        spread.add(name);
        const fragment = fragmentDefinitions[name];
        if (!fragment) throw new Unsuited(`no fragment ${name}`);
        if (applies(fragment.typeCondition.name.value)) take(fragment.selectionSet.selections);
      }
    }
  }

  for (const set of sets) take(set.selections);
  return fields;
}

function isIncluded({ variableValues }: ValidatedSubscriptionArgs, node: SelectionNode): boolean {
  const strange = node.directives?.find(({ name }) => name.value !== 'skip' && name.value !== 'include');
  if (strange) throw new Unsuited(`@${strange.name.value}`);
  if (!node.directives?.length) return true;
  if (getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.['if'] === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.['if'] !== false;
}
