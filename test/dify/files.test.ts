import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { canary, client, never, recorded, sendJson, serve, type Exchange } from './fake-server.ts';
import { formOf } from './official.ts';

const user = 'u/ü&1';
const note = (body: AsyncIterable<Uint8Array> = Readable.from([Buffer.from('hello')])) => ({
  user,
  name: 'note.txt',
  mimeType: 'text/plain',
  body,
});
const fileId = 'a952e48e-dc27-437e-8e91-05461d260176';
const uploaded = (exchange: Exchange) => sendJson(exchange, 201, recorded('files/01-upload-txt.json').toString());

/** Gives pieces for ever, as fast as they are taken. */
class Endless implements AsyncIterable<Uint8Array> {
  given = 0;
  readonly #piece = Buffer.alloc(64 * 1024);
  readonly #left = Promise.withResolvers<void>();
  /** Resolves when nobody will ask any more. */
  readonly left = this.#left.promise;

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        this.given += this.#piece.length;
        return { done: false, value: this.#piece };
      },
      return: async () => {
        this.#left.resolve();
        return { done: true, value: undefined };
      },
    };
  }
}

/** A server that takes requests but reads no body unless told. */
async function unread(answer: http.RequestListener) {
  const server = http.createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const connections = () =>
    new Promise<number>((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  return {
    server,
    baseUrl,
    connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('an upload', () => {
  it('is one form with the user and the file', async () => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl);
    const body = Readable.from([Buffer.from('Kö'), Buffer.alloc(0), Buffer.from('ln\r\n--')]);
    const record = await dify.one.files.upload({ ...note(body), size: 9 }, never);
    expect(record).toEqual({
      id: fileId,
      name: 'note.txt',
      size: 17,
      extension: 'txt',
      mimeType: 'text/plain',
      createdAt: 1795330009,
      createdBy: 'c6c232e2-cc75-481a-a49f-a887c5cc0d1f',
      sourceUrl: expect.stringMatching(/file-preview/),
    });
    const request = server.requests[0]!;
    expect(request.headers['content-length']).toBe(String(request.bytes.length));
    expect(request.headers['transfer-encoding']).toBeUndefined();
    const form = await formOf(request);
    const file = form.get('file') as File;
    expect([...form.keys()]).toEqual(['user', 'file']);
    expect(form.get('user')).toBe(user);
    expect({ name: file.name, type: file.type, text: await file.text() }).toEqual({
      name: 'note.txt',
      type: 'text/plain',
      text: 'Köln\r\n--',
    });
    await server.empty();
  });

  it('is chunked when the size is not known', async () => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl);
    await dify.one.files.upload(note(), never);
    const request = server.requests[0]!;
    expect(request.headers['transfer-encoding']).toBe('chunked');
    expect(request.headers['content-length']).toBeUndefined();
    expect(await ((await formOf(request)).get('file') as File).text()).toBe('hello');
  });

  it('may be empty', async () => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl);
    await dify.one.files.upload({ ...note(Readable.from([])), size: 0 }, never);
    expect(((await formOf(server.requests[0]!)).get('file') as File).size).toBe(0);
  });

  it.each([
    ['a "b".txt', 'a "b".txt'],
    ['zwei\r\nX-Evil: 1\r\n\r\n.txt', 'zwei\r\nX-Evil: 1\r\n\r\n.txt'],
    ['日本 😀.txt', '日本 😀.txt'],
    ['a\u0000\u001bb.txt', 'a__b.txt'],
    ["x'; filename*=UTF-8''y.txt", "x'; filename*=UTF-8''y.txt"],
    ['lone \uD800.txt', 'lone \uFFFD.txt'],
  ])('carries the name %j and nothing more', async (name, read) => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl);
    await dify.one.files.upload({ ...note(), name, size: 5 }, never);
    const form = await formOf(server.requests[0]!);
    expect([...form.keys()]).toEqual(['user', 'file']);
    expect((form.get('file') as File).name).toBe(read);
  });

  it('does not let a type write headers', async () => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl);
    await dify.one.files.upload({ ...note(), mimeType: 'text/plain\r\nX-Evil: 1' }, never);
    expect(server.requests[0]!.body).not.toContain('X-Evil');
    expect(((await formOf(server.requests[0]!)).get('file') as File).type).toBe('application/octet-stream');
  });

  it.each([
    ['shorter', 9],
    ['longer', 3],
  ])('is refused here when the file is %s than it says', async (how, size) => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl);
    const upload = dify.one.files.upload({ ...note(), size }, never);
    await expect(upload).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining(how) });
    await server.empty();
    expect(server.requests).toEqual([]);
  });

  it('fails with what its source fails with', async () => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl);
    const cause = new Error('the client has gone');
    const body = Readable.from(
      (async function* broken() {
        yield Buffer.from('x');
        throw cause;
      })(),
    );
    await expect(dify.one.files.upload(note(body), never)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', cause });
    await server.empty();
  });

  it('hears of a source that broke before anybody listened', async () => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl);
    const body = new Readable({ read() {} });
    const upload = dify.one.files.upload(note(body), never);
    body.destroy(new Error('gone'));
    await expect(upload).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('is not sent twice when the connection is cut', async () => {
    await using server = await serve(({ socket }) => socket.resetAndDestroy());
    await using dify = client(server.baseUrl);
    await expect(dify.one.files.upload(note(), never)).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' });
    expect(server.requests).toHaveLength(1);
  });

  it('waits for a server that does not read', async () => {
    await using server = await unread(() => {});
    await using dify = client(server.baseUrl);
    const body = new Endless();
    const gone = new AbortController();
    const upload = expect(dify.one.files.upload(note(body), gone.signal)).rejects.toThrow('enough');
    await once(server.server, 'request');
    let before = -1;
    while (body.given !== before) {
      before = body.given;
      // The buffers of two sockets fill without an event that could be awaited.
      await sleep(100);
    }
    expect(body.given).toBeLessThan(32 * 1024 * 1024);
    gone.abort(new Error('enough'));
    await upload;
    await body.left;
  });

  it('lets go of socket and source within 100 ms of an abort, even of a source that waits', async () => {
    await using server = await unread((request) => request.resume());
    await using dify = client(server.baseUrl);
    const body = new Readable({ read() {} });
    body.push('x');
    const gone = new AbortController();
    const upload = expect(dify.one.files.upload(note(body), gone.signal)).rejects.toThrow('enough');
    const [request] = (await once(server.server, 'request')) as [http.IncomingMessage];
    const closed = Promise.all([closing(request.socket), closing(body)]);
    const before = performance.now();
    gone.abort(new Error('enough'));
    await upload;
    await closed;
    expect(performance.now() - before).toBeLessThan(100);
  });

  it('is not begun when it was aborted before', async () => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl);
    await expect(dify.one.files.upload(note(), AbortSignal.abort(new Error('no')))).rejects.toThrow('no');
    expect(server.connections).toBe(0);
  });

  it('times out when it does not move', async () => {
    await using server = await unread(() => {});
    await using dify = client(server.baseUrl, { headersMs: 200 });
    const body = new Endless();
    const upload = dify.one.files.upload(note(body), never);
    await expect(upload).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT', message: /upload did not move/ });
    await body.left;
  });

  it('times out when its source does not move, and lets go of it', async () => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl, { headersMs: 200 });
    const body = new Readable({ read() {} });
    await expect(dify.one.files.upload(note(body), never)).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(body.destroyed).toBe(true);
    await server.empty();
  });

  it('may take longer than the limit while it moves', async () => {
    await using server = await serve(uploaded);
    await using dify = client(server.baseUrl, { headersMs: 1_000 });
    const body = Readable.from(
      (async function* slow() {
        for (let piece = 0; piece < 12; piece++) {
          // The slowness is what is tested.
          await sleep(100);
          yield Buffer.from('x');
        }
      })(),
    );
    expect(await dify.one.files.upload(note(body), never)).toMatchObject({ id: fileId });
  });

  const tooLarge = [
    [
      'JSON with a template',
      'application/json',
      '{"code":"file_too_large","message":"File size exceeded. {message}","status":413}',
    ],
    ['JSON with nothing', 'application/json', '{"code":"file_too_large","message":"","status":413}'],
    ['JSON of the framework', 'application/json', '{"code":"request_entity_too_large","message":"","status":413}'],
    ['HTML of a proxy', 'text/html', '<html><h1>413 Request Entity Too Large</h1></html>'],
    ['nothing', 'text/plain', ''],
  ] as const;

  it.each(tooLarge)('C98 is too large when 413 comes as %s', async (_, type, body) => {
    await using server = await serve(({ response }) => response.writeHead(413, { 'content-type': type }).end(body));
    await using dify = client(server.baseUrl);
    await expect(dify.one.files.upload(note(), never)).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
      message: 'The file is larger than Dify takes',
      difyStatus: 413,
    });
  });

  it('C98 hears that it is too large before it has been sent', async () => {
    await using server = await unread((_, response) => response.writeHead(413, { 'content-type': 'text/html' }).end());
    await using dify = client(server.baseUrl);
    const body = new Endless();
    await expect(dify.one.files.upload(note(body), never)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    await body.left;
  });

  it.each([
    ['unsupported_file_type', 415, 'File type not allowed.'],
    ['file_extension_blocked', 400, 'The file extension is blocked.'],
    ['invalid_param', 400, "File extension '.exe' is not allowed for security reasons"],
  ])('is of a type that is not taken: %s', async (code, status, message) => {
    await using server = await serve((exchange) => sendJson(exchange, status, { code, message, status }));
    await using dify = client(server.baseUrl);
    const refused = { code: 'UNSUPPORTED_FILE_TYPE', difyCode: code, message };
    await expect(dify.one.files.upload(note(), never)).rejects.toMatchObject(refused);
  });

  it('does not take just any success for an upload', async () => {
    await using server = await serve((exchange) => sendJson(exchange, 200, { ok: true }));
    await using dify = client(server.baseUrl);
    await expect(dify.one.files.upload(note(), never)).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
  });
});

describe('a preview', () => {
  it('hands on the recorded bytes and the headers that matter', async () => {
    await using server = await serve(({ response }) => {
      const meta = JSON.parse(recorded('files/13-preview-attachment.meta.json').toString()) as { headers: object };
      response.writeHead(200, { ...meta.headers }).end(recorded('files/13-preview-attachment.bin'));
    });
    await using dify = client(server.baseUrl);
    const preview = await dify.one.files.preview({ fileId, asAttachment: true }, never);
    expect(preview).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': '73',
        'content-disposition': "attachment; filename*=UTF-8''pic.png",
      },
    });
    expect(Object.keys(preview.headers)).toHaveLength(3);
    expect(await buffer(preview.body)).toEqual(recorded('files/13-preview-attachment.bin'));
  });

  it('pauses a server whose bytes are not read, and frees the socket when it is released', async () => {
    let written = 0;
    await using server = await unread((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) written += 64 * 1024;
        response.once('drain', more);
      };
      more();
    });
    await using dify = client(server.baseUrl);
    const preview = await dify.one.files.preview({ fileId }, never);
    let before = -1;
    while (written !== before) {
      before = written;
      // The buffers of two sockets fill without an event that could be awaited.
      await sleep(100);
    }
    expect(written).toBeLessThan(32 * 1024 * 1024);
    const closed = closing(preview.body);
    preview.release();
    preview.release();
    await closed;
    await gone(server);
  });

  it('frees the socket when the signal aborts it midway', async () => {
    await using server = await unread((_, response) => void response.writeHead(200).write('x'));
    await using dify = client(server.baseUrl);
    const leaving = new AbortController();
    const { body } = await dify.one.files.preview({ fileId }, leaving.signal);
    const read = expect(buffer(body)).rejects.toThrow('enough');
    leaving.abort(new Error('enough'));
    await read;
    await gone(server);
  });

  it('errors when it is silent for too long while it is read', async () => {
    await using server = await unread((_, response) => void response.writeHead(200).write('x'));
    await using dify = client(server.baseUrl, { idleMs: 300 });
    const { body } = await dify.one.files.preview({ fileId }, never);
    await expect(buffer(body)).rejects.toThrow(/timeout/i);
    await gone(server);
  });

  it('is tried again while the way to Dify fails', async () => {
    await using server = await serve(({ response, index }) => response.writeHead(index < 2 ? 503 : 200).end('x'));
    await using dify = client(server.baseUrl);
    const { body } = await dify.one.files.preview({ fileId }, never);
    expect((await buffer(body)).toString()).toBe('x');
    expect(server.requests).toHaveLength(3);
  });

  it('is not tried again after an abort', async () => {
    await using server = await serve(({ response }) => response.writeHead(503).end());
    await using dify = client(server.baseUrl);
    const leaving = new AbortController();
    const asked = expect(dify.one.files.preview({ fileId }, leaving.signal)).rejects.toThrow('enough');
    await once(server.server, 'request');
    leaving.abort(new Error('enough'));
    await asked;
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['of another app', 403, recorded('files/15-preview-other-app.json').toString(), 'application/json'],
    [
      'not yet in a message',
      404,
      '{"code":"file_not_found","message":"File not found","status":404}',
      'application/json',
    ],
    ['whose id is no UUID', 404, '<!doctype html>', 'text/html'],
  ])('knows nothing of a file %s', async (_, status, body, type) => {
    await using server = await serve(({ response }) => response.writeHead(status, { 'content-type': type }).end(body));
    await using dify = client(server.baseUrl);
    await expect(dify.one.files.preview({ fileId }, never)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('hides the key from what an echo answers', async () => {
    await using server = await serve((exchange) =>
      sendJson(exchange, 400, { code: 'bad_request', message: exchange.request.headers.authorization }),
    );
    await using dify = client(server.baseUrl);
    const error = await dify.one.files.preview({ fileId }, never).catch((reason: unknown) => reason);
    expect(String((error as Error).message)).not.toContain(canary);
    expect(error).toMatchObject({ message: 'Bearer [hidden]' });
  });
});

/** Not `once`: that would reject at an `error` before it. */
function closing(stream: { once(event: 'close', listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

async function gone(server: { connections(): Promise<number> }): Promise<void> {
  // A server tells of a closed connection by its count alone.
  while ((await server.connections()) > 0) await sleep(5);
}
