import type { FileReference } from '../dify/file-reference.ts';
import { GatewayError } from '../errors.ts';
import type { KeptRun } from '../runs/run-log.ts';
import type { Question } from '../runs/question.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';

export const FileType = builder.enumType('FileType', {
  values: {
    IMAGE: { value: 'image' },
    DOCUMENT: { value: 'document' },
    AUDIO: { value: 'audio' },
    VIDEO: { value: 'video' },
    CUSTOM: { value: 'custom' },
  } as const,
});

/** Dify's name of a kind of file; what it invents anew is custom. */
export function fileTypeOf(type: string): FileReference['type'] {
  return type === 'image' || type === 'document' || type === 'audio' || type === 'video' ? type : 'custom';
}

const UploadReference = builder.inputType('UploadReference', {
  fields: (t) => ({ id: t.id({ required: true }), type: t.field({ type: FileType, required: true }) }),
});

const RemoteFile = builder.inputType('RemoteFile', {
  fields: (t) => ({ url: t.string({ required: true }), type: t.field({ type: FileType, required: true }) }),
});

export const FileInput = builder.inputType('FileInput', {
  isOneOf: true,
  description: 'A file for an app. Exactly one of the two.',
  fields: (t) => ({
    upload: t.field({ type: UploadReference, description: 'A file uploaded before by the same viewer.' }),
    remote: t.field({ type: RemoteFile, description: 'A file that Dify fetches.' }),
  }),
});

/** What `FileInput`s name, as Dify is told. */
export function referencesOf(
  files: readonly (typeof FileInput.$inferInput)[] | null | undefined,
): readonly FileReference[] {
  return (files ?? []).map(({ upload, remote }) => {
    if (upload) return { type: upload.type, transferMethod: 'local_file', uploadFileId: upload.id };
    if (remote && /^https?:\/\//i.test(remote.url))
      return { type: remote.type, transferMethod: 'remote_url', url: remote.url };
    throw new GatewayError('BAD_USER_INPUT', 'A remote file needs a URL that starts with https:// or http://.');
  });
}

/** What the ways of asking an app have in common: limits of their inputs. */
export const waitMsArgument = {
  defaultValue: 55_000,
  description:
    'How long the mutation may hold the request, in ms, 600,000 at most. 0 returns at once with the run. Ignored by subscriptions.',
};

const DisconnectPolicy = builder.enumType('DisconnectPolicy', {
  values: {
    CONTINUE: { description: 'It goes on to its end: whoever comes back finds the answer.' },
    CANCEL: { description: 'It is stopped, after a while in which a client may connect again.' },
  } as const,
});

export const onDisconnectArgument = {
  type: DisconnectPolicy,
  defaultValue: 'CONTINUE',
  description: 'What becomes of the run when nobody is attached any more: no subscription, and no mutation that waits.',
} as const;

export function checkedWait(argument: string, waitMs: number | null | undefined, standard: number): number {
  const ms = waitMs ?? standard;
  if (ms >= 0 && ms <= 600_000) return ms;
  throw new GatewayError('BAD_USER_INPUT', `\`${argument}\` must be from 0 to 600,000 ms.`);
}

/** Dify takes an object; the JSON scalar takes anything. */
export function checkedInputs(inputs: unknown): Readonly<Record<string, unknown>> {
  if (inputs === null || inputs === undefined) return {};
  if (typeof inputs === 'object' && !Array.isArray(inputs)) return { ...inputs };
  throw new GatewayError(
    'BAD_USER_INPUT',
    '`input.inputs` must be an object: the values of the app’s form by variable.',
  );
}

/** Refuses what names an upload that is known to be another viewer's. */
export async function refuseForeignUploads(
  { files, inputs }: { readonly files: readonly FileReference[]; readonly inputs: object },
  { uploads, viewer }: Context,
): Promise<void> {
  const named = files.flatMap((file) => (file.transferMethod === 'local_file' ? file.uploadFileId : []));
  for (const id of [...named, ...uploadsIn(inputs)]) await uploads.refuseForeign(viewer, id);
}

/** What names uploads where an app's form takes files, in Dify's own shape (§7.2 of service-api). */
function uploadsIn(inputs: object): string[] {
  const values: unknown[] = Object.values(inputs).flat();
  const files = values.filter((value) => typeof value === 'object' && value !== null) as Record<string, unknown>[];
  return files
    .flatMap((file) => [file['upload_file_id'], file['related_id'], file['reference']])
    .filter((id) => typeof id === 'string');
}

export function checkedKey(key: string | null | undefined, required: 'required' | 'optional'): string | null {
  if (key === null || key === undefined) {
    if (required === 'optional') return null;
    throw new GatewayError(
      'IDEMPOTENCY_KEY_REQUIRED',
      'Name this question with a unique `input.idempotencyKey` (a UUID): clients subscribe again after a lost connection, and only the key keeps that from asking again.',
    );
  }
  if (key.length >= 1 && key.length <= 255) return key;
  throw new GatewayError('BAD_USER_INPUT', '`input.idempotencyKey` must have 1 to 255 characters.');
}

/** What a call that waits returns, whatever it asked. */
export interface Answered {
  readonly run: KeptRun;
  readonly deduplicated: boolean;
  readonly complete: boolean;
}

/** Asks and waits for the end, `waitMs` at most, or until it is people's turn. */
export async function answered(
  question: Question,
  waitMs: number | null | undefined,
  context: Context,
): Promise<Answered> {
  const { runs, signal } = context;
  const limit = checkedWait('input.waitMs', waitMs, 55_000);
  await refuseForeignUploads(question, context);
  const { run, deduplicated } = await runs.start(question);
  return { run, deduplicated, complete: await runs.settled(run, limit, signal) };
}
