import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { among } from '../../../src/server/auth/proxy.ts';
import { codesOf, dataOf } from '../../graphql/answers.ts';
import { openRig, type Data, type Rig } from '../../rig.ts';
import { openSocket } from '../socket.ts';

type Headers = Readonly<Record<string, string>>;
const hash = (key: string) => createHash('sha256').update(key).digest('hex');

async function who(rig: Rig, headers: Headers): Promise<Data> {
  const response = await fetch(rig.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: '{ viewer { id scopes } }' }),
  });
  return (await response.json()) as Data;
}

const viewer = async (rig: Rig, headers: Headers) => dataOf(await who(rig, headers))['viewer'] as Data;
const code = async (rig: Rig, headers: Headers) => codesOf(await who(rig, headers));

describe('an API key', () => {
  const apiKeys = [
    { name: 'crm', sha256: hash('the key of the CRM'), scopes: ['impersonate'] as const, apps: undefined },
    {
      name: 'report',
      sha256: hash('the key of the report').toUpperCase(),
      scopes: ['admin'] as const,
      apps: undefined,
    },
  ];
  const open = () => openRig({ auth: { apiKeys }, admins: [] });

  test('is taken in two headers, and is a user of its own', async () => {
    await using rig = await open();
    const report = { id: 'key:report', scopes: ['admin'] };
    expect(await viewer(rig, { 'x-api-key': 'the key of the report' })).toEqual(report);
    const token = 'x'.repeat(10);
    expect(await code(rig, { authorization: `Bearer ${token}` })).toEqual(['UNAUTHENTICATED']);
    await using socket = await openSocket(rig, { 'X-API-Key': 'the key of the report' });
    socket.send({ id: '1', type: 'subscribe', payload: { query: '{ viewer { id scopes } }' } });
    expect((await socket.nextOf('1'))['payload']).toEqual({ data: { viewer: report } });
  });

  test('with the scope for it acts for the user it names', async () => {
    await using rig = await open();
    const crm = { 'x-api-key': 'the key of the CRM' };
    expect(await viewer(rig, crm)).toMatchObject({ id: 'key:crm' });
    expect(await viewer(rig, { ...crm, 'x-user': 'ann' })).toMatchObject({ id: 'ann' });
    expect(await code(rig, { ...crm, 'x-user': 'key:report' })).toEqual(['UNAUTHENTICATED']);
    expect(await code(rig, { 'x-api-key': 'the key of the report', 'x-user': 'ann' })).toEqual(['FORBIDDEN']);
  });

  test.each<[string, Headers]>([
    ['no key', {}],
    ['a user alone', { 'x-user': 'ann' }],
    ['another key', { 'x-api-key': 'the key of the cat' }],
    ['its hash', { 'x-api-key': hash('the key of the CRM') }],
    ['an empty one', { 'x-api-key': '' }],
    ['other credentials', { authorization: 'Basic YW5uOmFubg==' }],
  ])('is not replaced by %s', async (_, headers) => {
    await using rig = await open();
    expect(await code(rig, headers)).toEqual(['UNAUTHENTICATED']);
  });

  test('is asked for before anything is read', async () => {
    await using rig = await open();
    for (const [path, type] of [
      ['/graphql', 'multipart/form-data; boundary=x'],
      ['/graphql', 'application/json'],
      ['/files/assistant', 'application/octet-stream'],
    ] as const) {
      // It never comes.
      const headers = {
        'content-type': type,
        'content-length': 1_000_000,
        'x-requested-with': 'a',
        'x-file-name': 'a',
      };
      const sent = request(new URL(path, rig.url), { method: 'POST', headers });
      sent.on('error', () => {});
      sent.flushHeaders();
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const [piece] = (await once(response, 'data')) as [Buffer];
      expect(piece.toString()).toContain('UNAUTHENTICATED');
      sent.destroy();
    }
  });

  test('that is missing is told by a status to those who read one', async () => {
    await using rig = await open();
    const ask = (accept: string) =>
      fetch(rig.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: '{"query":"{ viewer { id } }"}',
      });
    const [modern, plain, stream] = await Promise.all(
      ['application/graphql-response+json', 'application/json', 'text/event-stream'].map(ask),
    );
    expect([modern?.status, plain?.status, stream?.status]).toEqual([401, 200, 200]);
    for (const response of [modern, plain]) {
      expect(response?.headers.get('www-authenticate')).toBe('Bearer');
      expect(codesOf((await response?.json()) as Data)).toEqual(['UNAUTHENTICATED']);
    }
    expect(await stream?.text()).toContain('"UNAUTHENTICATED"');
  });
});

describe('a proxy', () => {
  const proxy = { header: 'x-forwarded-user', scopesHeader: 'x-scopes', addresses: ['127.0.0.0/8'] };

  test('that is known is believed who asks, and what they may do', async () => {
    await using rig = await openRig({ auth: { proxy }, admins: [] });
    expect(await viewer(rig, { 'x-forwarded-user': 'ann' })).toEqual({ id: 'ann', scopes: [] });
    expect(await viewer(rig, { 'x-forwarded-user': 'ann', 'x-scopes': 'openid, admin', 'x-user': 'eve' })).toEqual({
      id: 'ann',
      scopes: ['admin'],
    });
    expect(await code(rig, { 'x-user': 'ann' })).toEqual(['UNAUTHENTICATED']);
    expect(await code(rig, { 'x-forwarded-user': 'key:crm' })).toEqual(['UNAUTHENTICATED']);
    expect(await viewer(rig, { 'x-forwarded-user': 'ann', authorization: 'Basic YW5uOmFubg==' })).toMatchObject({
      id: 'ann',
    });
  });

  test('may keep the token that it has read', async () => {
    await using rig = await openRig({ auth: { proxy }, admins: [] });
    const headers = { 'x-forwarded-user': 'ann', authorization: 'Bearer of-the-proxy' };
    expect(await viewer(rig, headers)).toMatchObject({ id: 'ann' });
  });

  test('speaks in headers of the request, which its clients cannot choose, and not in a socket', async () => {
    await using rig = await openRig({ auth: { proxy }, admins: [] });
    const payload = {
      query: '{ viewer { id } }',
      extensions: { headers: { 'x-forwarded-user': 'eve', 'x-user': 'eve' } },
    };
    const said = { 'x-forwarded-user': 'eve', user: 'eve', headers: { 'x-forwarded-user': 'eve' } };
    await using socket = await openSocket(rig, said, { headers: { 'x-forwarded-user': 'ann' } });
    socket.send({ id: '1', type: 'subscribe', payload });
    expect((await socket.nextOf('1'))['payload']).toEqual({ data: { viewer: { id: 'ann' } } });
    await using unknown = await openSocket(rig, said);
    unknown.send({ id: '1', type: 'subscribe', payload });
    expect((await unknown.nextOf('1'))['payload']).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  });

  test('that is another is not', async () => {
    await using rig = await openRig({ auth: { proxy: { ...proxy, addresses: ['10.0.0.0/8', '::2'] } }, admins: [] });
    expect(await code(rig, { 'x-forwarded-user': 'ann' })).toEqual(['UNAUTHENTICATED']);
    const upload = await fetch(new URL('/files/assistant', rig.url), {
      method: 'POST',
      headers: { 'x-forwarded-user': 'ann', 'x-file-name': 'a.txt', 'content-type': 'text/plain' },
      body: 'text',
    });
    expect(upload.status).toBe(401);
  });

  test.each<[readonly string[], string | undefined, boolean]>([
    [['10.0.0.5'], '10.0.0.5', true],
    [['10.0.0.5'], '::ffff:10.0.0.5', true],
    [['10.0.0.5'], '10.0.0.6', false],
    [['10.0.0.0/8'], '10.200.0.1', true],
    [['10.0.0.0/8'], '::ffff:10.1.1.1', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['fd00::/8'], 'fd12::1', true],
    [['fd00::/8'], 'fe80::1', false],
    [['fe80::1'], 'fe80::1', true],
    [['0.0.0.0/0'], undefined, false],
    [['0.0.0.0/0'], '/run/app.sock', false],
  ])('of %j is known at %s: %s', (addresses, address, expected) => {
    expect(among(addresses)(address)).toBe(expected);
  });
});
