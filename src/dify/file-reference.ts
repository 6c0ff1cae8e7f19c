import type { Json } from './coerce.ts';

/** A file that goes with a question, or in an input (§7.2). Dify tolerates most mismatches of `type`. */
export type FileReference = {
  readonly type: 'image' | 'document' | 'audio' | 'video' | 'custom';
} & (
  | {
      readonly transferMethod: 'local_file';
      /** Of an upload by the same user. */
      readonly uploadFileId: string;
    }
  | {
      readonly transferMethod: 'remote_url';
      /** Fetched by Dify. */
      readonly url: string;
    }
);

/** As Dify wants it, in `files` and in inputs of the kinds `file` and `file-list`. */
export function wireReference(file: FileReference): Json {
  const { type, transferMethod } = file;
  const target = file.transferMethod === 'local_file' ? { upload_file_id: file.uploadFileId } : { url: file.url };
  return { type, transfer_method: transferMethod, ...target };
}
