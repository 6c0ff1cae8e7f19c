import { seconds } from './clock.ts';
import { extensionOf } from './file-kinds.ts';
import { fixedId } from './ids.ts';
import type { MessageFile } from './message.ts';
import type { World } from './world.ts';

/** The address of an upload. The real ones expire; these do not. */
export const addressOf = (world: World, id: string) =>
  `${world.origin}/files/${id}/file-preview?timestamp=${seconds(world.now())}&nonce=sandbox&sign=sandbox`;

/** The address of a picture that a tool made. */
export const toolAddress = (world: World, id: string) =>
  `${world.origin}/files/tools/${id}.png?timestamp=${seconds(world.now())}&nonce=sandbox&sign=sandbox`;

const dotted = (name: string) => (extensionOf(name) === '' ? '' : `.${extensionOf(name)}`);

/** A file in the inputs, the outputs and at the end of a graph (§7.4). */
export function graphFile({ features }: World, file: MessageFile): Readonly<Record<string, unknown>> {
  return {
    dify_model_identity: '__dify__file__',
    id: null,
    ...(features.endUsers ? {} : { tenant_id: fixedId('tenant') }),
    type: file.type,
    transfer_method: file.transferMethod,
    remote_url: file.remoteUrl ?? (file.uploadId === null ? null : file.url),
    ...(features.endUsers ? { reference: null } : {}),
    related_id: file.uploadId ?? (file.remoteUrl === null ? file.id : null),
    filename: file.filename,
    extension: dotted(file.filename),
    mime_type: file.mimeType,
    size: file.size,
    url: file.url,
  };
}

/** The `files` of an easy-UI `message_end`; up to 1.15 null, not an empty list, when there are none. */
export function filesAtEnd({ features }: World, files: readonly MessageFile[]): object[] | null {
  if (files.length === 0) return features.tidy ? [] : null;
  return files.map((file) => ({
    related_id: file.id,
    extension: dotted(file.filename),
    filename: file.filename,
    size: file.size,
    mime_type: file.mimeType,
    transfer_method: file.transferMethod,
    type: file.type,
    url: file.url,
    upload_file_id: file.uploadId ?? file.id,
    remote_url: file.remoteUrl ?? '',
  }));
}
