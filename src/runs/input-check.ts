import type { FileReference } from '../dify/file-reference.ts';
import type { AppParameters, InputField } from '../dify/parameters.ts';
import type { Problem } from '../errors.ts';

interface Asked {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly conversationId: string | null;
  readonly files: readonly FileReference[];
}

/**
 * All that Dify would refuse of a question by the app's form (§1.1.1 of service-api), or fail on later. Inputs that the form does
 * not have are let through, for Dify drops them; so is what only Dify can judge, such as the extension of a file.
 */
export function inputProblems({ inputs, conversationId, files }: Asked, app: AppParameters): readonly Problem[] {
  const fields = app.inputs.flatMap((field) => {
    const value = Object.hasOwn(inputs, field.variable) ? inputs[field.variable] : undefined;
    // In a conversation that goes on, some kinds of apps keep what they were told at its start.
    const message = isMissing(value)
      ? field.required && conversationId === null && 'is required'
      : complaints(field, value);
    return message ? [{ path: `input.inputs.${field.variable}`, message }] : [];
  });
  return [...fields, ...fileProblems(files, app)];
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function complaints(field: InputField, value: unknown): string | undefined {
  switch (field.type) {
    case 'text-input':
    case 'paragraph':
      return aboutText(value, field.maxLength);
    case 'external_data_tool':
      return aboutText(value, null);
    case 'select':
      return aboutChoice(value, field.options);
    case 'number':
      return isNumber(value) ? undefined : 'must be a number, or a text that is one';
    case 'checkbox':
      return isTruth(value) ? undefined : 'must be true or false';
    case 'json_object':
      return isObject(value) ? undefined : 'must be an object';
    case 'file':
      return aboutFile(value, field.allowedFileTypes);
    case 'file-list':
      return aboutFiles(value, field);
    default:
      return undefined;
  }
}

function aboutText(value: unknown, maxLength: number | null): string | undefined {
  if (typeof value !== 'string') return 'must be a text';
  if (!maxLength) return undefined;
  // As Dify counts: an emoji outside the basic plane is one.
  const length = [...value].length;
  return length > maxLength ? `must have at most ${maxLength} characters: it has ${length}` : undefined;
}

function aboutChoice(value: unknown, options: readonly string[]): string | undefined {
  if (typeof value !== 'string') return 'must be a text';
  return options.length === 0 || options.includes(value) ? undefined : `must be one of: ${options.join(', ')}`;
}

/** Python takes underscores, too; what else it takes is no number to people. */
function isNumber(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'string' && /^\s*([+-]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)(e[+-]?\d+)?)?\s*$/i.test(value);
}

const truths: readonly string[] = ['true', '1', 'yes', 'on', 'false', '0', 'no', 'off'];

function isTruth(value: unknown): boolean {
  if (typeof value === 'string') return truths.includes(value.trim().toLowerCase());
  return typeof value === 'boolean' || value === 0 || value === 1;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function aboutFiles(value: unknown, { maxLength, allowedFileTypes }: InputField): string | undefined {
  if (!Array.isArray(value)) return 'must be a list of files';
  if (maxLength && value.length > maxLength) return `must have at most ${maxLength} files: it has ${value.length}`;
  const found = value.map((file) => aboutFile(file, allowedFileTypes)).findIndex((message) => message !== undefined);
  return found === -1 ? undefined : `[${found}] ${aboutFile(value[found], allowedFileTypes)}`;
}

/** By what a file of that transfer method is known. */
const targets: Readonly<Record<string, readonly string[]>> = {
  local_file: ['upload_file_id', 'related_id', 'reference'],
  remote_url: ['url', 'remote_url'],
  tool_file: ['tool_file_id', 'related_id', 'reference'],
};

/** The shape that Dify takes (§7.2), or a file as Dify itself describes one. */
function aboutFile(value: unknown, allowed: readonly string[]): string | undefined {
  const shape =
    'must be a file: { type, transfer_method: "local_file", upload_file_id } or one with "remote_url" and url';
  if (!isObject(value) || typeof value['type'] !== 'string') return shape;
  const method = value['transfer_method'];
  const known = typeof method === 'string' && Object.hasOwn(targets, method) ? targets[method] : undefined;
  if (typeof method !== 'string' || (known && !known.some((name) => !isMissing(value[name])))) return shape;
  return aboutType(value['type'], allowed);
}

/** Whether a `custom` one is allowed goes by its extension, which only Dify knows. */
function aboutType(type: string, allowed: readonly string[]): string | undefined {
  if (allowed.length === 0 || type === 'custom' || allowed.includes(type)) return undefined;
  return `must be of type ${allowed.join(', ')}: it is of type ${type}`;
}

/** Where files are switched off, Dify ignores them. */
function fileProblems(
  files: readonly FileReference[],
  { features: { fileUpload } }: AppParameters,
): readonly Problem[] {
  const { enabled, numberLimit, types } = fileUpload;
  if (!enabled) return [];
  const problems = files.flatMap(({ type }, index) => {
    const message = aboutType(type, types);
    return message === undefined ? [] : [{ path: `input.files.${index}`, message }];
  });
  if (!numberLimit || files.length <= numberLimit) return problems;
  const message = `must have at most ${numberLimit} files: it has ${files.length}`;
  return [{ path: 'input.files', message }, ...problems];
}
