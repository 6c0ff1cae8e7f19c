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
