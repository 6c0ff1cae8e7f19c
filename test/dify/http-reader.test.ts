import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { Client } from 'undici';
import { describe, expect, test } from 'vitest';
import { HttpReader, NotHttp, type ReplyHead } from '../../src/dify/http-reader.ts';

interface Read {
  readonly head: ReplyHead | null;
  readonly body: string;
  readonly isWhole: boolean;
}

/** In a buffer that was used before, as those of sockets are. */
function take(reader: HttpReader, bytes: Buffer): string {
  const used = Buffer.alloc(bytes.length + 20, '\r\n0\r\n');
  bytes.copy(used);
  reader.read(used, bytes.length);
  return used.toString('latin1', reader.from, reader.to);
}

/** The bytes as one reply whose connection is closed after them, cut where `cuts` says. */
function read(bytes: string, cuts: readonly number[] = []): Read {
  const reader = new HttpReader();
  const all = Buffer.from(bytes, 'latin1');
  const edges = [0, ...cuts.map((cut) => Math.min(cut, all.length)).toSorted((a, b) => a - b), all.length];
  let body = '';
  for (const [index, from] of edges.entries()) body += take(reader, all.subarray(from, edges[index + 1] ?? all.length));
  return { head: reader.head, body, isWhole: reader.close() };
}

const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n';
const chunked = `${head}transfer-encoding: chunked\r\n\r\n`;

describe('a reply', () => {
  test('of a length ends there', () => {
    expect(read(`${head}content-length: 5\r\n\r\nhello world`)).toMatchObject({ body: 'hello', isWhole: true });
    expect(read(`${head}Content-Length: 0\r\n\r\nhello`)).toMatchObject({ body: '', isWhole: true });
    expect(read(`${head}content-length: 6\r\n\r\nhello`)).toMatchObject({ body: 'hello', isWhole: false });
  });

  test('in chunks has the bytes of all, one after the other', () => {
    const body = '5\r\nhello\r\n00A;x="y"\r\n, my world\r\n0\r\nx-trailer: 1\r\n\r\n';
    expect(read(chunked + body)).toMatchObject({ body: 'hello, my world', isWhole: true });
    expect(read(chunked + body.slice(0, -2))).toMatchObject({ body: 'hello, my world', isWhole: false });
  });

  test('hands over what one read has brought as one piece', () => {
    const reader = new HttpReader();
    const bytes = Buffer.from(`${chunked}1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n`);
    expect(take(reader, bytes)).toBe('abcdef');
    expect(reader.isOver).toBe(true);
  });

  test('without a length goes on until its connection is closed', () => {
    expect(read(`${head}\r\nhello`)).toMatchObject({ body: 'hello', isWhole: true });
    expect(read(head)).toMatchObject({ head: null, isWhole: false });
  });

  test('has no body where its status says so', () => {
    expect(read('HTTP/1.1 204 No Content\r\n\r\nhello')).toMatchObject({ body: '', isWhole: true });
    expect(read('HTTP/1.1 304 \r\ncontent-length: 5\r\n\r\nhello')).toMatchObject({ body: '', isWhole: true });
  });

  test('begins after those that only say that it will', () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
    const { head: said } = read(`HTTP/1.1 100\r\n\r\n${early}${head}content-length: 0\r\n\r\n`);
    expect({ ...said?.headers }).toEqual({ 'content-type': 'text/event-stream', 'content-length': '0' });
  });

  test('keeps headers that come several times, whatever their names', () => {
    const { head: said } = read('HTTP/1.0 200\r\nA:1\r\na: \t2 \r\nA: 3\r\nconstructor: 4\r\n__proto__: 5\r\n\r\n');
    expect(said).toMatchObject({ status: 200 });
    expect(Object.entries(said?.headers ?? {})).toEqual([
      ['a', ['1', '2', '3']],
      ['constructor', '4'],
      ['__proto__', '5'],
    ]);
  });

  test.each([
    'SSH-2.0-OpenSSH_9.2\r\n',
    'HTTP/2 200 OK\r\n',
    'HTTP/1.1 20 OK\r\n',
    'HTTP/1.1 200 OK\n\n',
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n',
    `${head}no colon\r\n\r\n`,
    `${head}in the name: 1\r\n\r\n`,
    `${head}x: a\r\n folded\r\n\r\n`,
    `${head}content-length: -1\r\n\r\n`,
    `${head}content-length: 1, 1\r\n\r\n`,
    `${head}content-length: 1\r\ncontent-length: 1\r\n\r\n`,
    `${head}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`,
    `${head}transfer-encoding: gzip, chunked\r\n\r\n`,
    `${chunked}x\r\n`,
    `${chunked}-1\r\n`,
    `${chunked}10000000000000\r\n`,
    `${chunked}1\r\nabc\r\n`,
    `${head}x: ${'a'.repeat(20_000)}`,
    `${head}x:${' '.repeat(16_000)}\n`,
    `${head}x:${' '.repeat(16_000)}x\0\r\n`,
    `${head}x:${' \t '.repeat(5_000)}x${' '.repeat(900)}\n`,
    `${head}${'x: a\r\n'.repeat(5_000)}`,
    `${chunked}1;${'a'.repeat(20_000)}`,
    `${chunked}0\r\n${'x: a\r\n'.repeat(5_000)}`,
  ])('is refused: %j', (bytes) => {
    expect(() => read(bytes)).toThrow(NotHttp);
  });
});

const spaces = fc.constantFrom('', ' ', ' \t ');
const value = fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/);
// Undici leaves spaces behind a value.
const field = fc.tuple(fc.constantFrom('x-a', 'X-B', 'Server', 'x_c'), spaces, value);
const chunk = fc.tuple(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }), fc.constantFrom('', ';a=b'));
const body = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 60 }).map((text) => `content-length: ${text.length}\r\n\r\n${text}`),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }).map((text) => `\r\n${text}`),
  fc.array(chunk, { maxLength: 6 }).map((chunks) => {
    const written = chunks.map(([text, more]) => `${text.length.toString(16)}${more}\r\n${text}\r\n`);
    return `transfer-encoding: chunked\r\n\r\n${written.join('')}0\r\n\r\n`;
  }),
);
const reply = fc
  .tuple(fc.constantFrom(200, 204, 400, 404, 500, 504), fc.array(field, { maxLength: 4 }), body)
  .map(([status, fields, rest]) => {
    const lines = fields.map(([name, before, said]) => `${name}:${before}${said}\r\n`);
    return `HTTP/1.1 ${status} X\r\n${lines.join('')}${rest}`;
  });

test('is read as undici reads it, wherever it is cut', async () => {
  let bytes = '';
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes, 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cuts = fc.array(fc.nat(400), { maxLength: 8 });
  try {
    await fc.assert(
      fc.asyncProperty(reply, cuts, fc.option(fc.nat(300)), async (whole, at, end) => {
        bytes = end === null ? whole : whole.slice(0, end);
        const client = new Client(origin, { pipelining: 0 });
        const theirs = await client.request({ path: '/', method: 'POST' }).then(
          async ({ statusCode, headers, body: said }) => {
            const text = said.bytes().then((all) => Buffer.from(all).toString('latin1'));
            return { head: { status: statusCode, headers }, body: await text.catch(() => null) };
          },
          () => null,
        );
        await client.destroy();
        const ours = read(bytes, at);
        expect(ours.head && { ...ours.head, headers: { ...ours.head.headers } }).toEqual(theirs?.head ?? null);
        expect(ours.isWhole ? ours.body : null).toEqual(theirs?.body ?? null);
      }),
      { numRuns: 500 },
    );
  } finally {
    server.close();
  }
});
