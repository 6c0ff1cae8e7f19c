import type { App, FormField } from './apps.ts';
import { invalidParam } from './errors.ts';
import { pythonRepr } from './python-json.ts';

/** The declared inputs of an app, checked (§1.1.1); unknown ones are dropped, absent ones get their default or null. */
export function inputsFor(app: App, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(app.form.map((field) => [field.variable, valueFor(field, given[field.variable])]));
}

function valueFor(field: FormField, given: unknown): unknown {
  const { variable, type } = field;
  const value = given === '' && type !== 'paragraph' && type !== 'text-input' ? undefined : given;
  if (value === undefined || value === null || (value === '' && field.required)) {
    if (field.required) throw invalidParam(`${variable} is required in input form`);
    return field.default ?? null;
  }
  if (type === 'number') return numberFor(variable, value);
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
