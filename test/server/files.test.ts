import { once } from 'node:events';
import http from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { frame, openSse, sendJson, serve, type Exchange } from '../dify/fake-server.ts';
import { codesOf, dataOf } from '../graphql/answers.ts';
import { openFakeApp } from '../graphql/fake-app.ts';
import { openGateway, openRig, type Data } from '../rig.ts';
import { ask, askAbout, formWith, multipart, picture, program, storedFiles, uploaded } from './carrying.ts';

const megabyte = 1_048_576;
const uploads = ({ path }: { readonly path: string }) => path === '/v1/files/upload';

async function refusal(response: Promise<Response>): Promise<unknown[]> {
  const { status, headers, ...rest } = await response.then(async (one) => ({
    status: one.status,
    headers: one.headers,
    body: JSON.parse(await one.text()) as Data,
  }));
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(rest.body['message']).toEqual(expect.any(String));
  return [status, rest.body['code']];
}

/** A body of so many bytes, made as they are taken; chunked. */
function endless(bytes: number): RequestInit {
  let left = bytes;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const size = Math.min(left, 65_536);
      left -= size;
      if (size > 0) controller.enqueue(new Uint8Array(size));
      else controller.close();
    },
  });
  return { method: 'POST', body, duplex: 'half' } as RequestInit;
}

describe('an upload', () => {
  test('by form is handed on, and can be asked about', async () => {
    await using rig = await openRig();
    const body = formWith(['file', picture('tücke "1".png')]);
    const response = await ask(rig, '/files/assistant', { method: 'POST', body, user: 'ann' });
    expect(response.status).toBe(201);
    const file = (await response.json()) as Data;
    expect(file).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'tücke "1".png',
      size: 15,
      extension: 'png',
      mimeType: 'image/png',
      type: 'IMAGE',
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect((await askAbout(rig, file['id'], 'ann'))['run'].error).toBeNull();
  });

  test('of another viewer is no file to ask about: not known here, Dify says so within the run', async () => {
    await using rig = await openRig();
    const id = await uploaded(rig, 'ann');
    const file = { type: 'image', transfer_method: 'local_file', upload_file_id: id };
    const query = 'mutation ($input: ChatInput!) { chat(input: $input) { run { error { code } } } }';
    const inputs: object[] = [
      { files: [{ upload: { id, type: 'IMAGE' } }] },
      { files: [{ upload: { id: id.toUpperCase(), type: 'IMAGE' } }] },
      { app: 'concierge', files: [{ upload: { id, type: 'IMAGE' } }] },
      { inputs: { picture: file } },
      { inputs: { pictures: [file] } },
    ];
    for (const input of inputs)
      expect(codesOf(await rig.query(query, { input: { query: 'a', ...input } }, 'eve'))).toEqual(['NOT_FOUND']);
    expect(rig.generations()).toEqual([]);
    // After a restart, nobody knows whose it is but Dify.
    await using restarted = await openGateway(rig.sandbox);
    const body = JSON.stringify({ query, variables: { input: { query: 'a', ...inputs[0] } } });
    const headers = { 'content-type': 'application/json', 'x-user': 'eve' };
    const asked = (await (await fetch(restarted.url, { method: 'POST', headers, body })).json()) as Data;
    expect(asked['data'].chat.run.error).toEqual({ code: 'UPSTREAM_REJECTED' });
  });

  test.each<[string, string, Record<string, string>]>([
    ['the path, and the name from a header', '/files/concierge', { 'x-file-name': 'n%C3%B6te.txt' }],
    [
      'the query, and the name from the disposition',
      '/files?app=concierge',
      { 'content-disposition': 'attachment; filename="C:\\\\n.txt"' },
    ],
    ['nothing, and the name encoded', '/files', { 'content-disposition': "inline; filename*=UTF-8''n%C3%B6te.txt" }],
  ])('is a body, too: app from %s', async (_, path, headers) => {
    await using rig = await openRig();
    const sent = { 'content-type': 'text/plain; charset=utf-8', ...headers };
    const response = await ask(rig, path, { method: 'POST', body: 'hello', user: 'ann', headers: sent });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({
      name: /^n(ö?te)?\.txt$/,
      size: 5,
      mimeType: 'text/plain',
      type: 'DOCUMENT',
    });
  });

  test('by GraphQL is the same', async () => {
    await using rig = await openRig();
    const query = `mutation ($file: File!) {
      uploadFile(app: "assistant", file: $file) { id name size extension mimeType type createdAt }
    }`;
    const response = await multipart(rig, query, picture());
    const { uploadFile } = dataOf((await response.json()) as never);
    expect(uploadFile).toMatchObject({ name: 'pixel.png', size: 15, extension: 'png', type: 'IMAGE' });
    expect((await askAbout(rig, uploadFile.id, 'ann'))['run'].error).toBeNull();
    const long = await multipart(rig, query, new File([Buffer.alloc(megabyte)], 'long.png', { type: 'image/png' }));
    expect(dataOf((await long.json()) as never)['uploadFile']).toMatchObject({ name: 'long.png', size: megabyte });
    expect(codesOf(await rig.query(query, { file: 'pixel.png' }))).toEqual(['BAD_USER_INPUT']);
    expect((await multipart(rig, query, new File([Buffer.alloc(25 * megabyte)], 'a.mp4'))).status).toBe(413);
  });

  test.each<[string, RequestInit]>([
    ['nothing', {}],
    ['no name', { body: 'hello' }],
    ['a form without a file', { body: formWith() }],
    ['a form with a file elsewhere', { body: formWith(['picture', picture()]) }],
    ['a form with two files', { body: formWith(['file', picture()], ['file', picture()]) }],
    ['a file without a name', { body: formWith(['file', picture('/')]) }],
    ['a form without a boundary', { body: 'x', headers: { 'content-type': 'multipart/form-data' } }],
    ['a form of another kind', { body: 'x', headers: { 'content-type': 'multipart/mixed; boundary=b' } }],
    [
      'a form that breaks off',
      {
        body: '--b\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\ncontent-type: image/png\r\n\r\nPNG',
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      },
    ],
  ])('of %s is refused', async (_, init) => {
    await using rig = await openRig();
    const response = ask(rig, '/files', { method: 'POST', user: 'ann', ...init });
    expect(await refusal(response)).toEqual([400, 'BAD_USER_INPUT']);
    // One that was begun did not come to its end.
    expect(rig.requests.filter(uploads)).toEqual([]);
  });

  test('to an app that is not there is refused', async () => {
    await using rig = await openRig();
    for (const path of ['/files/nobody', '/files?app=nobody']) {
      const response = ask(rig, path, { method: 'POST', body: formWith(['file', picture()]) });
      expect(await refusal(response)).toEqual([404, 'APP_NOT_FOUND']);
    }
  });

  test('of a type that the app does not take does not reach Dify', async () => {
    await using rig = await openRig();
    const response = ask(rig, '/files/thinker', { method: 'POST', body: formWith(['file', picture()]) });
    expect(await refusal(response)).toEqual([415, 'UNSUPPORTED_FILE_TYPE']);
    expect(rig.requests.filter(uploads)).toEqual([]);
    await using careless = await openRig({ checkInputs: false });
    await uploaded(careless, 'ann', picture(), 'thinker');
  });

  test('of more than the app takes is refused before it is read, where its length is told', async () => {
    await using rig = await openRig();
    const large = new File([Buffer.alloc(10 * megabyte + 70_000)], 'a.png', { type: 'image/png' });
    const form = ask(rig, '/files', { method: 'POST', body: formWith(['file', large]) });
    expect(await refusal(form)).toEqual([413, 'FILE_TOO_LARGE']);
    const raw = ask(rig, '/files', { method: 'POST', body: large, headers: { 'x-file-name': 'a.png' } });
    expect(await refusal(raw)).toEqual([413, 'FILE_TOO_LARGE']);
    expect(rig.requests.filter(uploads)).toEqual([]);
  });

  test('of more than the app takes is broken off while it is read, where its length is not told', async () => {
    let received = 0;
    const arrived = Promise.withResolvers<boolean>();
    await using app = await openFakeApp({ '/parameters': takesImages });
    const dify = app.server.server;
    dify.removeAllListeners('request');
    dify.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      if (!request.url?.endsWith('/upload')) return sendJson({ response } as Exchange, 200, takesImages);
      request.on('data', (piece: Buffer) => (received += piece.length));
      request.on('close', () => arrived.resolve(request.complete));
      return undefined;
    });
    const response = ask(app, '/files', { ...endless(200 * megabyte), headers: { 'x-file-name': 'a.png' } });
    expect(await refusal(response)).toEqual([413, 'FILE_TOO_LARGE']);
    expect(await arrived.promise).toBe(false);
    expect(received).toBeLessThan(11 * megabyte);
  });

  test('that Dify does not take has its code and HTTP’s', async () => {
    const answers: [number, object][] = [
      [413, { code: 'file_too_large', message: 'x', status: 413 }],
      [415, { code: 'unsupported_file_type', message: 'x', status: 415 }],
      [400, { code: 'file_extension_blocked', message: 'x', status: 400 }],
      [401, { code: 'unauthorized', message: 'x', status: 401 }],
      [429, { code: 'too_many_requests', message: 'x', status: 429 }],
      [500, {}],
      [400, { code: 'odd', message: 'x', status: 400 }],
    ];
    let next = 0;
    await using app = await openFakeApp({
      '/parameters': takesImages,
      '/files/upload': (exchange) => sendJson(exchange, ...answers[next++]!),
    });
    const seen: unknown[] = [];
    for (const _ of answers)
      seen.push(await refusal(ask(app, '/files', { method: 'POST', body: formWith(['file', picture()]) })));
    expect(seen).toEqual([
      [413, 'FILE_TOO_LARGE'],
      [415, 'UNSUPPORTED_FILE_TYPE'],
      [415, 'UNSUPPORTED_FILE_TYPE'],
      [502, 'UPSTREAM_UNAUTHORIZED'],
      [429, 'UPSTREAM_RATE_LIMITED'],
      [502, 'UPSTREAM_ERROR'],
      [422, 'UPSTREAM_REJECTED'],
    ]);
  });

  test.each(['form', 'body'])('whose client leaves lets go of Dify at once: %s', async (kind) => {
    const begun = Promise.withResolvers<void>();
    const left = Promise.withResolvers<boolean>();
    await using app = await openFakeApp({ '/parameters': takesImages });
    const dify = app.server.server;
    dify.removeAllListeners('request');
    dify.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      if (!request.url?.endsWith('/upload')) return sendJson({ response } as Exchange, 200, takesImages);
      request.once('data', () => begun.resolve());
      request.resume().on('close', () => left.resolve(request.complete));
      return undefined;
    });
    const isForm = kind === 'form';
    const request = http.request(new URL('/files', app.url), {
      method: 'POST',
      headers: isForm ? { ...program, 'content-type': 'multipart/form-data; boundary=b' } : { 'x-file-name': 'a.png' },
    });
    request.on('error', () => {});
    if (isForm) request.write('--b\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n');
    request.write(Buffer.alloc(100_000));
    await begun.promise;
    const before = performance.now();
    request.destroy();
    expect(await left.promise).toBe(false);
    expect(performance.now() - before).toBeLessThan(100);
  });

  test('comes from pages of the origins that are listed, by POST', async () => {
    await using rig = await openRig({ cors: ['https://shop.example'] });
    const headers = {
      origin: 'https://shop.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-user',
    };
    const preflight = await ask(rig, '/files/assistant', { method: 'OPTIONS', headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(preflight.headers.get('access-control-allow-methods')).toBe('POST');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('x-user');
    const put = await ask(rig, '/files/assistant', { method: 'PUT', body: 'x' });
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await ask(rig, '/files/a/b/c')).status).toBe(404);
  });
});

const takesImages = {
  file_upload: {
    enabled: true,
    allowed_file_types: ['image'],
    allowed_file_extensions: [],
    allowed_file_upload_methods: ['local_file'],
  },
  system_parameters: {
    image_file_size_limit: 10,
    file_size_limit: 15,
    audio_file_size_limit: 50,
    video_file_size_limit: 100,
  },
};

describe('a file', () => {
  afterEach(() => void vi.useRealTimers());

  test('is read by the one who uploaded it, before a message has it and after', async () => {
    await using rig = await openRig();
    const id = await uploaded(rig, 'ann');
    for (const _ of ['before', 'after']) {
      const response = await ask(rig, `/files/assistant/${id}`, { user: 'ann' });
      expect([response.status, await response.text()]).toEqual([200, await picture().text()]);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'image/png',
        'content-length': '15',
        'content-disposition': "inline; filename*=UTF-8''pixel.png",
        'accept-ranges': 'bytes',
        'x-content-type-options': 'nosniff',
        'content-security-policy': "sandbox; default-src 'none'",
        'cache-control': 'private, max-age=300',
        'cross-origin-resource-policy': 'cross-origin',
      });
      await askAbout(rig, id, 'ann');
    }
  });

  test('is read by nobody else, and nowhere else', async () => {
    await using rig = await openRig();
    const id = await uploaded(rig, 'ann');
    await askAbout(rig, id, 'ann');
    rig.requests.length = 0;
    expect(await refusal(ask(rig, `/files/assistant/${id}`, { user: 'eve' }))).toEqual([404, 'NOT_FOUND']);
    expect(await refusal(ask(rig, `/files/assistant/${id}`))).toEqual([404, 'NOT_FOUND']);
    expect(await refusal(ask(rig, `/files/concierge/${id}`, { user: 'ann' }))).toEqual([404, 'NOT_FOUND']);
    expect(await refusal(ask(rig, `/files/nobody/${id}`, { user: 'ann' }))).toEqual([404, 'APP_NOT_FOUND']);
    expect(await refusal(ask(rig, `/files/assistant/%E0%A4`, { user: 'ann' }))).toEqual([400, 'BAD_USER_INPUT']);
    expect(await refusal(ask(rig, `/files/assistant/..%2F..%2Finfo`, { user: 'ann' }))).toEqual([404, 'NOT_FOUND']);
    expect(rig.requests).toEqual([]);
  });

  test('of a message is read at its URL by whoever has that, for an hour, and not if it was changed', async () => {
    await using rig = await openRig();
    const id = await uploaded(rig, 'ann');
    const { conversationId } = await askAbout(rig, id, 'ann');
    const [{ url, fromUser }] = (await storedFiles(rig, conversationId, 'ann')) as [Data];
    expect([url, fromUser]).toEqual([
      expect.stringMatching(/^\/files\/assistant\/[0-9a-f-]{36}\?ticket=[\w.-]+$/),
      true,
    ]);
    for (const user of [undefined, 'ann', 'eve']) {
      const response = await ask(rig, url, user === undefined ? {} : { user });
      expect([response.status, await response.text()]).toEqual([200, await picture().text()]);
    }
    const [path = '', ticket = ''] = url.split('?ticket=');
    const [content = '', sign = ''] = ticket.split('.');
    const forged = Buffer.from(Buffer.from(content, 'base64url').toString().replace('ann', 'eve')).toString(
      'base64url',
    );
    const other = await uploaded(rig, 'ann');
    for (const wrong of [
      `${path}?ticket=`,
      `${path}?ticket=${content}`,
      `${path}?ticket=${content}.${sign.slice(0, -3)}`,
      `${path}?ticket=${content}.${sign.startsWith('A') ? 'B' : 'A'}${sign.slice(1)}`,
      `${path}?ticket=${forged}.${sign}`,
      `/files/assistant/${other}?ticket=${ticket}`,
      `${path.replace('assistant', 'concierge')}?ticket=${ticket}`,
    ]) {
      expect([wrong, ...(await refusal(ask(rig, wrong, { user: 'ann' })))]).toEqual([wrong, 404, 'NOT_FOUND']);
    }
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 59 * 60_000 });
    expect((await ask(rig, url)).status).toBe(200);
    vi.setSystemTime(Date.now() + 7 * 60_000);
    expect(await refusal(ask(rig, url))).toEqual([404, 'NOT_FOUND']);
  });

  test('has a URL that other processes take if they have the same secret', async () => {
    const secret = 'one secret for all of the processes';
    await using one = await openRig({ secret, publicUrl: 'https://chat.example.com/ai' });
    const id = await uploaded(one, 'ann');
    const { conversationId } = await askAbout(one, id, 'ann');
    const [{ url }] = (await storedFiles(one, conversationId, 'ann')) as [Data];
    expect(url).toMatch(/^https:\/\/chat\.example\.com\/ai\/files\//);
    const path = url.replace('https://chat.example.com/ai', '');
    await using two = await openRig({ secret });
    await using three = await openRig();
    // It is let in, and only then not found: the other process has another Dify.
    await ask(two, path);
    await ask(three, path);
    expect(two.requests.filter((request) => request.path.includes('/files/'))).toHaveLength(1);
    expect(three.requests).toEqual([]);
  });

  test('that the app made is read at the URL of its event and at that of its message; Dify’s never leaves', async () => {
    await using rig = await openRig();
    const stream = `subscription ($key: ID!) {
      chatStream(input: { app: "researcher", query: "!file How far is the moon?", idempotencyKey: $key }) {
        ... on FileProduced { file { id url fromUser } }
        ... on RunFinished { run { ... on ChatRun { conversationId message { files { id url } } } } }
      }
    }`;
    const results = await rig.collect(stream, { key: 'k' }, 'ann');
    const events = results.map((result) => dataOf(result)['chatStream'] as Data);
    const file = events.find((event) => 'file' in event)?.['file'] as Data;
    const { conversationId, message } = (events.at(-1) as Data)['run'];
    const [stored] = (await storedFiles(rig, conversationId, 'ann', 'researcher')) as [Data];
    expect(file['fromUser']).toBe(false);
    for (const url of [file['url'], message.files[0].url, stored['url']]) {
      const response = await ask(rig, url);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
      expect((await response.arrayBuffer()).byteLength).toBe(70);
    }
    expect(JSON.stringify([results, stored])).not.toContain('sign=');
  });

  test('in what a workflow puts out has a URL of ours instead of Dify’s', async () => {
    await using rig = await openRig({ nodeData: true });
    const id = await uploaded(rig, 'ann', picture(), 'describe');
    const run = `mutation ($id: ID!) {
      runWorkflow(input: { app: "describe", inputs: { file: { type: "image", transfer_method: "local_file", upload_file_id: $id } } }) {
        outputs
        run { ... on WorkflowRun { outputs files { id url } nodes { inputs outputs } } }
      }
    }`
      .replace('$id }', `"${id}" }`)
      .replace('($id: ID!) ', '');
    const { runWorkflow } = dataOf(await rig.query(run, {}, 'ann'));
    const { outputs } = runWorkflow;
    expect(outputs.file).toMatchObject({ dify_model_identity: '__dify__file__', related_id: id, remote_url: null });
    expect(outputs.file.url).toBe(runWorkflow.run.files[0].url);
    expect(JSON.stringify(runWorkflow)).not.toContain('sign=');
    expect(runWorkflow.run.nodes.at(-1).outputs.file.url).toBe(outputs.file.url);
    const response = await ask(rig, outputs.file.url);
    expect([response.status, await response.text()]).toEqual([200, await picture().text()]);
  });

  test('is asked for at the app’s own server, whatever host its address names', async () => {
    const tool = '7001f11e-0003-4000-8000-000000000001';
    const conversation = 'c0de0000-0003-4000-8000-000000000001';
    const elsewhere: string[] = [];
    await using other = await serveText((request) => elsewhere.push(request.url ?? ''));
    const signed = `files/tools/${tool}.png?timestamp=1&nonce=2&sign=3`;
    const files = [
      { id: 'relative', url: `/${signed}` },
      { id: 'inward', url: `${other.url}/${signed}` },
      { id: 'remote', transfer_method: 'remote_url', url: `${other.url}/${signed}` },
      { id: 'unsigned', url: `${other.url}/files/tools/${tool}.png` },
      { id: 'theirs', url: `${other.url}/picture.png?timestamp=1&nonce=2&sign=3` },
      { id: 'mine', belongs_to: 'user', transfer_method: 'remote_url', url: 'https://pictures.example/cat.png' },
      { id: 'door', belongs_to: 'user', transfer_method: 'remote_url', url: 'https://pictures.example/cat.png?sign=1' },
    ].map((file) => ({ type: 'image', filename: 'a.png', mime_type: 'image/png', ...file }));
    await using app = await openFakeApp({
      '/messages': {
        limit: 20,
        has_more: false,
        data: [
          { id: 'm', conversation_id: conversation, query: 'q', answer: 'a', created_at: 1, message_files: files },
        ],
      },
      [`/files/tools/${tool}.png`]: ({ request, response }) => {
        expect(request.headers.authorization).toBeUndefined();
        response.writeHead(200, { 'content-type': 'image/png' }).end('ours');
      },
    });
    const query = `{ conversationHistory(conversationId: "${conversation}") { nodes { files { id url } } } }`;
    const { conversationHistory } = dataOf(await app.query(query));
    const urls = Object.fromEntries((conversationHistory.nodes[0].files as Data[]).map(({ id, url }) => [id, url]));
    expect(urls).toEqual({
      relative: expect.stringContaining('/files/assistant/relative?ticket='),
      inward: expect.stringContaining('/files/assistant/inward?ticket='),
      remote: null,
      unsigned: null,
      theirs: null,
      mine: 'https://pictures.example/cat.png',
      door: null,
    });
    for (const id of ['relative', 'inward']) expect(await (await ask(app, urls[id])).text()).toBe('ours');
    expect(elsewhere).toEqual([]);
  });

  test('is asked for at the server of files that is configured, and at no other', async () => {
    const tool = '7001f11e-0003-4000-8000-000000000001';
    const elsewhere: string[] = [];
    const asked: http.IncomingMessage[] = [];
    await using other = await serveText((request) => elsewhere.push(request.url ?? ''));
    await using storage = await serveText((request) => asked.push(request));
    const signed = `files/tools/${tool}.png?timestamp=1&nonce=2&sign=3`;
    const addresses = [
      `/${signed}`,
      `${other.url}/${signed}`,
      `${storage.url}/${signed}`,
      `${other.url}/api/${signed}`,
    ];
    const message_files = addresses.map((url, index) => ({ type: 'image', id: `f${index}`, url }));
    const message = { id: 'm', conversation_id: 'c', query: 'q', answer: 'a', created_at: 1, message_files };
    const routes = { '/messages': { limit: 20, has_more: false, data: [message] } };
    await using app = await openFakeApp(routes, { filesUrl: `${storage.url}/dify` });
    const id = 'c0de0000-0003-4000-8000-000000000001';
    const query = `{ conversationHistory(conversationId: "${id}") { nodes { files { url } } } }`;
    const { conversationHistory } = dataOf(await app.query(query));
    for (const { url } of conversationHistory.nodes[0].files as Data[])
      expect(await (await ask(app, url)).text()).toBe('theirs');
    expect(asked.map(({ url, headers }) => [url, headers.authorization])).toEqual(
      addresses.map(() => [`/dify/${signed}`, undefined]),
    );
    expect(elsewhere).toEqual([]);
    expect(app.requests.filter(({ url }) => url.includes('sign='))).toEqual([]);
  });

  test('that the server of files wants fetched elsewhere is not followed there', async () => {
    const tool = '7001f11e-0003-4000-8000-000000000001';
    const elsewhere: string[] = [];
    await using other = await serveText((request) => elsewhere.push(request.url ?? ''));
    await using storage = await serve(({ response }) => response.writeHead(302, { location: other.url }).end());
    const url = `/files/tools/${tool}.png?timestamp=1&nonce=2&sign=3`;
    const message_files = [{ type: 'image', id: 'f', url }];
    const message = { id: 'm', conversation_id: 'c', query: 'q', answer: 'a', created_at: 1, message_files };
    const routes = { '/messages': { limit: 20, has_more: false, data: [message] } };
    await using app = await openFakeApp(routes, { filesUrl: storage.baseUrl });
    const id = 'c0de0000-0003-4000-8000-000000000001';
    const query = `{ conversationHistory(conversationId: "${id}") { nodes { files { url } } } }`;
    const { conversationHistory } = dataOf(await app.query(query));
    expect(await refusal(ask(app, conversationHistory.nodes[0].files[0].url))).toEqual([502, 'UPSTREAM_PROTOCOL']);
    expect(storage.requests).toHaveLength(1);
    expect(elsewhere).toEqual([]);
  });

  test('of a run is read by the signature of its message once that of the run is too old', async () => {
    const conversation = 'c0de0000-0003-4000-8000-000000000001';
    const [messageId, fileId] = ['3e550000-0003-4000-8000-000000000001', '3ef00000-0003-4000-8000-000000000001'];
    const address = '/files/tools/7001f11e-0003-4000-8000-000000000001.png?timestamp=1&nonce=2&sign=';
    const of = { conversation_id: conversation, message_id: messageId, task_id: 't', created_at: 1 };
    const file = { id: fileId, type: 'image', belongs_to: 'assistant' };
    const record = (id: string, files: object[]) => ({
      id,
      query: 'q',
      answer: 'a',
      created_at: 1,
      message_files: files,
    });
    const asked: string[] = [];
    await using app = await openFakeApp({
      '/chat-messages': (exchange) =>
        openSse(exchange).end(
          frame({ event: 'message_file', ...of, ...file, url: `${address}old` }) +
            frame({ event: 'message_end', ...of }),
        ),
      '/messages': (exchange) => {
        const first = new URL(exchange.request.url, 'http://x').searchParams.get('first_id');
        const data = first === null ? [record('newer', [])] : [record(messageId, [{ ...file, url: `${address}new` }])];
        sendJson(exchange, 200, { limit: 100, has_more: first === null, data });
      },
      '/files/tools/7001f11e-0003-4000-8000-000000000001.png': (exchange) => {
        asked.push(exchange.request.url);
        if (exchange.request.url.endsWith('old'))
          sendJson(exchange, 403, { code: 'forbidden', message: 'Invalid request.' });
        else exchange.response.writeHead(200, { 'content-type': 'image/png' }).end('picture');
      },
    });
    const query = `mutation { chat(input: { query: "q", autoGenerateName: false }) { message { files { url } } } }`;
    const { chat } = dataOf(await app.query(query, {}, 'ann'));
    expect(await (await ask(app, chat.message.files[0].url)).text()).toBe('picture');
    expect(asked).toEqual([`${address}old`, `${address}new`]);
    const looked = app.requests.filter(({ url }) => url.startsWith('/v1/messages'));
    for (const { url } of looked) expect(url).toContain('user=ann');
  });

  const stored = '0123456789';
  test.each([
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=-99', 206, stored, 'bytes 0-9/10'],
    ['bytes=4-99', 206, '456789', 'bytes 4-9/10'],
    ['bytes=9-9', 206, '9', 'bytes 9-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=5-2', 200, stored, null],
    ['bytes=0-1,3-4', 200, stored, null],
    ['bytes=-', 200, stored, null],
    ['lines=1-2', 200, stored, null],
  ])('is read in part: %s', async (range, status, text, place) => {
    await using rig = await openRig();
    const id = await uploaded(rig, 'ann', new File([stored], 'a.txt', { type: 'text/plain' }));
    const path = `/files/assistant/${id}`;
    const response = await ask(rig, path, { user: 'ann', headers: { range } });
    expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
      status,
      text,
      place,
    ]);
    expect(response.headers.get('content-length')).toBe(String(text.length));
    const changed = await ask(rig, path, { user: 'ann', headers: { range, 'if-range': '"x"' } });
    expect([changed.status, await changed.text()]).toEqual([200, stored]);
  });

  test('can be asked about without being read', async () => {
    await using rig = await openRig();
    const id = await uploaded(rig, 'ann');
    const response = await ask(rig, `/files/assistant/${id}`, { method: 'HEAD', user: 'ann' });
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '15']);
    expect((await ask(rig, `/files/assistant/${id}`, { method: 'HEAD', user: 'eve' })).status).toBe(404);
  });

  test.each([
    ['a.html', 'text/html', 'application/octet-stream'],
    ['a.html', 'Text/HTML; charset=utf-8', 'application/octet-stream'],
    ['a.xhtml', 'application/xhtml+xml', 'application/octet-stream'],
    ['a.svg', 'image/svg+xml', 'application/octet-stream'],
    ['a.xml', 'text/xml', 'application/octet-stream'],
    ['a.xml', 'application/xml', 'application/octet-stream'],
    ['a.js', 'text/javascript', 'application/octet-stream'],
    ['a.js', 'application/javascript', 'application/octet-stream'],
    ['a.css', 'text/css', 'application/octet-stream'],
    ['a.odd', 'nonsense', 'application/octet-stream'],
    ['a.pdf', 'application/pdf', 'application/pdf'],
    ['a.csv', 'text/csv', 'text/csv'],
    ['a.zip', 'application/zip', 'application/zip'],
  ])('is not shown but saved: %s, %s', async (name, type, sent) => {
    await using app = await openFakeApp({
      '/parameters': { file_upload: { enabled: true } },
      '/files/upload': (exchange) => sendJson(exchange, 201, { id: 'f', name }),
      '/files/f/preview': ({ response }) => response.writeHead(200, { 'content-type': type }).end('<script>'),
    });
    await ask(app, '/files', { method: 'POST', body: formWith(['file', picture(name)]), user: 'ann' });
    const { headers } = await ask(app, '/files/assistant/f', { user: 'ann' });
    expect(headers.get('content-type')).toBe(sent);
    expect(headers.get('content-disposition')).toBe(`attachment; filename*=UTF-8''${name}`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
  });

  test.each(['the whole', 'a part'])('whose reader leaves lets go of Dify at once: %s', async (part) => {
    const left = Promise.withResolvers<void>();
    await using app = await openFakeApp({
      '/parameters': { file_upload: { enabled: true } },
      '/files/upload': (exchange) => sendJson(exchange, 201, { id: 'f', name: 'a.png' }),
      '/files/f/preview': ({ response }) => {
        response.on('close', () => left.resolve());
        response.writeHead(200, { 'content-type': 'image/png', 'content-length': 1_000 }).write('begun');
      },
    });
    await ask(app, '/files', { method: 'POST', body: formWith(['file', picture()]), user: 'ann' });
    const gone = new AbortController();
    const headers = part === 'a part' ? { range: 'bytes=0-100' } : {};
    const response = await ask(app, '/files/assistant/f', { user: 'ann', signal: gone.signal, headers });
    await response.body!.getReader().read();
    const before = performance.now();
    gone.abort();
    await left.promise;
    expect(performance.now() - before).toBeLessThan(100);
  });

  test('that breaks off at Dify breaks off here', async () => {
    await using app = await openFakeApp({
      '/parameters': { file_upload: { enabled: true } },
      '/files/upload': (exchange) => sendJson(exchange, 201, { id: 'f', name: 'a.png' }),
      '/files/f/preview': ({ response, socket }) => {
        response
          .writeHead(200, { 'content-type': 'image/png', 'content-length': 1_000 })
          .write('begun', () => socket.destroy());
      },
    });
    await ask(app, '/files', { method: 'POST', body: formWith(['file', picture()]), user: 'ann' });
    const response = await ask(app, '/files/assistant/f', { user: 'ann' });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });
});

/** A server that notes what it is asked. */
async function serveText(note: (request: http.IncomingMessage) => void) {
  const server = http.createServer((request, response) => {
    note(request);
    response.end('theirs');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
