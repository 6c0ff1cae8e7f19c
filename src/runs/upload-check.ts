import type { FileReference } from '../dify/file-reference.ts';
import type { AppParameters } from '../dify/parameters.ts';
import { GatewayError } from '../errors.ts';

/** What is known of a file before it is read. */
export interface FileFacts {
  readonly name: string;
  readonly mimeType: string;
  /** Bytes; undefined until they are counted. */
  readonly size?: number | undefined;
}

type Kind = FileReference['type'];

/** As what an app takes a file, and how much of it. */
export interface Admission {
  readonly type: Kind;
  /** In MB; null where Dify does not say. */
  readonly limitMb: number | null;
}

/** What Dify tells kinds by (§7.1): everything else is a document. */
const extensions = {
  image: ['jpg', 'jpeg', 'png', 'webp', 'gif', 'svg'],
  video: ['mp4', 'mov', 'mpeg', 'webm'],
  audio: ['mp3', 'm4a', 'wav', 'amr', 'mpga'],
} as const;

/** The kind of a file by its extension; by its type where that says nothing. */
export function kindOf({ name, mimeType }: FileFacts): Exclude<Kind, 'custom'> {
  const extension = extensionOf(name);
  const kinds = ['image', 'video', 'audio'] as const;
  const named = kinds.find((kind) => (extensions[kind] as readonly string[]).includes(extension));
  return (
    named ??
    (extension === '' ? kinds.find((kind) => mimeType.toLowerCase().startsWith(`${kind}/`)) : undefined) ??
    'document'
  );
}

/** One way of giving files to an app: with a question, or in a field of its form. */
interface Entrance {
  readonly types: readonly string[];
  readonly extensions: readonly string[];
  readonly methods: readonly string[];
}

/** As what the app takes a file, by its settings; `byForm`: one of its runs waits for a file. Refuses what no entrance is open to. */
export function admitted(file: FileFacts, app: string, parameters: AppParameters, byForm: boolean): Admission {
  const kind = kindOf(file);
  const open = entrances(parameters).filter(({ methods }) => methods.length === 0 || methods.includes('local_file'));
  const type = byForm || open.some(({ types }) => types.length === 0 || types.includes(kind)) ? kind : undefined;
  const custom = open.some(
    ({ types, extensions: own }) =>
      types.includes('custom') && (own.length === 0 || own.some((one) => isOf(file, one))),
  );
  const taken = type ?? (custom ? 'custom' : undefined);
  if (taken === undefined) throw refused(app, kind, open);
  return { type: taken, limitMb: limitOf(file, parameters) };
}

/** Dify's limits go by the extension alone. */
function limitOf({ name }: FileFacts, { features: { sizeLimitsMb } }: AppParameters): number | null {
  return sizeLimitsMb[kindOf({ name, mimeType: '' })];
}

export function tooLarge(limitMb: number): GatewayError {
  return new GatewayError('FILE_TOO_LARGE', `The file is larger than ${limitMb} MB, the most for files of its kind.`);
}

function entrances({ inputs, features: { fileUpload } }: AppParameters): readonly Entrance[] {
  const fields = inputs
    .filter(({ type }) => type === 'file' || type === 'file-list')
    .map(({ allowedFileTypes, allowedFileExtensions, allowedUploadMethods }) => ({
      types: allowedFileTypes,
      extensions: allowedFileExtensions,
      methods: allowedUploadMethods,
    }));
  return fileUpload.enabled ? [fileUpload, ...fields] : fields;
}

function refused(app: string, kind: Kind, open: readonly Entrance[]): GatewayError {
  const named = open.flatMap(({ types, extensions: own }) =>
    types.flatMap((type) => (type === 'custom' ? own : [type])),
  );
  const takes = open.length === 0 ? 'it takes no uploads' : `it takes ${[...new Set(named)].join(', ')}`;
  return new GatewayError('UNSUPPORTED_FILE_TYPE', `The app “${app}” does not take this file (${kind}): ${takes}.`);
}

function isOf({ name }: FileFacts, extension: string): boolean {
  return extensionOf(name) === extension.replace(/^\./, '').toLowerCase();
}

/** Lower case, without the dot; empty for none. */
function extensionOf(name: string): string {
  return /\.([^.\s/\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
}
