import { describe, expect, test } from 'vitest';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { openRig, type Data, type Rig } from '../rig.ts';
import { codesOf, dataOf } from '../graphql/answers.ts';
import { post } from './doors.ts';

interface Said {
  /** Headers of the request that opens the socket. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly extensions?: Readonly<Record<string, unknown>> | null;
}

/** What one query over a WebSocket gets, whose client has said this about itself. */
async function ask(rig: Rig, { headers = {}, params, extensions }: Said): Promise<Data> {
  class WithHeaders extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, { headers });
    }
  }
  const client = createClient({
    url: rig.wsUrl,
    webSocketImpl: WithHeaders,
    ...(params === undefined ? {} : { connectionParams: params }),
  });
  const operation = { query: '{ viewer { id } }', ...(extensions === undefined ? {} : { extensions }) };
  try {
    for await (const result of client.iterate(operation as { query: string })) return result;
    throw new Error('nothing came');
  } catch (errors) {
    if (!Array.isArray(errors)) throw errors;
    return { errors };
  } finally {
    await client.dispose();
  }
}

const viewerOf = async (rig: Rig, said: Said) => dataOf(await ask(rig, said))['viewer'].id as string;

describe('a WebSocket', () => {
  test('says who it is from in many ways', async () => {
    await using rig = await openRig();
    expect(await viewerOf(rig, {})).toBe('anonymous');
    expect(await viewerOf(rig, { headers: { 'X-User': 'header' } })).toBe('header');
    expect(await viewerOf(rig, { params: { user: 'params' } })).toBe('params');
    expect(await viewerOf(rig, { params: { 'x-user': 'params' } })).toBe('params');
    expect(await viewerOf(rig, { params: { 'X-User': 'params' } })).toBe('params');
    expect(await viewerOf(rig, { extensions: { headers: { 'x-user': 'operation' } } })).toBe('operation');
    expect(await viewerOf(rig, { extensions: { headers: { 'X-User': 'operation' } } })).toBe('operation');
  });

  test('means the operation before the connection, and that before the request that opened it', async () => {
    await using rig = await openRig();
    const headers = { 'x-user': 'header' };
    const params = { user: 'params', 'x-user': 'other' };
    const extensions = { headers: { 'x-user': 'operation' } };
    expect(await viewerOf(rig, { headers, params, extensions })).toBe('operation');
    expect(await viewerOf(rig, { headers, params })).toBe('params');
    expect(await viewerOf(rig, { headers, params: { 'x-user': 'other' } })).toBe('other');
    expect(await viewerOf(rig, { headers, params: { token: 'x' } })).toBe('header');
  });

  test.each<[string, Said]>([
    ['no parameters', { params: {} }],
    ['a null for the user', { params: { user: null } }],
    ['no extensions', { extensions: {} }],
    ['a null for the headers', { extensions: { headers: null } }],
    ['a text for the headers', { extensions: { headers: 'x-user: ann' } }],
    ['other headers', { extensions: { headers: { accept: 'x' } } }],
  ])('is anonymous with %s', async (_, said) => {
    await using rig = await openRig();
    expect(await viewerOf(rig, said)).toBe('anonymous');
  });

  test.each<[string, Said]>([
    ['a number', { params: { user: 5 } }],
    ['an object', { params: { user: { id: 'ann' } } }],
    ['blank', { params: { user: '' } }],
    ['too long', { params: { user: 'a'.repeat(256) } }],
    ['of two lines', { params: { user: 'ann\neve' } }],
    ['a number, for one operation', { extensions: { headers: { 'x-user': 5 } } }],
  ])('is refused when the user is %s', async (_, said) => {
    await using rig = await openRig();
    expect(codesOf(await ask(rig, said))).toEqual(['BAD_USER_INPUT']);
  });

  test('may speak for somebody else in each operation', async () => {
    await using rig = await openRig();
    const client = rig.client({ connectionParams: { user: 'ann' } });
    const who = async (user?: string) => {
      const extensions = user === undefined ? {} : { extensions: { headers: { 'x-user': user } } };
      for await (const result of client.iterate<Data>({ query: '{ viewer { id } }', ...extensions })) {
        return result.data?.['viewer'].id as string;
      }
      return undefined;
    };
    expect(await Promise.all([who('bob'), who(), who('eve')])).toEqual(['bob', 'ann', 'eve']);
    await client.dispose();
  });
});

describe('an HTTP request', () => {
  const query = '{ viewer { id } }';

  test('is from whom its header names, or anonymous', async () => {
    await using rig = await openRig();
    for (const accept of ['application/json', 'text/event-stream']) {
      expect(await (await post(rig, { query }, { accept, 'X-User': 'ann' })).text()).toContain(
        '{"viewer":{"id":"ann"}}',
      );
      expect(await (await post(rig, { query }, { accept })).text()).toContain('{"viewer":{"id":"anonymous"}}');
    }
  });

  test('takes no user from its body', async () => {
    await using rig = await openRig();
    const extensions = { headers: { 'x-user': 'eve' } };
    const response = await post(rig, { query, extensions }, { accept: 'application/json', 'x-user': 'ann' });
    expect(await response.json()).toEqual({ data: { viewer: { id: 'ann' } } });
  });

  test('may have a user of 255 characters', async () => {
    await using rig = await openRig();
    const user = 'a'.repeat(255);
    expect(dataOf(await rig.query(query, {}, user))).toEqual({ viewer: { id: user } });
  });
});

describe('another way to know users', () => {
  test('gets what each door has to say', async () => {
    const said: unknown[] = [];
    await using rig = await openRig({
      identify: ({ header, connectionParams, operationHeaders }) => {
        said.push([header('authorization'), connectionParams, operationHeaders]);
        return { id: 'known', scopes: [] };
      },
    });
    const response = await post(rig, { query: '{ viewer { id } }' }, { authorization: 'Bearer a' });
    expect(await response.json()).toEqual({ data: { viewer: { id: 'known' } } });
    const headers = { authorization: 'Bearer b' };
    const socket = { headers, params: { token: 'c' }, extensions: { headers: { authorization: 'Bearer d' } } };
    expect(await viewerOf(rig, socket)).toBe('known');
    expect(said).toEqual([
      ['Bearer a', undefined, undefined],
      ['Bearer b', { token: 'c' }, undefined],
      ['Bearer b', { token: 'c' }, { authorization: 'Bearer d' }],
    ]);
  });
});
