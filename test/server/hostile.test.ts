import { once } from 'node:events';
import { gzipSync, brotliCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { closed, openTarget, raw, rawSocket, send, times, type Target } from './hostile.ts';

const megabyte = 1_048_576;
const graphql = (query: string, variables?: unknown) => JSON.stringify({ query, variables });
const salt = (index: number) => `# ${index} ${Math.random()}\n`;

/** A frame of a client: `opcode` with its flags, masked with zeros, with a length that may lie. */
function frame(first: number, payload: Buffer | string, length = payload.length, masked = true): Buffer {
  const head = Buffer.alloc(14);
  head[0] = first;
  head[1] = (masked ? 0x80 : 0) | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([masked ? head : head.subarray(0, 10), Buffer.from(payload)]);
}
const text = 0x81;
const hello = frame(text, '{"type":"connection_init"}');

/** What is done to the server, and the bytes it takes in doing so. */
const attacks: Readonly<Record<string, (url: string) => Promise<void>>> = {
  'documents that are deep, wide, full of aliases, or multiply': async (url) => {
    const laughs = Array.from({ length: 60 }, (_, i) => `fragment F${i} on Viewer { ${`...F${i + 1} `.repeat(10)} }`);
    const documents = [
      `${'{a'.repeat(6_000)}${'}'.repeat(6_000)}`,
      `{ ${Array.from({ length: 20_000 }, (_, i) => `a${i}: __typename`).join(' ')} }`,
      `{ viewer { ...F0 } } ${laughs.join(' ')} fragment F60 on Viewer { id }`,
      `{ viewer { ${'id '.repeat(1_900)} } }`,
      `{ ${'...{ viewer { id } } '.repeat(270)} }`,
      `{ __typename ${'@skip(if: false) '.repeat(50_000)} }`,
      `query (${'$a: Int '.repeat(600)}) { __typename }`,
    ];
    await times(280, 20, async (index) => {
      const { status } = await send(url, graphql(documents[index % documents.length] + salt(index)));
      expect([200, 400]).toContain(status);
    });
  },
  'documents of 4 MB, each another one': async (url) => {
    await times(60, 4, (index) => send(url, graphql(`{ __typename } ${salt(index)}#${'x'.repeat(3.9 * megabyte)}`)));
    await times(30, 4, (index) => send(url, graphql(`{ ${salt(index)}#${'x'.repeat(3.9 * megabyte)}`)));
  },
  'batches, and variables that are huge or deep': async (url) => {
    const one = graphql('{ __typename }');
    const query = 'query ($a: RunFilter) { runs(filter: $a) { nodes { id } } }';
    const names = Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [`${'k'.repeat(300)}${i}`, 1]));
    const deep = `${'{"a":'.repeat(300_000)}1${'}'.repeat(300_000)}`;
    await times(60, 6, async (index) => {
      const bodies = [
        `[${`${one},`.repeat(20_000)}${one}]`,
        graphql(query, { a: { startedAfter: 'x'.repeat(3.5 * megabyte) } }),
        `{"query":${JSON.stringify(query)},"variables":{"a":${deep}}}`,
        graphql(query, { a: Array.from({ length: 200_000 }, () => index) }),
        `{"query":"{ __typename }","variables":${'['.repeat(megabyte)}`,
        graphql(query, { a: names }),
      ];
      const { status, text: said } = await send(url, bodies[index % bodies.length] ?? '');
      expect([0, 200, 400, 413]).toContain(status);
      expect(said).not.toContain('INTERNAL');
    });
  },
  'bodies that are small and would be huge': async (url) => {
    const zeros = Buffer.alloc(256 * megabyte, 32);
    const bombs = { gzip: gzipSync(zeros, { level: 1 }), br: brotliCompressSync(zeros.subarray(0, 64 * megabyte)) };
    await times(20, 10, async (index) => {
      const [encoding, body] = Object.entries(bombs)[index % 2]!;
      const { status } = await send(url, body, { 'content-encoding': encoding });
      expect([400, 415]).toContain(status);
    });
  },
  'frames that are none': async (url) => {
    const wrong = [
      frame(text, Buffer.from([0xc3, 0x28])), // No UTF-8.
      frame(0x83, 'x'), // An opcode that nobody has.
      frame(0xc1, 'x'), // Compressed, which was never agreed.
      frame(text, 'x', 2 ** 40),
      frame(text, 'x', Number.MAX_SAFE_INTEGER),
      frame(text, 'x', 5 * megabyte),
      frame(text, 'x', 1, false), // Not masked.
      frame(0x80, 'x'), // Goes on with nothing.
      Buffer.concat([frame(0x01, 'x'), frame(text, 'y')]), // Begins before the last has ended.
      Buffer.concat([Buffer.from([0x09, 0x80]), Buffer.alloc(4)]), // A ping in pieces.
      frame(0x89, 'x'.repeat(126)), // A ping that is too long.
      frame(0x88, Buffer.from([0x03])), // Closes with half a code.
      frame(text, 'not JSON'),
      frame(text, `{"type":"subscribe","id":"a","payload":{"query":${'['.repeat(100_000)}`),
      frame(0x82, '{"type":"ping"}'),
    ];
    await times(150, 30, async (index) => {
      const socket = await rawSocket(url);
      // The server says why it closes, and then waits for an answer to that.
      const refused = new Promise<void>((resolve) => {
        socket.on('data', (data: Buffer) => data.includes(0x88) && resolve()).once('close', () => resolve());
      });
      socket.write(Buffer.concat([hello, wrong[index % wrong.length] ?? Buffer.alloc(0)]));
      // Binary JSON is taken as text, as `ws` clients send it.
      if (index % wrong.length !== wrong.length - 1) await refused;
      socket.destroy();
    });
  },
  'messages without an end': async (url) => {
    const piece = frame(0x00, Buffer.alloc(65_536));
    await times(10, 10, async () => {
      const socket = await rawSocket(url);
      const end = closed(socket);
      socket.write(frame(0x01, 'x'));
      for (let sent = 0; sent < 200 && !socket.destroyed; sent += 1)
        if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), end]);
      await end;
    });
  },
  'a flood of messages and pings on one socket': async (url) => {
    const ask = frame(text, '{"type":"subscribe","id":"a","payload":{"query":"{ viewer { id } }"}}');
    const ping = Buffer.concat([Buffer.from([0x89, 0x80]), Buffer.alloc(4)]);
    await times(4, 4, async (index) => {
      const socket = await rawSocket(url);
      socket.write(hello);
      const flood = Buffer.concat(Array.from({ length: 20_000 }, () => (index % 2 === 0 ? ask : ping)));
      socket.write(flood);
      await new Promise((resolve) => setTimeout(resolve, 1_500)); // For so long.
      socket.destroy();
    });
  },
  'requests that never come to their end': async (url) => {
    const begun = [
      '',
      'GET /graphql HTTP/1.1\r\nhost: localhost\r\nx: ',
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 4000000\r\n\r\n{"query":',
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{',
      'POST /files/assistant HTTP/1.1\r\nhost: localhost\r\nx-file-name: a.txt\r\ncontent-type: text/plain\r\ncontent-length: 99999\r\n\r\nx',
    ];
    await times(400, 50, async (index) => {
      const socket = await raw(url);
      const end = closed(socket);
      socket.write(begun[index % begun.length] ?? '');
      if (index % begun.length !== 0) return socket.unref();
      await end;
      return undefined;
    });
  },
  'thousands of sockets that say nothing': async (url) => {
    const sockets: WebSocket[] = [];
    await times(2_000, 100, async () => {
      const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
      socket.on('error', () => {});
      await once(socket, 'open');
      socket.send('{"type":"connection_init"}');
      sockets.push(socket);
    });
    await new Promise((resolve) => setTimeout(resolve, 500)); // For so long.
    for (const socket of sockets) socket.terminate();
  },
};

describe('the server stays up, forgets, and serves honest clients exactly', () => {
  let target: Target;
  let answer: string;
  const figures: string[] = [];
  beforeAll(async () => {
    target = await openTarget({ headersMs: 1_500, bodyMs: 1_500 });
    answer = (await target.honest()).whole;
  });
  afterAll(async () => {
    await target[Symbol.asyncDispose]();
    if (process.env['SHOW']) console.log(figures.join('\n'));
  });

  test.each(Object.entries(attacks))('beside %s', { timeout: 90_000 }, async (name, attack) => {
    const before = await target.memory();
    const start = performance.now();
    const attacked = attack(target.url);
    const first = await target.honest();
    await attacked;
    const ms = performance.now() - start;
    const later = await target.honest();
    for (const one of [first, later]) expect([one.streamed, one.whole]).toEqual([answer, answer]);
    expect(first.ms).toBeLessThan(20_000);
    let after = await target.memory();
    for (let tries = 0; tries < 20 && after.held - before.held > 10 * megabyte; tries += 1)
      after = await target.memory();
    figures.push(
      `${name}: ${Math.round(ms)} ms; honest ${Math.round(first.ms)} ms beside it, ${Math.round(later.ms)} ms after; ` +
        `held ${(before.held / megabyte).toFixed(1)} → ${(after.held / megabyte).toFixed(1)} MB, rss ${(before.rss / megabyte).toFixed(0)} → ${(after.rss / megabyte).toFixed(0)} MB`,
    );
    expect(after.held - before.held).toBeLessThan(40 * megabyte);
    expect(after.rss).toBeLessThan(700 * megabyte);
    expect(after.defects.slice(0, 3).map((line) => line.slice(0, 300))).toEqual([]);
  });
});
