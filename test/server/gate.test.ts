import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startRun } from '../graphql/answers.ts';
import { openRig, type Rig } from '../rig.ts';
import { formWith, picture } from './carrying.ts';
import { post } from './doors.ts';

const shop = 'https://shop.example';
const foreign = [shop, 'null', 'https://shop.example.evil.example', 'file://', 'http://127.0.0.1.evil.example'];
const query = { query: '{ viewer { id } }' };

function preflight({ url }: Rig, path: string, origin: string): Promise<Response> {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type,x-user',
  };
  return fetch(new URL(path, url), { method: 'OPTIONS', headers });
}

/** The status that a handshake is answered with: 101 opens the socket. */
async function handshake({ wsUrl }: Rig, origin?: string, host?: string): Promise<number> {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws', {
    ...(origin === undefined ? {} : { origin }),
    ...(host === undefined ? {} : { headers: { host } }),
  });
  const status = Promise.withResolvers<number>();
  socket.on('error', () => {});
  socket.on('open', () => status.resolve(101));
  socket.on('unexpected-response', (_, response) => status.resolve(response.statusCode ?? 0));
  return status.promise.finally(() => socket.terminate());
}

/** What is said to whoever calls the server so. */
async function calledBy({ url }: Rig, host: string, path = '/graphql?query={__typename}'): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += data.toString()));
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: ${host}\r\naccept: application/json\r\nx-requested-with: x\r\nconnection: close\r\n\r\n`,
  );
  await once(socket, 'close');
  return answer;
}

describe('a page of another origin', () => {
  test.each(foreign)('may not ask, at any door: %s', async (origin) => {
    await using rig = await openRig();
    for (const path of ['/graphql', '/files/assistant', '/runs/x/events', '/speech/x', '/health', '/ready']) {
      for (const response of [
        await preflight(rig, path, origin),
        await fetch(new URL(path, rig.url), { headers: { origin } }),
      ]) {
        expect([path, response.status]).toEqual([path, 403]);
        expect(response.headers.get('access-control-allow-origin')).toBeNull();
      }
    }
    const asked = await post(rig, { query: 'mutation { chat(input: { query: "a" }) { answer } }' }, { origin });
    expect(await asked.json()).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    expect(await handshake(rig, origin)).toBe(403);
    expect(rig.generations()).toEqual([]);
  });

  test('may, at every door, when its origin is listed', async () => {
    await using rig = await openRig({ cors: [shop] });
    const id = await startRun(rig, '!echo a', 'anonymous');
    for (const path of ['/graphql', '/files/assistant', `/runs/${id}/events`, '/speech/x']) {
      const { status, headers } = await preflight(rig, path, shop);
      expect([path, status]).toEqual([path, 204]);
      expect(headers.get('access-control-allow-origin')).toBe(shop);
      expect(headers.get('access-control-allow-credentials')).toBe('true');
      expect(headers.get('access-control-allow-methods')).toBe('POST');
      expect(headers.get('access-control-allow-headers')).toBe('content-type,x-user');
    }
    for (const response of [
      await post(rig, query, { origin: shop }),
      await post(rig, query, { origin: shop, accept: 'text/event-stream' }),
      await fetch(new URL(`/runs/${id}/events`, rig.url), { headers: { origin: shop } }),
    ]) {
      expect(response.status).toBe(200);
      expect(response.headers.get('access-control-allow-origin')).toBe(shop);
      expect(response.headers.get('vary')).toContain('origin');
      await response.text();
    }
    expect(await handshake(rig, shop)).toBe(101);
    expect(await handshake(rig, 'https://other.example')).toBe(403);
  });

  test('may without what its browser adds, when all origins may', async () => {
    await using rig = await openRig({ cors: ['*'] });
    const response = await post(rig, query, { origin: shop });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
    expect((await preflight(rig, '/files/assistant', shop)).status).toBe(204);
    expect(await handshake(rig, shop)).toBe(101);
    const form = await fetch(new URL('/files/assistant', rig.url), {
      method: 'POST',
      headers: { origin: shop },
      body: formWith(['file', picture()]),
    });
    expect(form.status).toBe(400);
  });

  test('may when it is one of this machine’s, as long as nobody proves who they are', async () => {
    const own = ['http://localhost:5173', 'http://127.0.0.1:3000', 'http://[::1]:3000'];
    await using trusting = await openRig();
    await using careful = await openRig({ identify: () => ({ id: 'ann', scopes: [] }) });
    for (const origin of own) {
      expect((await post(trusting, query, { origin })).status).toBe(200);
      expect(await handshake(trusting, origin)).toBe(101);
      expect((await post(careful, query, { origin })).status).toBe(403);
      expect(await handshake(careful, origin)).toBe(403);
    }
  });
});

describe('a page of this server', () => {
  test('is welcome under the host it was asked for, and under its public URL', async () => {
    await using rig = await openRig({
      publicUrl: 'https://chat.example/api',
      identify: () => ({ id: 'ann', scopes: [] }),
    });
    const { host } = new URL(rig.url);
    for (const origin of [`http://${host}`, `https://${host}`, 'https://chat.example']) {
      expect((await post(rig, query, { origin })).status).toBe(200);
      expect(await handshake(rig, origin)).toBe(101);
    }
    expect((await post(rig, query, { origin: 'http://chat.example' })).status).toBe(403);
    expect(await handshake(rig, 'https://front.example', 'front.example')).toBe(101);
  });

  test('is none if it gave its own name to this machine', async () => {
    await using rig = await openRig({ publicUrl: 'https://chat.example' });
    for (const host of ['evil.example', 'evil.example:8000', '127.0.0.1.evil.example', '10.0.0.1']) {
      expect(await calledBy(rig, host)).toMatch(/^HTTP\/1\.1 403 [^]*"code":"FORBIDDEN"/);
      expect(await handshake(rig, `http://${host}`, host)).toBe(403);
    }
    for (const host of ['localhost', 'LOCALHOST:8000', '127.0.0.1:8000', '[::1]:8000', 'chat.example'])
      expect(await calledBy(rig, host)).toMatch(/^HTTP\/1\.1 200 /);
    await using careful = await openRig({ identify: () => ({ id: 'ann', scopes: [] }) });
    expect(await calledBy(careful, 'chat.example')).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('what any page could have made a browser send', () => {
  const operation = new URLSearchParams(query).toString();
  const operations = () => {
    const form = new FormData();
    form.append('operations', JSON.stringify(query));
    form.append('map', '{}');
    return form;
  };
  const sent: readonly (readonly [what: string, path: string, RequestInit])[] = [
    ['a form', '/graphql', { method: 'POST', body: new URLSearchParams(query) }],
    ['text', '/graphql', { method: 'POST', body: JSON.stringify(query) }],
    ['a GraphQL multipart request', '/graphql', { method: 'POST', body: operations() }],
    ['bytes of no type', '/graphql', { method: 'POST', body: Buffer.from(JSON.stringify(query)) }],
    ['a query by GET', `/graphql?${operation}`, {}],
    ['an event stream by GET', `/graphql?${operation}`, { headers: { accept: 'text/event-stream' } }],
    ['a link that is none to a page', `/graphql?${operation}`, { headers: { accept: 'text/html' } }],
    ['a file in a form', '/files/assistant', { method: 'POST', body: formWith(['file', picture()]) }],
    ['a file as text', '/files', { method: 'POST', body: 'hello' }],
  ];

  test.each(sent)('is refused, unless a header shows that it was not: %s', async (_, path, init) => {
    await using rig = await openRig();
    const url = new URL(path, rig.url);
    const ambient = { cookie: 'session=1', 'x-user': 'ann', authorization: 'Bearer added-by-a-proxy' };
    const refused = await fetch(url, {
      ...init,
      headers: { ...(init.headers as Record<string, string> | undefined), ...ambient },
    });
    expect(refused.status).toBe(400);
    expect(await refused.text()).toMatch(/"message":"Any page could .*"code":"BAD_USER_INPUT"|"code":.*Any page could/);
    expect(rig.requests).toEqual([]);
    for (const header of [
      'x-requested-with',
      'apollo-require-preflight',
      'x-apollo-operation-name',
      'sec-fetch-site',
    ]) {
      const shown = { [header]: 'same-origin' };
      const headers = { ...(init.headers as Record<string, string> | undefined), ...shown };
      expect(await (await fetch(url, { ...init, headers })).text()).not.toContain('Any page could');
    }
    const same = { ...(init.headers as Record<string, string> | undefined), origin: url.origin };
    expect(await (await fetch(url, { ...init, headers: same })).text()).not.toContain('Any page could');
  });
});

describe('every answer', () => {
  test('says how little a browser may do with it', async () => {
    await using rig = await openRig({ graphiql: true });
    const answers = [
      await post(rig, query),
      await post(rig, '{'),
      await fetch(rig.url, { headers: { accept: 'text/html' } }),
      ...(await Promise.all(
        ['/health', '/ready', '/nowhere', '/files/a/b', '/runs/x/events'].map((path) => fetch(new URL(path, rig.url))),
      )),
    ];
    for (const { url, headers } of answers) {
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy, url).toContain("default-src 'none'");
      expect(policy, url).toContain("frame-ancestors 'none'");
      expect(policy, url).not.toContain('unsafe-eval');
      expect(headers.get('x-content-type-options'), url).toBe('nosniff');
      expect(headers.get('referrer-policy'), url).toBe('no-referrer');
      expect(headers.get('cross-origin-opener-policy'), url).toBe('same-origin');
      expect(headers.get('cache-control'), url).toBe('no-store');
      expect(headers.get('set-cookie'), url).toBeNull();
    }
  });
});
