import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Json } from './client.ts';

/** A picture of one pixel. */
export const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mPcVLzkPwAGPgKkQj3m0gAAAABJRU5ErkJggg==',
  'base64',
);

/** A form with a file in it, and a user. */
export function formWith(file: File | undefined, user = 'ann'): FormData {
  const form = new FormData();
  if (file !== undefined) form.append('file', file);
  form.append('user', user);
  return form;
}

/** Posts a form to one app. */
export function postForm(sandbox: Sandbox, app: string, path: string, body: FormData) {
  return post(sandbox, app, path, { body });
}

/** Posts what pretends to be a form to the upload. */
export function postBytes(sandbox: Sandbox, app: string, text: string, boundary: string) {
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  return post(sandbox, app, '/files/upload', { body: text, headers });
}

async function post(sandbox: Sandbox, app: string, path: string, init: { body: BodyInit; headers?: object }) {
  const key = sandbox.apps.find(({ name }) => name === app)?.key ?? '';
  const headers = { authorization: `Bearer ${key}`, ...init.headers };
  const reply = await fetch(sandbox.url + path, { method: 'POST', headers, body: init.body });
  const text = await reply.text();
  return { status: reply.status, text, json: (text.startsWith('{') ? JSON.parse(text) : {}) as Json };
}

/** Uploads a file as a user of an app and gives its id. */
export async function uploaded(sandbox: Sandbox, app: string, file: File, user = 'ann'): Promise<string> {
  const { json } = await postForm(sandbox, app, '/files/upload', formWith(file, user));
  return String(json['id']);
}
