import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { canary, client, message, never, openSse, sendJson, serve, type Exchange } from './fake-server.ts';

const question = { query: 'hi', user: 'u', inputs: {} };
const info = { name: 'n', description: '', tags: [], mode: 'chat' };

/** A TCP server that answers as it is told. */
async function listen(onSocket: (socket: net.Socket) => void) {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      server.emit('gone');
    });
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    sockets,
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function failure(work: Promise<unknown>): Promise<GatewayError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GatewayError);
  return error as GatewayError;
}

describe('a server that cannot be asked', () => {
  it('is unreachable when it refuses the connection', async () => {
    const { port, ...closed } = await listen(() => {});
    await closed[Symbol.asyncDispose]();
    await using dify = client(`http://127.0.0.1:${port}/v1`);
    expect(await failure(dify.one.chat(question, never))).toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      retryable: true,
    });
  });

  it('is unreachable when its name is not known', async () => {
    await using dify = client('http://nowhere.invalid/v1');
    expect((await failure(dify.one.chat(question, never))).code).toBe('UPSTREAM_UNREACHABLE');
  });

  it('is unreachable when TLS fails or takes too long', async () => {
    await using plain = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await using mute = await listen(() => {});
    await using first = client(`https://127.0.0.1:${plain.port}/v1`);
    await using second = client(`https://127.0.0.1:${mute.port}/v1`, { connectMs: 100 });
    expect((await failure(first.one.chat(question, never))).code).toBe('UPSTREAM_UNREACHABLE');
    expect((await failure(second.one.chat(question, never))).code).toBe('UPSTREAM_UNREACHABLE');
  });

  it('frees the socket within 100 ms of an abort while it connects', async () => {
    await using mute = await listen(() => {});
    await using dify = client(`https://127.0.0.1:${mute.port}/v1`);
    const gone = new AbortController();
    const refused = expect(dify.one.chat(question, gone.signal)).rejects.toThrow('enough');
    await once(mute.server, 'connection');
    const before = performance.now();
    gone.abort(new Error('enough'));
    await refused;
    while (mute.sockets.size > 0) await once(mute.server, 'gone');
    expect(performance.now() - before).toBeLessThan(100);
  });

  it('times out when the headers do not come', async () => {
    await using server = await serve(() => {});
    await using dify = client(server.baseUrl, { headersMs: 100 });
    expect((await failure(dify.one.chat(question, never))).code).toBe('UPSTREAM_TIMEOUT');
    await server.empty();
  });

  it('does not speak like Dify when it does not speak HTTP', async () => {
    await using tcp = await listen((socket) =>
      socket.once('data', () => socket.write('220 smtp.example.test ESMTP\r\n')),
    );
    await using dify = client(`http://127.0.0.1:${tcp.port}/v1`);
    expect((await failure(dify.one.chat(question, never))).code).toBe('UPSTREAM_PROTOCOL');
  });

  it('is not asked twice when it resets the connection under a question', async () => {
    await using server = await serve(({ socket }) => socket.resetAndDestroy());
    await using dify = client(server.baseUrl);
    expect((await failure(dify.one.chat(question, never))).code).toBe('UPSTREAM_UNREACHABLE');
    expect(server.requests).toHaveLength(1);
    await server.empty();
  });
});

describe('connections for reads', () => {
  /** How many reads reached the server while none was answered, of six, beside a question. */
  async function atOnce(maxReads: number): Promise<number> {
    const held: Exchange[] = [];
    await using server = await serve((exchange) => {
      if (exchange.request.method === 'POST') openSse(exchange).end(message('a'));
      else if (held.push(exchange) === (maxReads || 6)) setTimeout(answerAll, 30);
    });
    let most = 0;
    function answerAll(): void {
      most = Math.max(most, held.length);
      for (const exchange of held.splice(0)) sendJson(exchange, 200, { data: [], has_more: false, limit: 1 });
    }
    await using dify = client(server.baseUrl, { maxReads });
    const read = () => dify.one.messages({ user: 'u', conversationId: 'c', limit: 1 });
    const reads = Promise.all(Array.from({ length: 6 }, read));
    // No question waits for them.
    expect(await (await dify.one.chat(question, never)).read(() => {})).toEqual({ by: 'eof' });
    expect(await reads).toHaveLength(6);
    expect(server.requests).toHaveLength(7);
    return most;
  }

  it('are as many as there are reads', async () => {
    expect(await atOnce(0)).toBe(6);
  });

  it('are used again, also where the server says that it closes them after two seconds', async () => {
    await using server = await serve((exchange) => {
      exchange.response.setHeader('keep-alive', 'timeout=2');
      sendJson(exchange, 200, { data: [], has_more: false, limit: 1 });
    });
    await using dify = client(server.baseUrl);
    for (let round = 0; round < 10; round += 1) await dify.one.messages({ user: 'u', conversationId: 'c', limit: 1 });
    // Perhaps a second one, while the first is about to be free.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('are no more than the configuration says', async () => {
    expect(await atOnce(2)).toBe(2);
  });
});

describe('a download', () => {
  it('takes none of the connections for reads, however long its reader takes', async () => {
    await using server = await serve((exchange) => {
      if (!exchange.request.url.includes('/files/')) return sendJson(exchange, 200, info);
      exchange.response.writeHead(200, { 'content-length': 50_000_000 }).write(Buffer.alloc(1_000));
    });
    await using dify = client(server.baseUrl, { maxReads: 1 });
    const fileId = '0b4a3bbc-3e2e-4a0c-9c6b-4f1f0d7b6e57';
    const file = await dify.one.files.preview({ fileId }, never);
    expect(await dify.one.info()).toMatchObject({ name: 'n' });
    file.body.destroy();
  });
});

describe('stale connections', () => {
  it('do not matter to a question when the server has closed its idle ones', async () => {
    await using server = await serve((exchange) => {
      if (exchange.request.method === 'GET') sendJson(exchange, 200, info);
      else openSse(exchange).end(message('a'));
      // As gunicorn does it, only sooner: no hint in a header, and the socket is closed while it idles.
      exchange.response.once('finish', () => setTimeout(() => exchange.socket.end(), 20));
    });
    await using dify = client(server.baseUrl, { cacheMs: 0 });
    for (let round = 0; round < 5; round++) {
      await dify.one.info();
      const stream = await dify.one.chat(question, never);
      expect(await stream.read(() => {})).toEqual({ by: 'eof' });
      // Around the moment at which the server closes.
      await new Promise((resolve) => setTimeout(resolve, 15 + round * 2));
    }
    expect(server.requests.filter((request) => request.method === 'POST')).toHaveLength(5);
  });

  it('that are reset when the second request arrives do not cost a question, nor send it twice', async () => {
    const served = new WeakSet<net.Socket>();
    await using server = await serve((exchange) => {
      const second = served.has(exchange.socket);
      served.add(exchange.socket);
      if (second) exchange.socket.resetAndDestroy();
      else if (exchange.request.method === 'GET') sendJson(exchange, 200, info);
      else openSse(exchange).end(message('a'));
    });
    await using dify = client(server.baseUrl);
    await dify.one.info();
    for (let round = 0; round < 3; round++) {
      const stream = await dify.one.chat(question, never);
      expect(await stream.read(() => {})).toEqual({ by: 'eof' });
    }
    await dify.one.parameters();
    const posts = server.requests.filter((request) => request.method === 'POST');
    expect(posts).toHaveLength(3);
    expect(posts.every((request) => request.headers.connection === 'close')).toBe(true);
  });

  it('are repaired by reading again', async () => {
    const served = new WeakSet<net.Socket>();
    await using server = await serve((exchange) => {
      if (served.has(exchange.socket)) return exchange.socket.resetAndDestroy();
      served.add(exchange.socket);
      return sendJson(exchange, 200, { data: [], has_more: false });
    });
    await using dify = client(server.baseUrl);
    for (let round = 0; round < 3; round++) {
      expect(await dify.one.conversations({ user: 'u', limit: 1 })).toEqual({ items: [], hasMore: false });
    }
  });
});

describe('connections', () => {
  it('are kept for reads and shared by the apps of one server', async () => {
    await using server = await serve((exchange) => sendJson(exchange, 200, info));
    const { Dify } = await import('../../src/dify/dify.ts');
    const apps = ['a', 'b'].map((name) => ({ name, baseUrl: server.baseUrl, key: name }));
    await using dify = new Dify(apps, pino({ level: 'silent' }));
    await dify.app('a')!.info();
    // undici gives a socket back one turn of the event loop after its reply.
    await new Promise((resolve) => setImmediate(resolve));
    await dify.app('b')!.info();
    expect(server.connections).toBe(1);
    expect(dify.app('c')).toBeUndefined();
  });

  it('are all gone after everything that can happen to a request', async () => {
    const refusals = [400, 401, 404, 429, 500, 503];
    await using server = await serve((exchange) => {
      const { index, request } = exchange;
      if (request.method === 'DELETE') exchange.response.writeHead(204).end();
      else if (index % 8 < 6) sendJson(exchange, refusals[index % 8]!, { code: 'x', message: 'y'.repeat(200_000) });
      else if (index % 8 === 6) exchange.response.writeHead(200, { 'content-type': 'text/html' }).write('<html>');
      else openSse(exchange).write(message('a'));
    });
    await using dify = client(server.baseUrl);
    for (let i = 0; i < 16; i++) {
      const stream = await dify.one.chat(question, never).catch(() => undefined);
      stream?.close();
      await dify.one.deleteConversation({ user: 'u', conversationId: 'c' });
    }
    await server.empty();
  });

  it('do not wait for an error reply that never ends', async () => {
    await using server = await serve(({ response }) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      const more = setInterval(() => response.write('x'.repeat(32_768)), 1);
      response.once('close', () => clearInterval(more));
    });
    await using dify = client(server.baseUrl);
    expect((await failure(dify.one.chat(question, never))).code).toBe('UPSTREAM_REJECTED');
    await server.empty();
  });
});

describe('the key', () => {
  it('C82 is in the header of every request and never in an error, its causes or the log', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    await using echo = await serve((exchange) => {
      const { headers } = exchange.request;
      sendJson(exchange, 400, { code: 'invalid_param', message: `You sent ${JSON.stringify(headers)}` });
    });
    await using reset = await serve(({ socket }) => socket.resetAndDestroy());
    await using html = await serve(({ response, request }) =>
      response.writeHead(404).end(JSON.stringify(request.headers)),
    );
    const errors: unknown[] = [];
    for (const baseUrl of [
      echo.baseUrl,
      reset.baseUrl,
      html.baseUrl,
      'http://127.0.0.1:1/v1',
      'http://nowhere.invalid/v1',
    ]) {
      await using dify = client(baseUrl, {}, log);
      errors.push(inspect(dify, { depth: 9, showHidden: true }));
      errors.push(await failure(dify.one.chat(question, never)));
      errors.push(await failure(dify.one.info()));
      errors.push(await failure(dify.one.stop({ kind: 'chat', taskId: 't', user: 'u' })));
      errors.push(await failure(dify.one.deleteConversation({ conversationId: 'c', user: 'u' })));
    }
    for (const error of errors) log.error({ err: error }, 'failed');
    expect(inspect(errors, { depth: 9, showHidden: true })).not.toContain('CANARY');
    expect(lines.join('')).not.toContain('CANARY');
    expect(echo.requests.every((request) => request.headers.authorization === `Bearer ${canary}`)).toBe(true);
  });
});
