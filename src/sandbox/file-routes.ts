import { randomUUID } from 'node:crypto';
import { seconds } from './clock.ts';
import { invalidParam, refusal } from './errors.ts';
import { json, optionalUser, type Call, type Reply } from './http.ts';
import { fixedId } from './ids.ts';
import type { World } from './world.ts';

/** `POST /files/upload`: takes one file and says so. Nothing is kept, for no app here reads files. */
export async function uploadFile(world: World, call: Call): Promise<Reply> {
  const { app, headers, body } = call;
  const form = await formOf(headers['content-type'] ?? '', body);
  const user = optionalUser(app, form?.get('user'));
  const files = [...(form?.values() ?? [])].filter((value) => value instanceof File);
  const file = form?.get('file');
  if (!(file instanceof File)) throw refusal(400, 'no_file_uploaded', 'Please upload your file.');
  if (files.length > 1) throw refusal(400, 'too_many_files', 'Only one file is allowed.');
  if (/[/\\]/.test(file.name)) throw invalidParam('Filename contains invalid characters');
  const id = randomUUID();
  return json(
    {
      id,
      name: file.name,
      size: file.size,
      extension: /\.([^.]+)$/.exec(file.name)?.[1]?.toLowerCase() ?? '',
      mime_type: file.type,
      created_by: user.id,
      created_at: seconds(world.now()),
      preview_url: null,
      source_url: `${world.origin}/files/${id}/file-preview?timestamp=${seconds(world.now())}&nonce=sandbox&sign=sandbox`,
      original_url: null,
      user_id: null,
      tenant_id: fixedId('tenant'),
      conversation_id: null,
      file_key: null,
    },
    201,
  );
}

async function formOf(type: string, body: Buffer): Promise<FormData | undefined> {
  const response = new Response(new Uint8Array(body), { headers: { 'content-type': type } });
  return response.formData().catch(() => undefined);
}
