import type { FileReference } from '../dify/file-reference.ts';
import { GatewayError, type Problem } from '../errors.ts';
import type { HumanForm } from '../runs/human-form.ts';
import type { FormAnswer } from '../runs/pause.ts';

/** What a value names, if it is a `FileInput`. */
export type FileNamed = (value: unknown) => FileReference | undefined;

/** What was filled in as a run takes it: files are named as everywhere here. Other values are for Dify to judge. */
export function formAnswer({ fields }: HumanForm, { action, inputs }: FormAnswer, named: FileNamed): FormAnswer {
  const files: Record<string, FileReference | readonly FileReference[]> = {};
  const problems: Problem[] = [];
  for (const { name, type } of fields) {
    const value = inputs[name];
    if ((type !== 'file' && type !== 'file-list') || value === undefined || value === null || value === '') continue;
    const found = type === 'file' ? named(value) : listNamed(value, named);
    if (found) files[name] = found;
    else problems.push({ path: `input.inputs.${name}`, message: complaint(type) });
  }
  if (problems.length === 0) return { action, inputs, files };
  const all = problems.map(({ path, message }) => `\`${path}\` ${message}`).join('; ');
  throw new GatewayError('BAD_USER_INPUT', `This does not fit the form: ${all}.`, { problems });
}

function listNamed(value: unknown, named: FileNamed): readonly FileReference[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const files = value.map(named);
  return files.every((file) => file !== undefined) ? files : undefined;
}

function complaint(type: 'file' | 'file-list'): string {
  const shape = '{ upload: { id, type } } or { remote: { url, type } }';
  return type === 'file' ? `must be a file: ${shape}` : `must be a list of files, each ${shape}`;
}
