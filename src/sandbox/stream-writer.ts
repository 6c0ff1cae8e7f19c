import type { ServerResponse } from 'node:http';
import type { Writer } from './writer.ts';

/**
 * One reply that is written while it is made: an SSE stream, or in blocking mode nothing until the end.
 * `open` sends no bytes: like Dify, the headers go out with the first frame.
 */
export class StreamWriter implements Writer {
  /** Resolves when the reply is over for the peer: it ended, was cut, or the peer went away. */
  readonly gone: Promise<'ended' | 'gone'>;
  /** False in blocking mode: frames are dropped, the caller writes the reply at the end. */
  readonly streaming: boolean;
  readonly #response: ServerResponse;
  readonly #pingMs: number;
  #lost = false;
  #held: string[] | null = null;
  #released: Promise<void> = Promise.resolve();
  #ping: NodeJS.Timeout | undefined;
  #silent = false;

  constructor(response: ServerResponse, options: { streaming: boolean; pingMs: number }) {
    this.#response = response;
    this.streaming = options.streaming;
    this.#pingMs = options.pingMs;
    this.gone = endOf(response);
    void this.gone.then((how) => {
      this.#lost = how === 'gone';
      clearInterval(this.#ping);
    });
  }

  /** The peer went away before the end. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Starts the stream. With `holdMs` all that is sent until then waits and leaves in one burst. */
  open(headers: Readonly<Record<string, string>>, holdMs = 0): void {
    if (this.streaming) {
      this.#response.statusCode = 200;
      for (const [name, value] of Object.entries(headers)) this.#response.setHeader(name, value);
    }
    if (holdMs === 0) return this.#startPings();
    this.#held = [];
    this.#released = new Promise((resolve) => {
      const timer = setTimeout(() => void this.#release().then(resolve), holdMs);
      void this.gone.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** One frame. Resolves when the socket has taken it, or at once when nobody reads. */
  async send(event: object): Promise<void> {
    await this.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  /** Bytes of an event stream, as a socket write of their own. */
  async write(text: string): Promise<void> {
    if (!this.streaming || text === '') return;
    if (this.#held === null) return put(this.#response, text);
    this.#held.push(text);
  }

  /** Resolves when what `open` held back has left, or nobody waits for it any more. */
  released(): Promise<void> {
    return this.#released;
  }

  async end(): Promise<void> {
    await this.released();
    clearInterval(this.#ping);
    if (!this.#response.writableEnded) this.#response.end();
  }

  /** Resets the connection, as a crashed proxy does. */
  async cut(): Promise<void> {
    await this.released();
    this.#response.socket?.resetAndDestroy();
    await this.gone;
  }

  /** Sends nothing any more, pings included. */
  silence(): void {
    this.#silent = true;
    clearInterval(this.#ping);
  }

  async #release(): Promise<void> {
    const held = this.#held?.join('') ?? '';
    this.#held = null;
    this.#startPings();
    await this.write(held);
  }

  #startPings(): void {
    if (this.streaming && !this.#silent && !this.#lost)
      this.#ping = setInterval(() => void this.write('event: ping\n\n'), this.#pingMs);
  }
}

/** Writes and waits until the operating system has the bytes, so that each write is a segment of its own. */
export function put(response: ServerResponse, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed || response.writableEnded) return resolve();
    const done = () => {
      response.off('close', done);
      resolve();
    };
    response.once('close', done);
    response.write(bytes, done);
  });
}

/** How a reply ended: by its own end, or because the peer (or a reset) took the connection away. */
export function endOf(response: ServerResponse): Promise<'ended' | 'gone'> {
  return new Promise((resolve) => {
    const close = () => resolve(response.writableFinished ? 'ended' : 'gone');
    if (response.destroyed) close();
    else response.once('close', close);
  });
}
