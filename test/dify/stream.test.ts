import { once } from 'node:events';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { DifyStream, StreamEnd } from '../../src/dify/stream.ts';
import type { WireEvent } from '../../src/dify/wire-event.ts';
import {
  client,
  frame,
  message,
  never,
  openSse,
  recorded,
  recordings,
  recordedStreams,
  serve,
  type Exchange,
} from './fake-server.ts';

const question = { query: 'hi', user: 'u', inputs: {} };
const ping = 'event: ping\n\n';

async function readAll(stream: DifyStream): Promise<{ text: string; events: WireEvent[]; end: StreamEnd }> {
  const events: WireEvent[] = [];
  const end = await stream.read((some) => void events.push(...some));
  const text = events.map((event) => (event.event === 'message' ? event.answer : '')).join('');
  return { text, events, end };
}

describe('a stream', () => {
  it('ends with eof when Dify ends it', async () => {
    await using server = await serve((exchange) => openSse(exchange).end(ping + message('a') + message('b')));
    await using dify = client(server.baseUrl);
    const { text, end } = await readAll(await dify.one.chat(question, never));
    expect({ text, end }).toEqual({ text: 'ab', end: { by: 'eof' } });
    await server.empty();
  });

  it('brings every recording over the wire as it was recorded', async () => {
    await using server = await serve((exchange) => openSse(exchange).end(recorded(recordedStreams[exchange.index]!)));
    await using dify = client(server.baseUrl);
    for (const name of recordedStreams) {
      const { events, end } = await readAll(await dify.one.chat(question, never));
      const frames = recorded(name)
        .toString()
        .split('\n\n')
        .filter((part) => part.endsWith('}'));
      expect([name, events.length, end.by]).toEqual([name, frames.length, 'eof']);
    }
    expect(recordings).toContain('1.12.1');
    await server.empty();
  });

  it('hands over all events of one read together', async () => {
    await using server = await serve((exchange) => openSse(exchange).end(message('a').repeat(50)));
    await using dify = client(server.baseUrl);
    const stream = await dify.one.chat(question, never);
    const sizes: number[] = [];
    await stream.read((events) => void sizes.push(events.length));
    expect(sizes).toEqual([50]);
  });

  it('C13 takes pings and comments for life', async () => {
    await using server = await serve((exchange) => {
      const response = openSse(exchange);
      let left = 8;
      // The time between two signs of life is what this is about: less than the limit, and more than it in sum.
      const beat = setInterval(() => {
        response.write(left % 2 === 0 ? ping : ': \n\n');
        if (left-- > 0) return;
        clearInterval(beat);
        response.end(message('a'));
      }, 50);
    });
    await using dify = client(server.baseUrl, { idleMs: 250 });
    const { text, end } = await readAll(await dify.one.chat(question, never));
    expect({ text, end }).toEqual({ text: 'a', end: { by: 'eof' } });
  });

  it('C56 fails after silence and lets go of the socket', async () => {
    await using server = await serve((exchange) => void openSse(exchange).write(message('a')));
    await using dify = client(server.baseUrl, { idleMs: 100 });
    const { text, end } = await readAll(await dify.one.chat(question, never));
    expect(text).toBe('a');
    expect(end).toMatchObject({ by: 'failed', error: { code: 'UPSTREAM_TIMEOUT', retryable: true } });
    await server.empty();
  });

  it.each([
    ['reset', (socket: Exchange['socket']) => socket.resetAndDestroy()],
    ['closed early', (socket: Exchange['socket']) => socket.destroySoon()],
  ])('C55 is interrupted when the socket is %s, and keeps what came before', async (_, cut) => {
    await using server = await serve((exchange) => {
      openSse(exchange).write(message('a'));
      server.server.once('cut', () => cut(exchange.socket));
    });
    await using dify = client(server.baseUrl);
    const stream = await dify.one.chat(question, never);
    let text = '';
    const end = await stream.read(([first]) => {
      text += first?.event === 'message' ? first.answer : '';
      server.server.emit('cut');
    });
    expect(text).toBe('a');
    expect(end).toMatchObject({ by: 'failed', error: { code: 'STREAM_INTERRUPTED' } });
  });

  it('C20 fails at an event that is too long, after those before it', async () => {
    await using server = await serve((exchange) => {
      const response = openSse(exchange);
      response.write(message('a'));
      response.write(message('x'.repeat(100_000)));
    });
    await using dify = client(server.baseUrl, { maxEventBytes: 10_000 });
    const { text, end } = await readAll(await dify.one.chat(question, never));
    expect(text).toBe('a');
    expect(end).toMatchObject({ by: 'failed', error: { code: 'UPSTREAM_PROTOCOL' } });
    await server.empty();
  });

  it('fails when it is as long as sixteen of the longest events', async () => {
    await using server = await serve((exchange) => {
      const response = openSse(exchange);
      for (let piece = 0; piece < 200; piece++) response.write(message('x'.repeat(800)));
    });
    await using dify = client(server.baseUrl, { maxEventBytes: 10_000 });
    const { text, end } = await readAll(await dify.one.chat(question, never));
    expect(text.length).toBeGreaterThan(100_000);
    expect(end).toMatchObject({
      by: 'failed',
      error: { code: 'UPSTREAM_PROTOCOL', message: 'Dify has sent a stream of more than 160000 bytes' },
    });
    await server.empty();
  });

  it.each([
    ['C24 a page', { 'content-type': 'text/html' }, '<html></html>'],
    ['a blocking answer', { 'content-type': 'application/json' }, '{"answer":"a"}'],
    ['nothing', {}, ''],
    [
      'C23 a compressed stream',
      { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' },
      gzipSync(message('a')),
    ],
  ])('is not made of %s', async (_, headers, body) => {
    await using server = await serve(({ response }) => response.writeHead(200, headers).end(body));
    await using dify = client(server.baseUrl);
    await expect(dify.one.chat(question, never)).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL', difyStatus: 200 });
    expect(server.requests[0]!.headers).toMatchObject({ 'accept-encoding': 'identity', accept: 'text/event-stream' });
    await server.empty();
  });

  it('accepts a type in capitals and a stream that is `identity` by name', async () => {
    const headers = { 'content-type': 'Text/Event-Stream', 'content-encoding': 'identity' };
    await using server = await serve(({ response }) => response.writeHead(200, headers).end(message('a')));
    await using dify = client(server.baseUrl);
    expect((await readAll(await dify.one.runWorkflow(question, never))).text).toBe('a');
  });

  it('does not follow a redirect, and says that it is one', async () => {
    await using server = await serve(({ response }) => response.writeHead(301, { location: '/elsewhere' }).end());
    await using dify = client(server.baseUrl);
    const asked = dify.one.chat(question, never);
    await expect(asked).rejects.toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
      message: expect.stringContaining('redirect'),
    });
    expect(server.requests).toHaveLength(1);
  });

  it('reads no faster than its reader', async () => {
    const chunk = message('x'.repeat(10_000));
    let written = 0;
    function* chunks() {
      for (; written < 2_000; written++) yield chunk;
    }
    await using server = await serve((exchange) => void Readable.from(chunks()).pipe(openSse(exchange)));
    await using dify = client(server.baseUrl, { idleMs: 100 });
    const stream = await dify.one.chat(question, never);
    const gate = Promise.withResolvers<void>();
    let calls = 0;
    let got = 0;
    const done = stream.read((events) => {
      got += events.length;
      return calls++ === 0 ? gate.promise : undefined;
    });
    // Long enough for kernel buffers to fill, and for the limit on silence, which does not hold for a socket that is paused.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(calls).toBe(1);
    expect(written).toBeLessThan(2_000);
    gate.resolve();
    expect(await done).toEqual({ by: 'eof' });
    expect(got).toBe(2_000);
  });

  it('tells its end only after the last call has resolved', async () => {
    await using server = await serve((exchange) => openSse(exchange).end(message('a')));
    await using dify = client(server.baseUrl);
    const stream = await dify.one.chat(question, never);
    const order: string[] = [];
    await stream.read(async () => {
      stream.close();
      await new Promise((resolve) => setImmediate(resolve));
      order.push('handled');
    });
    order.push('ended');
    expect(order).toEqual(['handled', 'ended']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ])('lets go and passes it on when its reader %s', async (_, onEvents) => {
    await using server = await serve((exchange) => void openSse(exchange).write(message('a')));
    await using dify = client(server.baseUrl);
    const stream = await dify.one.chat(question, never);
    await expect(stream.read(onEvents)).rejects.toThrow('mine');
    await server.empty();
  });

  it('counts frames without JSON in the log and goes on', async () => {
    const { pino } = await import('pino');
    const lines: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
    await using server = await serve((exchange) =>
      openSse(exchange).end(`data: [DONE]\n\n${message('a')}data: hello\n\n`),
    );
    await using dify = client(server.baseUrl, {}, log);
    expect((await readAll(await dify.one.chat(question, never))).text).toBe('a');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ app: 'one', frames: 2, level: 20 }]);
  });
});

describe('letting go', () => {
  /** A server that stays in one phase, and what has to happen before the abort. */
  const phases = {
    'before the headers': () => serve(() => {}),
    'within an error reply': () =>
      serve(({ response }) => void response.writeHead(500, { 'content-type': 'application/json' }).write('{')),
  };

  it.each(Object.entries(phases))('frees the socket within 100 ms of an abort %s', async (_, start) => {
    await using server = await start();
    await using dify = client(server.baseUrl);
    const gone = new AbortController();
    const asked = dify.one.chat(question, gone.signal);
    const refused = expect(asked).rejects.toThrow('enough');
    await once(server.server, 'request');
    // The head of the error reply has to arrive first: nothing tells when it has.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = performance.now();
    gone.abort(new Error('enough'));
    await refused;
    await server.empty();
    expect(performance.now() - before).toBeLessThan(100);
  });

  it.each(['signal', 'close'])('frees the socket of a running stream within 100 ms by %s', async (by) => {
    await using server = await serve((exchange) => void openSse(exchange).write(message('a')));
    await using dify = client(server.baseUrl);
    const gone = new AbortController();
    const stream = await dify.one.chat(question, gone.signal);
    const first = Promise.withResolvers<void>();
    const done = stream.read(() => first.resolve());
    await first.promise;
    const before = performance.now();
    if (by === 'close') stream.close();
    else gone.abort();
    expect(await done).toEqual({ by: 'closed' });
    await server.empty();
    expect(performance.now() - before).toBeLessThan(100);
  });

  it('frees the socket of a stream that nobody has read', async () => {
    await using server = await serve((exchange) => void openSse(exchange).write(message('a')));
    await using dify = client(server.baseUrl);
    const stream = await dify.one.chat(question, never);
    stream.close();
    await server.empty();
    expect(await readAll(stream)).toEqual({ text: '', events: [], end: { by: 'closed' } });
  });

  it('calls its reader no more once it was closed from within a call', async () => {
    await using server = await serve((exchange) => void openSse(exchange).write(message('a')));
    await using dify = client(server.baseUrl);
    const stream = await dify.one.chat(question, never);
    let calls = 0;
    const end = await stream.read(() => {
      calls++;
      stream.close();
    });
    expect([calls, end]).toEqual([1, { by: 'closed' }]);
    await server.empty();
  });

  it('ends every stream when the whole client is closed', async () => {
    await using server = await serve(
      (exchange) => void openSse(exchange).write(frame({ event: 'message', answer: 'a' })),
    );
    const dify = client(server.baseUrl);
    const stream = await dify.one.chat(question, never);
    const done = readAll(stream);
    await dify.close();
    expect((await done).end).toMatchObject({ by: 'failed', error: { code: 'STREAM_INTERRUPTED' } });
    await expect(dify.one.chat(question, never)).rejects.toMatchObject({ code: 'DRAINING' });
    await server.empty();
  });

  it('asks nothing for a signal that was aborted before', async () => {
    await using server = await serve(() => {});
    await using dify = client(server.baseUrl);
    await expect(dify.one.chat(question, AbortSignal.abort(new Error('early')))).rejects.toThrow('early');
    expect(server.connections).toBe(0);
  });
});
