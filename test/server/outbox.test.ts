import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Outbox } from '../../src/server/outbox.ts';

/** Both ends of one connection; what the client heard, and how often the server wrote. */
async function open() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const arrived = once(server, 'connection');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const heard: string[] = [];
  client.on('message', (data: Buffer, isBinary) => heard.push(isBinary ? 'binary' : data.toString()));
  await once(client, 'open');
  const [socket, { socket: tcp }] = (await arrived) as [WebSocket, { readonly socket: Socket }];
  let writes = 0;
  const write = tcp.write.bind(tcp) as (...args: unknown[]) => boolean;
  tcp.write = (...args: unknown[]) => {
    writes += 1;
    return write(...args);
  };
  return {
    client,
    socket,
    heard,
    outbox: new Outbox(socket, tcp),
    get writes() {
      return writes;
    },
    async [Symbol.asyncDispose]() {
      client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const texts = [
  ...[0, 1, 125, 126, 127, 65_535, 65_536, 200_000].map((length) => 'x'.repeat(length)),
  'Grüße 👋',
  'ü'.repeat(63),
  'ü'.repeat(32_768),
  '中'.repeat(100),
  '\u2028\0',
];

test('texts of every length and script arrive whole and in order, in one write a turn', async () => {
  await using line = await open();
  for (const text of texts) void line.outbox.send(text);
  await expect.poll(() => line.heard).toEqual(texts);
  expect(line.writes).toBe(1);
});

test('what is said before the end arrives before it, what is said after it never', async () => {
  await using line = await open();
  const closed = once(line.client, 'close');
  void line.outbox.send('last');
  line.outbox.close(4400, 'enough');
  void line.outbox.send('too late');
  const [code, reason] = (await closed) as [number, Buffer];
  expect([code, String(reason)]).toEqual([4400, 'enough']);
  expect(line.heard).toEqual(['last']);
});

test('asks for patience while much waits, and no more once it has left', async () => {
  await using line = await open();
  expect(line.outbox.send('a')).toBeUndefined();
  const wait = line.outbox.send('b'.repeat(65_536));
  expect(wait).toBeInstanceOf(Promise);
  await wait;
  expect(line.outbox.send('c')).toBeUndefined();
  await expect.poll(() => line.heard.length).toBe(3);
});

test('lets those who wait go when the client does', async () => {
  await using line = await open();
  line.client.pause();
  let waits = 0;
  while (waits < 100) {
    const wait = line.outbox.send('d'.repeat(1_000_000));
    waits += 1;
    line.outbox.flush();
    if (wait && line.socket.bufferedAmount > 4_000_000) {
      line.client.terminate();
      await wait;
      break;
    }
  }
  expect(waits).toBeLessThan(100);
});

test('pings and pongs of the protocol come in between', async () => {
  await using line = await open();
  const ponged = once(line.socket, 'pong');
  void line.outbox.send('a');
  line.socket.ping();
  void line.outbox.send('b');
  await ponged;
  await expect.poll(() => line.heard).toEqual(['a', 'b']);
});
