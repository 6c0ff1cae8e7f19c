import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

/** A bare TCP connection to a sandbox: what arrives, read by read. */
export class Wire implements AsyncDisposable {
  readonly reads: { readonly atMs: number; readonly text: string }[] = [];
  /** Why it is over: the peer ended it, or reset it. */
  readonly over: Promise<'ended' | 'reset'>;
  readonly #socket: Socket;
  readonly #startedAt = performance.now();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => {
      this.reads.push({ atMs: performance.now() - this.#startedAt, text: data.toString('utf8') });
    });
    this.over = new Promise((resolve) => {
      socket.on('error', () => resolve('reset'));
      socket.on('end', () => resolve('ended'));
    });
  }

  static async open(sandbox: Sandbox): Promise<Wire> {
    const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    await once(socket, 'connect');
    return new Wire(socket);
  }

  /** Posts JSON with the key of an app. */
  post(sandbox: Sandbox, app: string, path: string, body: object): void {
    const key = sandbox.apps.find(({ name }) => name === app)?.key ?? '';
    const text = JSON.stringify(body);
    this.#socket.write(
      `POST /v1${path} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer ${key}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  }

  ask(sandbox: Sandbox, app: string, query: string): void {
    const body = { query, inputs: {}, user: 'ann', response_mode: 'streaming', auto_generate_name: false };
    this.post(sandbox, app, '/chat-messages', body);
  }

  get text(): string {
    return this.reads.map(({ text }) => text).join('');
  }

  /** Waits until what has arrived matches. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) await setTimeout(5); // nothing tells of data that has not come
  }

  close(): void {
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await Promise.resolve();
  }
}
