import { once } from 'node:events';
import {
  array,
  asyncProperty,
  assert,
  constantFrom,
  json,
  oneof,
  string,
  uint8Array,
  webQueryParameters,
  type Arbitrary,
} from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRig, type Rig } from '../rig.ts';
import { ask } from './carrying.ts';
import { doors, post } from './doors.ts';
import { openSocket } from './socket.ts';

/** More of them: `FUZZ=5000 npx vitest run test/server/fuzz.test.ts`. */
const numRuns = Number(process.env['FUZZ'] ?? 150);

/** What documents are made of, in any order. */
const words = constantFrom(
  ...'{ } ( ) [ ] : ! $ @ & | = ... # " """ \\u0000 \n query mutation subscription fragment on F Query Viewer'.split(
    ' ',
  ),
  ...'viewer id runs first nodes conversations app name __typename __schema run stopRun runId $a Int String'.split(' '),
  ...'chatStream input query idempotencyKey runEvents after after:1 -1 1e400 9e99 0 "x" null true @skip(if:true)'.split(
    ' ',
  ),
);
const someDocument = array(words, { maxLength: 60 }).map((all) => all.join(' '));
const balanced = array(words, { maxLength: 20 }).map((all) => `{ ${all.join(' ')} }`);
const someText = oneof(someDocument, balanced, string({ unit: 'binary', maxLength: 200 }));

/** What a request or a frame says, of which some parts are as they are expected. */
const someBody = oneof(
  someText.map((query) => ({ query })),
  json().map((text) => ({
    query: 'query ($a: JSON, $f: RunFilter) { runs(filter: $f) { nodes { id } } }',
    variables: JSON.parse(text) as unknown,
  })),
  json().map((text) => JSON.parse(text) as unknown),
  json().map((text) => ({ query: '{ viewer { id } }', extensions: JSON.parse(text) as unknown })),
  json().map((text) => ({ query: '{ viewer { id } }', operationName: JSON.parse(text) as unknown })),
);

describe('anything at all', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await openRig();
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  async function holds<T>(arbitrary: Arbitrary<T>, says: (value: T) => Promise<Response | string>): Promise<void> {
    const property = asyncProperty(arbitrary, async (value) => {
      const said = await says(value);
      if (typeof said !== 'string') expect(said.status).toBeLessThan(500);
      expect(typeof said === 'string' ? said : await said.text()).not.toContain('INTERNAL');
    });
    await assert(property, { numRuns });
    expect(rig.logged.filter((line) => /"level":(50|60)/.test(line))).toEqual([]);
    for (const door of Object.values(doors))
      expect(await door(rig, { query: '{ viewer { id } }' })).toEqual([{ data: { viewer: { id: 'anonymous' } } }]);
  }

  test('as JSON by HTTP is answered, and never with a defect', async () => {
    await holds(someBody, (body) => post(rig, body));
  });

  test('as bytes by HTTP', async () => {
    const types = constantFrom(
      'application/json',
      'application/graphql',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
      'text/plain',
      '/',
      '',
    );
    const headers = (type: string) => ({ 'content-type': type, 'x-requested-with': 'a' });
    await holds(
      array(oneof(types, uint8Array({ maxLength: 300 })), { minLength: 2, maxLength: 2 }),
      async ([type, body]) => {
        const init = { method: 'POST', headers: headers(typeof type === 'string' ? type : 'application/json'), body };
        return fetch(rig.url, init as RequestInit);
      },
    );
  });

  test('as a query of GET', async () => {
    const headers = { 'x-requested-with': 'a' };
    await holds(webQueryParameters(), (query) => fetch(`${rig.url}?${query}`, { headers }));
    await holds(someText, (query) =>
      fetch(`${rig.url}?query=${encodeURIComponent(query.toWellFormed())}`, { headers }),
    );
  });

  test('as a document by SSE', async () => {
    await holds(oneof(someDocument, balanced), (query) => post(rig, { query }, { accept: 'text/event-stream' }));
  });

  test('as frames of a WebSocket', async () => {
    const frames = oneof(
      someBody.map((payload) => ({ id: 'a', type: 'subscribe', payload })),
      json().map((text) => JSON.parse(text) as unknown),
      json().map((text) => ({ type: 'connection_init', payload: JSON.parse(text) as unknown })),
      constantFrom<unknown>(
        { type: 'ping' },
        { type: 'pong', payload: [] },
        { type: 'complete', id: 'a' },
        { type: 'next', id: 'a' },
        '{',
        '',
      ),
    );
    await holds(array(frames, { maxLength: 4 }), async (all) => {
      await using socket = await openSocket(rig);
      const said: string[] = [];
      socket.ws.on('message', (data) => said.push((data as Buffer).toString()));
      for (const frame of all) if (socket.ws.readyState === socket.ws.OPEN) socket.send(frame);
      const pinged = once(socket.ws, 'pong');
      if (socket.ws.readyState === socket.ws.OPEN) socket.ws.ping();
      const closed = await Promise.race([pinged.then(() => null), socket.closed]);
      // 4500 is what a defect closes with.
      expect([null, 4400, 4409, 4429, 4401, 4403]).toContain(closed?.code ?? null);
      return said.join('');
    });
  });

  test('as a path of a plain route', async () => {
    const path = array(
      oneof(
        constantFrom('files', 'runs', 'speech', 'events', 'assistant', '..', '%', '%2e%2e', '%00', 'x'),
        string({ maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
      ),
      { maxLength: 4 },
    ).map((parts) => `/${parts.join('/')}`);
    const query = oneof(
      webQueryParameters(),
      constantFrom('ticket=x', 'token=x', 'after=x', 'after=99999999999', 'app=x'),
    );
    const methods = constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS');
    await holds(array(oneof(path, query, methods), { maxLength: 3 }), (parts) => {
      const method = parts.find((part) => /^[A-Z]+$/.test(part)) ?? 'GET';
      const where = parts.find((part) => part.startsWith('/')) ?? '/files/x/y';
      const asked = parts.find((part) => part.includes('=')) ?? '';
      const headers = { range: 'bytes=0-,5', 'last-event-id': '1' };
      return ask(rig, `/./${where}?${asked}`.replaceAll(/\/+/g, '/'), { method, headers });
    });
  });
});
