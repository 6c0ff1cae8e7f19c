import { expect } from 'vitest';
import type { Data, Rig } from '../rig.ts';
import { dataOf } from '../graphql/answers.ts';

/** What tells a program from a page: a browser would ask before it sent this. */
export const program = { 'x-requested-with': 'test' } as const;

/** A request to a route beside GraphQL, as a user if one is named. */
export function ask(
  rig: { readonly url: string },
  path: string,
  init: RequestInit & { readonly user?: string } = {},
): Promise<Response> {
  const { user, headers, ...rest } = init;
  const named = {
    ...program,
    ...(user === undefined ? {} : { 'x-user': user }),
    ...(headers as Record<string, string> | undefined),
  };
  return fetch(new URL(path, rig.url), { ...rest, headers: named });
}

export const picture = (name = 'pixel.png', type = 'image/png') =>
  new File([Buffer.from('\u0089PNG not really', 'latin1')], name, { type });

export function formWith(...files: readonly (readonly [field: string, file: File])[]): FormData {
  const form = new FormData();
  form.append('note', 'fields are ignored');
  for (const [field, file] of files) form.append(field, file);
  return form;
}

/** Uploads a file by form; its id. */
export async function uploaded(rig: Rig, user: string, file = picture(), app = 'assistant'): Promise<string> {
  const response = await ask(rig, `/files/${app}`, { method: 'POST', body: formWith(['file', file]), user });
  const text = await response.text();
  expect([response.status, text]).toEqual([201, expect.any(String)]);
  return (JSON.parse(text) as { id: string }).id;
}

/** A GraphQL multipart request with one file, as `$file`. */
export async function multipart(rig: Rig, query: string, file: File, variables: object = {}) {
  const form = new FormData();
  form.append('operations', JSON.stringify({ query, variables: { ...variables, file: null } }));
  form.append('map', '{"0":["variables.file"]}');
  form.append('0', file);
  return ask(rig, '/graphql', { method: 'POST', body: form, user: 'ann', headers: { accept: 'application/json' } });
}

/** A question with an uploaded picture; what the message and its run say of their files. */
export async function askAbout(rig: Rig, id: string, user: string, query = '!echo nice'): Promise<Data> {
  const files = [{ upload: { id, type: 'IMAGE' } }];
  const asked = dataOf(
    await rig.query(
      `mutation ($input: ChatInput!) { chat(input: $input) { conversationId messageId run { id error { code message } } } }`,
      { input: { query, files, autoGenerateName: false } },
      user,
    ),
  )['chat'] as Data;
  return asked;
}

/** The files of a conversation's messages as they are stored. */
export async function storedFiles(rig: Rig, conversationId: string, user: string, app = 'assistant'): Promise<Data[]> {
  const query = `query ($app: ID!, $id: ID!) {
    conversationHistory(app: $app, conversationId: $id) { nodes { files { id name fromUser url } } }
  }`;
  const { conversationHistory } = dataOf(await rig.query(query, { app, id: conversationId }, user));
  return (conversationHistory.nodes as Data[]).flatMap(({ files }) => files as Data[]);
}
