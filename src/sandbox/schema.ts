import { invalidParam } from './errors.ts';
import { isUuid } from './ids.ts';
import { pythonRepr, pythonType } from './python-json.ts';

/** A complaint about one field: pydantic's text and its name for this kind of error. */
interface Complaint {
  readonly text: string;
  readonly type: string;
}

/** How one field of a request must look. A rule sees the value only when the field is there. */
export interface FieldRule {
  readonly required?: boolean;
  readonly check: (value: unknown) => Complaint | undefined;
}

const complaint = (text: string, type: string): Complaint => ({ text, type });

export const aDictionary: FieldRule['check'] = (value) =>
  pythonType(value) === 'dict' ? undefined : complaint('Input should be a valid dictionary', 'dict_type');

export const aString: FieldRule['check'] = (value) =>
  typeof value === 'string' ? undefined : complaint('Input should be a valid string', 'string_type');

const aList: FieldRule['check'] = (value) =>
  Array.isArray(value) ? undefined : complaint('Input should be a valid list', 'list_type');

export const aBoolean: FieldRule['check'] = (value) =>
  typeof value === 'boolean' ? undefined : complaint('Input should be a valid boolean', 'bool_type');

/** Null is as good as absent. */
export const orNull =
  (check: FieldRule['check']): FieldRule['check'] =>
  (value) =>
    value === null ? undefined : check(value);

export const oneOf =
  (...options: readonly string[]): FieldRule['check'] =>
  (value) => {
    if (options.includes(value as string)) return undefined;
    const names = options.map((option) => `'${option}'`);
    return complaint(`Input should be ${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`, 'literal_error');
  };

/** A UUID, or nothing but space for none. */
export const aUuid =
  (field: string): FieldRule['check'] =>
  (value) =>
    typeof value === 'string' && (value.trim() === '' || isUuid(value.trim()))
      ? undefined
      : complaint(`Value error, ${field} must be a valid UUID`, 'value_error');

/** A whole number in a query, within bounds that count as inside. */
export const between =
  (least: number, most: number): FieldRule['check'] =>
  (value) => {
    const number = Number(value);
    if (!Number.isInteger(number) || value === '') {
      return complaint('Input should be a valid integer, unable to parse string as an integer', 'int_parsing');
    }
    if (number < least) return complaint(`Input should be greater than or equal to ${least}`, 'greater_than_equal');
    return number > most ? complaint(`Input should be less than or equal to ${most}`, 'less_than_equal') : undefined;
  };

/** A part of a variable's name. */
export const aVariableName: FieldRule['check'] = (value) =>
  typeof value === 'string' && /^[\w.-]{1,255}$/.test(value)
    ? undefined
    : complaint(
        'Value error, Variable name can only contain letters, numbers, hyphens, underscores, and dots',
        'value_error',
      );

export const aNumber: FieldRule['check'] = (value) =>
  typeof value === 'number' ? undefined : complaint('Input should be a valid number', 'float_type');

/** What all generating requests have in common. */
export const generationRules = {
  inputs: { required: true, check: aDictionary },
  files: { check: orNull(aList) },
  response_mode: { check: orNull(oneOf('blocking', 'streaming')) },
} satisfies Record<string, FieldRule>;

/** Refuses what the rules complain about, in the words of pydantic 2.10 (E4 in §5.1). */
export function validate(
  model: string,
  input: Readonly<Record<string, unknown>>,
  rules: Readonly<Record<string, FieldRule>>,
): void {
  const lines: string[] = [];
  let errors = 0;
  const report = (field: string, { text, type }: Complaint, value: unknown) => {
    errors += 1;
    lines.push(
      field,
      `  ${text} [type=${type}, input_value=${shortened(pythonRepr(value))}, input_type=${pythonType(value)}]`,
      `    For further information visit https://errors.pydantic.dev/2.10/v/${type}`,
    );
  };
  for (const [field, rule] of Object.entries(rules)) {
    const value = input[field];
    if (value === undefined) {
      if (rule.required === true) report(field, complaint('Field required', 'missing'), input);
      continue;
    }
    const found = rule.check(value);
    if (found !== undefined) report(field, found, value);
  }
  if (errors > 0)
    throw invalidParam([`${errors} validation error${errors === 1 ? '' : 's'} for ${model}`, ...lines].join('\n'));
}

/** Pydantic shows at most 50 characters of the input: its start and its end. */
function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= 50 ? text : `${characters.slice(0, 25).join('')}...${characters.slice(-24).join('')}`;
}
