import {
  getNamedType,
  isAbstractType,
  isObjectType,
  isRequiredArgument,
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import fc from 'fast-check';

/** A number below `n`. */
type Draw = (n: number) => number;

/** Any subscription to `field`: aliases, fragments within and beside it, conditions, the same field twice. Most are valid. */
export function selections(schema: GraphQLSchema, field: string, arguments_: string): fc.Arbitrary<string> {
  return fc.noShrink(fc.nat()).map((seed) => {
    let state = seed + 1;
    const draw: Draw = (n) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % n;
    };
    return operation(schema, field, arguments_, draw);
  });
}

function operation(schema: GraphQLSchema, field: string, arguments_: string, draw: Draw): string {
  const fragments: string[] = [];
  /** How much may still be selected. */
  let budget = 60;

  function condition(): string {
    const name = ['skip', 'include'][draw(2)];
    return draw(6) === 0 ? ` @${name}(if: ${['true', 'false', '$yes', '$no'][draw(4)]})` : '';
  }

  function possible(type: GraphQLNamedOutputType): GraphQLNamedOutputType {
    if (!isAbstractType(type)) return type;
    const types = [type, ...schema.getPossibleTypes(type)];
    return types[draw(types.length)] ?? type;
  }

  function set(type: GraphQLNamedOutputType, depth: number): string {
    const count = Math.min(budget, 1 + draw(isAbstractType(type) ? 9 : 4));
    budget -= count;
    if (count <= 0) return '{ __typename }';
    return `{ ${Array.from({ length: count }, () => selection(type, depth)).join(' ')} }`;
  }

  function selection(type: GraphQLNamedOutputType, depth: number): string {
    const kind = draw(isAbstractType(type) ? 5 : 9);
    if (kind === 0) return `__typename${condition()}`;
    if (kind === 1 || (isAbstractType(type) && kind === 2)) {
      const other = possible(type);
      return `... on ${other.name}${condition()} ${set(other, depth)}`;
    }
    if (isAbstractType(type) && kind === 3) {
      const other = possible(type);
      const name = `F${fragments.length}`;
      fragments.push('');
      fragments[Number(name.slice(1))] = `fragment ${name} on ${other.name} ${set(other, depth)}`;
      return `...${name}${condition()}${draw(3) === 0 ? ` ...${name}` : ''}`;
    }
    return fieldOf(type as GraphQLObjectType, depth);
  }

  function fieldOf(type: GraphQLObjectType, depth: number): string {
    const fields = Object.values(type.getFields()).filter(({ args, type: told }) => {
      const inner = getNamedType(told);
      return !args.some(isRequiredArgument) && (depth > 0 || !(isObjectType(inner) || isAbstractType(inner)));
    });
    const chosen = fields[draw(fields.length)];
    if (!chosen) return '__typename';
    const inner = getNamedType(chosen.type);
    const alias = draw(5) === 0 ? `${type.name}_${chosen.name}_${draw(3)}: ` : '';
    const told = isObjectType(inner) || isAbstractType(inner) ? ` ${set(inner, depth - 1)}` : '';
    const field = `${alias}${chosen.name}`;
    return `${field}${condition()}${told}${draw(8) === 0 ? ` ${field}${told}` : ''}`;
  }

  const root = schema.getSubscriptionType()?.getFields()[field];
  if (!root) throw new Error(`no subscription ${field}`);
  const told = set(getNamedType(root.type), 3);
  return [`subscription ($yes: Boolean = true, $no: Boolean!) { ${field}${arguments_} ${told} }`, ...fragments].join(
    '\n',
  );
}
