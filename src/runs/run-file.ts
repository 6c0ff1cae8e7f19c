import type { FileReference } from '../dify/file-reference.ts';
import type { WireFile } from '../dify/wire-event.ts';
import type { RunFile } from './run-event.ts';

/** Where a file was seen: in a run of the viewer's, in a message, or in both. */
export interface FilePlace {
  readonly app: string;
  readonly runId?: string | null;
  readonly conversationId?: string | null;
  readonly messageId?: string | null;
}

/** A file as runs keep it, from what Dify says of it. */
export function runFile(id: string, file: Omit<WireFile, 'id'>): RunFile {
  const { type, name, mimeType, size, belongsTo, transferMethod, uploadId, url } = file;
  const remote = transferMethod === 'remote_url';
  return { id, type, name, mimeType, size, fromUser: belongsTo === 'user', uploadId, sourceUrl: url, remote };
}

/** A file that went with a question, until Dify tells of the message by an id of its own; `position` tells them apart. */
export function askedFile(file: FileReference, position: number): RunFile {
  const own = { type: file.type, name: null, mimeType: null, size: null, fromUser: true };
  return file.transferMethod === 'local_file'
    ? { ...own, id: file.uploadFileId, uploadId: file.uploadFileId, sourceUrl: null, remote: false }
    : { ...own, id: `remote-${position}`, uploadId: null, sourceUrl: file.url, remote: true };
}
