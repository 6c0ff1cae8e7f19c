import { randomUUID } from 'node:crypto';
import { seconds } from './clock.ts';
import { invalidParam, refusal } from './errors.ts';
import { extensionOf, kindOf, sizeLimits } from './file-kinds.ts';
import { addressOf } from './files.ts';
import { json, optionalUser, type Call, type Reply } from './http.ts';
import { fixedId } from './ids.ts';
import type { FormFile } from './multipart.ts';
import { picture } from './speech.ts';
import type { Upload } from './uploads.ts';
import type { World } from './world.ts';

/** `POST /files/upload` (§7.1) */
export function uploadFile(world: World, { app, form }: Call): Reply {
  const user = optionalUser(app, form?.fields.get('user'));
  const file = onlyFile(form?.files ?? []);
  const extension = extensionOf(file.name);
  // The braces are Dify's (observed).
  if (file.size > sizeLimits[kindOf(extension)] * 1024 * 1024) {
    throw refusal(413, 'file_too_large', 'File size exceeded. {message}');
  }
  const upload: Upload = {
    id: randomUUID(),
    app: app.name,
    userId: user.id,
    name: shortName(file.name, extension),
    extension,
    mimeType: file.type,
    size: file.size,
    bytes: file.bytes,
    createdAt: world.now(),
  };
  world.uploads.add(upload);
  return json(uploadReply(world, upload), 201);
}

function onlyFile(files: readonly FormFile[]): FormFile & { readonly type: string } {
  const file = files.find(({ field }) => field === 'file');
  if (file === undefined) throw refusal(400, 'no_file_uploaded', 'Please upload your file.');
  if (files.length > 1) throw refusal(400, 'too_many_files', 'Only one file is allowed.');
  const { name, type } = file;
  if (name === '') throw refusal(400, 'filename_not_exists_error', 'The specified filename does not exist.');
  if (type === undefined || type === '') throw refusal(415, 'unsupported_file_type', 'File type not allowed.');
  if (/[/\\]/.test(name)) throw invalidParam('Filename contains invalid characters');
  return { ...file, type };
}

/** Names of more than 200 characters lose their middle: the extension stays. */
function shortName(name: string, extension: string): string {
  const characters = [...name];
  return characters.length <= 200 ? name : `${characters.slice(0, 200).join('').split('.')[0] ?? ''}.${extension}`;
}

const uploadReply = (world: World, upload: Upload) => ({
  id: upload.id,
  ...(world.features.endUsers ? { reference: null } : {}),
  name: upload.name,
  size: upload.size,
  extension: upload.extension,
  mime_type: upload.mimeType,
  created_by: upload.userId,
  created_at: seconds(upload.createdAt),
  preview_url: null,
  source_url: addressOf(world, upload.id),
  original_url: null,
  user_id: null,
  tenant_id: fixedId('tenant'),
  conversation_id: null,
  file_key: null,
});

/** `GET /files/{id}/preview`: only what a message of this app came with, whoever asks (§7.3). */
export function previewFile(world: World, { app, params, query }: Call): Reply {
  const upload = world.uploads.find(params['file'] ?? '');
  if (upload === undefined || !world.uploads.isMentioned(upload.id))
    throw noSuchFile('File not found in message context');
  if (upload.app !== app.name) {
    throw refusal(403, 'file_access_denied', 'File access denied: not owned by requesting app');
  }
  if (upload.bytes === undefined) throw noSuchFile('Upload file record not found');
  const { name, mimeType: type, bytes } = upload;
  const playable = /^(audio|video)\//.test(type);
  const asAttachment = query.get('as_attachment')?.toLowerCase() === 'true' || (world.features.tidy && isHtml(type));
  const headers = { 'Cache-Control': 'public, max-age=3600', ...(playable ? { 'Accept-Ranges': 'bytes' } : {}) };
  if (!asAttachment) return { bytes, type, headers };
  const disposition = `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
  return { bytes, type: 'application/octet-stream', headers: { ...headers, 'Content-Disposition': disposition } };
}

const isHtml = (type: string) => /^(text\/html|application\/xhtml\+xml)$/.test(type);
const noSuchFile = (message: string) => refusal(404, 'file_not_found', message);

/** `GET /files/{id}/file-preview`, the signed address of an upload: no key, but a signature. */
export function signedFile(world: World, { params, query }: Call): Reply {
  requireSignature(query);
  const upload = world.uploads.find(params['file'] ?? '');
  if (upload?.bytes === undefined) throw refusal(404, 'not_found', 'File not found or signature is invalid');
  return { bytes: upload.bytes, type: upload.mimeType };
}

/** `GET /files/tools/{file}`: what tools make is always the same picture. */
export function toolFile(_: World, { query }: Call): Reply {
  requireSignature(query);
  return { bytes: picture, type: 'image/png' };
}

function requireSignature(query: URLSearchParams): void {
  if (query.get('sign') !== 'sandbox') throw refusal(403, 'forbidden', 'Invalid request.');
}
