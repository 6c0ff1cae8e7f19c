import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { Dify, type DifyAppOptions } from '../../src/dify/dify.ts';
import type { DifyApp } from '../../src/dify/dify-app.ts';

export const canary = 'app-CANARY-0123456789';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Buffer;
}

export interface Exchange {
  readonly request: SeenRequest;
  readonly response: http.ServerResponse;
  readonly socket: Socket;
  /** Counts from 0. */
  readonly index: number;
}

/** A real HTTP server on a port of its own that remembers what it was asked and counts its open sockets. */
export class FakeServer implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  readonly server: http.Server;

  constructor(answer: (exchange: Exchange) => void) {
    this.server = http.createServer((message, response) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('end', () => {
        const { method = '', url = '', headers, socket } = message;
        const bytes = Buffer.concat(chunks);
        const request = { method, url, headers, body: bytes.toString(), bytes };
        const index = this.requests.push(request) - 1;
        answer({ request, response, socket, index });
      });
    });
    this.server.on('connection', (socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        this.server.emit('gone');
      });
    });
  }

  async listen(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** Resolves when no socket is open any more. */
  async empty(): Promise<void> {
    while (this.sockets.size > 0) await once(this.server, 'gone');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

export function serve(answer: (exchange: Exchange) => void): Promise<FakeServer> {
  return new FakeServer(answer).listen();
}

export function sendJson(
  { response }: Exchange,
  status: number,
  body: unknown,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export function openSse({ response }: Exchange): http.ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  return response;
}

const silent: Logger = pino({ level: 'silent' });

/** One app against one server, closed with the returned object. */
export function client(
  baseUrl: string,
  options: Partial<DifyAppOptions> = {},
  log = silent,
): Dify & { readonly one: DifyApp } {
  const dify = new Dify([{ name: 'one', baseUrl, key: canary, ...options }], log);
  return Object.assign(dify, { one: dify.apps[0]! });
}

export const never = new AbortController().signal;

export function frame(event: Readonly<Record<string, unknown>>): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

export function message(answer: string): string {
  return frame({ event: 'message', task_id: 't', conversation_id: 'c', message_id: 'm', created_at: 1, answer });
}

export const recordings = new URL('../fixtures/dify/1.12.1/', import.meta.url).pathname;

/** The recorded streams, as paths below `recordings`. */
export const recordedStreams: readonly string[] = readdirSync(recordings, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.sse'))
  .toSorted();

export function recorded(name: string): Buffer {
  return readFileSync(join(recordings, name));
}
