import type { App, FormField } from './app.ts';
import { attacher } from './attachments.ts';
import { invalidParam } from './errors.ts';
import { graphFile } from './files.ts';
import type { EndUser } from './ids.ts';
import { pythonRepr, pythonType } from './python-json.ts';
import type { World } from './world.ts';

/** The declared inputs of an app, checked (§1.1.1); unknown ones are dropped, absent ones get their default or null. */
export function inputsFor(
  world: World,
  app: App,
  user: EndUser,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const attach = attacher(world, app, user);
  const fileFor = (mapping: unknown) => graphFile(world, attach(mapping));
  return Object.fromEntries(app.form.map((field) => [field.variable, valueFor(field, given[field.variable], fileFor)]));
}

type FileFor = (mapping: unknown) => object;

function valueFor(field: FormField, given: unknown, fileFor: FileFor): unknown {
  const { variable, type } = field;
  const value = given === '' && type !== 'paragraph' && type !== 'text-input' ? undefined : given;
  if (value === undefined || value === null || (value === '' && field.required)) {
    if (field.required) throw invalidParam(`${variable} is required in input form`);
    return field.default ?? null;
  }
  if (type === 'number') return numberFor(variable, value);
  if (type === 'checkbox') return checkedFor(value);
  if (type === 'file') return oneFileFor(variable, value, fileFor);
  if (type === 'file-list') return filesFor(field, value, fileFor);
  if (type === 'json_object') {
    if (pythonType(value) !== 'dict') throw invalidParam(`${variable} in input form must be a dict`);
    return value;
  }
  if (typeof value !== 'string') throw invalidParam(`(type '${type}') ${variable} in input form must be a string`);
  if (field.options !== undefined && !field.options.includes(value)) {
    throw invalidParam(`${variable} in input form must be one of the following: ${pythonRepr(field.options)}`);
  }
  if (field.maxLength !== undefined && [...value].length > field.maxLength) {
    throw invalidParam(`${variable} in input form must be less than ${field.maxLength} characters`);
  }
  return value;
}

function numberFor(variable: string, value: unknown): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) {
    throw invalidParam(`${variable} in input form must be a valid number`);
  }
  return number;
}

/** Yes in one of its spellings; what is neither yes nor no passes as it is (§1.1.1). */
function checkedFor(value: unknown): unknown {
  const word = String(value as string).toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return true;
  return ['false', '0', 'no', 'off'].includes(word) ? false : value;
}

function oneFileFor(variable: string, value: unknown, fileFor: FileFor): object {
  if (pythonType(value) !== 'dict') throw invalidParam(`${variable} in input form must be a file`);
  return fileFor(value);
}

function filesFor({ variable, maxLength = 5 }: FormField, value: unknown, fileFor: FileFor): object[] {
  if (!Array.isArray(value) || !value.every((one) => pythonType(one) === 'dict')) {
    throw invalidParam(`${variable} in input form must be a list of files`);
  }
  if (value.length > maxLength) throw invalidParam(`${variable} in input form must be less than ${maxLength} files`);
  return value.map(fileFor);
}
