import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createClient } from 'graphql-ws';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import type { Data } from '../rig.ts';

const child = fileURLToPath(new URL('hostile-gateway.ts', import.meta.url));

export interface Memory {
  /** Bytes that are in use after a collection. */
  readonly held: number;
  readonly rss: number;
  /** What was logged as an error since the last time. */
  readonly defects: readonly string[];
}

/** A gateway in a process of its own, to be attacked. */
export interface Target extends AsyncDisposable {
  readonly url: string;
  memory(): Promise<Memory>;
  /** A question that takes a while to be answered, and what became of it: its text as it came, and as it is. */
  honest(): Promise<{ readonly streamed: string; readonly whole: string; readonly ms: number }>;
}

export async function openTarget(bounds: object = {}): Promise<Target> {
  const sandbox = await openSandbox({ pace: 0.5 });
  const execArgv = ['--experimental-strip-types', '--expose-gc'];
  const gateway = fork(child, [sandbox.url, JSON.stringify(sandbox.apps), JSON.stringify(bounds)], { execArgv });
  const [url] = (await once(gateway, 'message')) as [string];
  const target: Target = {
    url,
    memory: async () => {
      const told = new AbortController();
      const answer = once(gateway, 'message', told);
      const gone = once(gateway, 'exit', told).then(([code, signal]) => {
        throw new Error(`the gateway has ended: ${code ?? signal}`);
      });
      gateway.send('memory');
      const [memory] = (await Promise.race([answer, gone])) as [Memory];
      gone.catch(() => {});
      told.abort();
      return memory;
    },
    honest: () => ask(url),
    async [Symbol.asyncDispose]() {
      gateway.kill();
      await sandbox.close();
    },
  };
  await target.honest();
  return target;
}

const question = `subscription ($key: ID!) { chatStream(input: { query: "!long:60", idempotencyKey: $key }) {
  ... on TextDelta { offset text } ... on RunFinished { status run { ... on ChatRun { answer } } }
} }`;

async function ask(url: string): Promise<{ streamed: string; whole: string; ms: number }> {
  const start = performance.now();
  const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket });
  let [streamed, whole] = ['', ''];
  for await (const { data } of client.iterate<Data>({ query: question, variables: { key: crypto.randomUUID() } })) {
    const event = data?.['chatStream'] as Data;
    if (typeof event['offset'] === 'number') streamed = streamed.slice(0, event['offset']) + event['text'];
    if (event['run']) whole = event['run'].answer;
  }
  await client.dispose();
  return { streamed, whole, ms: performance.now() - start };
}

/** Waits for the end of a connection, however it comes. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())));
}

/** A connection that says whatever it likes. */
export async function raw(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await Promise.race([once(socket, 'connect'), closed(socket)]);
  return socket;
}

/** One that has become a WebSocket. */
export async function rawSocket(url: string): Promise<Socket> {
  const socket = await raw(url);
  const upgraded = once(socket, 'data');
  socket.write(
    [
      'GET /graphql HTTP/1.1',
      'host: localhost',
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-protocol: graphql-transport-ws',
      'sec-websocket-extensions: permessage-deflate',
      '\r\n',
    ].join('\r\n'),
  );
  const [answer] = (await upgraded) as [Buffer];
  expect(String(answer)).toMatch(/^HTTP\/1\.1 101 /);
  // Nothing is ever decompressed.
  expect(String(answer).toLowerCase()).not.toContain('permessage-deflate');
  return socket;
}

/** Many times `one`, so many of them at once. */
export async function times(count: number, atOnce: number, one: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Sends a body as it is; the status, 0 where the connection was closed instead. */
export async function send(url: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
  try {
    const response = await fetch(url, init as RequestInit);
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}
