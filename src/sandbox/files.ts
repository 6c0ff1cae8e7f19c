import type { MessageFile } from './message.ts';
import { fixedId } from './ids.ts';

/** A file in the outputs and at the end of a graph (§7.4). */
export function graphFile(file: MessageFile): object {
  return {
    dify_model_identity: '__dify__file__',
    id: null,
    tenant_id: fixedId('tenant'),
    type: file.type,
    transfer_method: file.transferMethod,
    remote_url: null,
    related_id: file.id,
    filename: file.filename,
    extension: '.png',
    mime_type: file.mimeType,
    size: file.size,
    url: file.url,
  };
}

/** The `files` of an easy-UI `message_end`: null, not an empty list, when there are none (1.12). */
export function filesAtEnd(files: readonly MessageFile[]): object[] | null {
  if (files.length === 0) return null;
  return files.map((file) => ({
    related_id: file.id,
    extension: '.png',
    filename: file.filename,
    size: file.size,
    mime_type: file.mimeType,
    transfer_method: file.transferMethod,
    type: file.type,
    url: file.url,
    upload_file_id: null,
    remote_url: null,
  }));
}
