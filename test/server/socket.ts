import { once } from 'node:events';
import { WebSocket, type ClientOptions, type RawData } from 'ws';
import type { Data, Rig } from '../rig.ts';

/** A WebSocket without a client library: frames as they are. */
export class Socket implements AsyncDisposable {
  readonly ws: WebSocket;
  /** What came and was not taken yet. */
  readonly #frames: Data[] = [];
  #arrived: (() => void) | undefined;
  /** The code and the reason that it was closed with. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  constructor(url: string, protocol: string | null = 'graphql-transport-ws', options: ClientOptions = {}) {
    this.ws = new WebSocket(url, protocol === null ? [] : [protocol], options);
    this.ws.on('error', () => {});
    this.ws.on('message', (data: RawData) => {
      this.#frames.push(JSON.parse((data as Buffer).toString()) as Data);
      this.#arrived?.();
    });
    this.closed = new Promise((resolve) => {
      this.ws.once('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.#arrived?.();
      });
    });
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The next frame. */
  async next(): Promise<Data> {
    while (this.#frames.length === 0) {
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error('the socket is closed');
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
    return this.#frames.shift() ?? {};
  }

  /** The next frame of that operation. Frames of others on the way are lost. */
  async nextOf(id: string): Promise<Data> {
    for (;;) {
      const frame = await this.next();
      if (frame['id'] === id) return frame;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ws.terminate();
    await this.closed;
  }
}

/** A socket that has been let in. */
export async function openSocket(rig: Rig, payload: object = {}, options: ClientOptions = {}): Promise<Socket> {
  const socket = new Socket(rig.wsUrl, undefined, options);
  await once(socket.ws, 'open');
  socket.send({ type: 'connection_init', payload });
  await socket.next();
  return socket;
}

export function subscribe(socket: Socket, id: string, query: string, variables: object = {}): void {
  socket.send({ id, type: 'subscribe', payload: { query, variables } });
}
