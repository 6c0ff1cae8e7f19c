import { randomUUID } from 'node:crypto';
import type { App } from './app.ts';
import { invalidParam } from './errors.ts';
import { extensionOf, typeOf } from './file-kinds.ts';
import type { Seen } from './file-facts.ts';
import { addressOf } from './files.ts';
import type { EndUser } from './ids.ts';
import type { MessageFile } from './message.ts';
import { decoded } from './percent-text.ts';
import type { World } from './world.ts';

/** How many files one message may bring. */
export const mostFiles = 3;

/** Makes the file that a request refers to, or refuses it in Dify's words (§7.2). */
export type Attach = (given: unknown) => MessageFile;

/** Refers to the uploads of one user of one app; addresses are taken as they are and never fetched. */
export const attacher =
  (world: World, app: App, user: EndUser): Attach =>
  (given) => {
    const mapping = (typeof given === 'object' && given !== null ? given : {}) as Readonly<Record<string, unknown>>;
    const type = typeof mapping['type'] === 'string' ? mapping['type'] : 'custom';
    const method = mapping['transfer_method'];
    if (method === 'local_file') {
      const id = mapping['upload_file_id'];
      const upload = typeof id === 'string' ? world.uploads.find(id) : undefined;
      if (upload === undefined || upload.userId !== user.id || upload.app !== app.name) {
        throw invalidParam('Invalid upload file');
      }
      return {
        ...fresh(type, method),
        filename: upload.name,
        url: addressOf(world, upload.id),
        mimeType: upload.mimeType,
        size: upload.size,
        uploadId: upload.id,
      };
    }
    if (method === 'remote_url') {
      const url = mapping['url'] ?? mapping['remote_url'];
      if (typeof url !== 'string' || !URL.canParse(url)) throw invalidParam('Invalid file url');
      const filename = decoded(new URL(url).pathname.split('/').at(-1) ?? '') || 'file';
      return { ...fresh(type, method), filename, url, mimeType: typeOf(extensionOf(filename)), remoteUrl: url };
    }
    throw invalidParam(
      method === undefined ? 'transfer_method is required in file mapping' : 'Invalid file transfer method',
    );
  };

const fresh = (type: string, transferMethod: string): MessageFile => ({
  id: randomUUID(),
  filename: 'file',
  type,
  url: '',
  mimeType: 'application/octet-stream',
  size: -1,
  transferMethod,
  belongsTo: 'user',
  uploadId: null,
  remoteUrl: null,
});

/** The files of a question. An app that takes none ignores them (§1.1). */
export function attachmentsOf(world: World, app: App, user: EndUser, given: unknown): MessageFile[] {
  if (!app.takesFiles || !Array.isArray(given)) return [];
  if (given.length > mostFiles) throw invalidParam(`Number of files exceeds the maximum limit ${mostFiles}`);
  return given.map(attacher(world, app, user));
}

/** What an app sees of a file. */
export const seen = (world: World, file: MessageFile): Seen => ({
  filename: file.filename,
  mimeType: file.mimeType,
  size: file.size,
  bytes: file.uploadId === null ? undefined : world.uploads.find(file.uploadId)?.bytes,
  address: file.remoteUrl,
});
