import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { connectTo } from './connect.ts';
import type { Reply, TextAsk } from './exchange.ts';
import { HttpReader, type ReplyHead } from './http-reader.ts';
import { closed, errorFromNetwork, unanswered, unconnected } from './network-error.ts';

/** What is told of a body: what each read of the socket brings, then one of the others. */
export interface BodyListener {
  /** What stands between `from` and `to`: it is overwritten as soon as this returns. */
  onPiece(bytes: Buffer, from: number, to: number): void;
  onEnd(): void;
  onBreak(error: unknown): void;
}

/** Where is asked. `connectMs`: how long a connection may take, with TLS. */
export type Origin = ReturnType<typeof connectTo> & { readonly host: string; readonly connectMs: number };

/** Every socket is read into it: what one has brought is taken before another is read. */
const shared = Buffer.allocUnsafeSlow(65_536);

const none = Buffer.alloc(0);

/** One for all: to make an error costs more than the rest of letting go. */
const letGo = new Error('The connection was let go');

/**
 * A question and its reply: one HTTP/1.1 request over a connection of its own, which carries nothing else. Nothing stands between the
 * socket and the listener, and nothing is copied: thousands of answers feel that. The body is paused until `resume` is called; while
 * it is paused nothing is told but that it broke.
 */
export class LiveReply implements Reply {
  readonly #opened = Promise.withResolvers<void>();
  readonly #reader = new HttpReader();
  readonly #socket: Socket;
  readonly #onRelease: () => void;
  /** For the phase before the body. */
  #limit: NodeJS.Timeout;
  #listener: BodyListener | null = null;
  #body: Readable | undefined;
  #paused = true;
  /** What came all the same. */
  #held: Buffer | null = null;
  #isOver = false;
  #broken: { readonly error: unknown } | null = null;

  /** `onRelease` is called once, when the connection is let go, by whomever. */
  constructor(origin: Origin, ask: TextAsk, onRelease: () => void) {
    const request = requestOf(ask, origin.host);
    this.#onRelease = onRelease;
    this.#limit = setTimeout(() => this.#break(unconnected()), origin.connectMs);
    this.#socket = origin.connect({ buffer: shared, callback: (size) => this.#read(size) });
    this.#socket.once(origin.ready, () => {
      clearTimeout(this.#limit);
      if (ask.headersMs > 0) this.#limit = setTimeout(() => this.#break(unanswered()), ask.headersMs);
    });
    this.#socket.once('end', () => this.#closed());
    this.#socket.once('close', () => this.#closed());
    this.#socket.on('error', (error) => this.#break(error));
    this.#socket.write(request);
  }

  /** Resolves when the body is about to begin, rejects with a GatewayError. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get status(): number {
    return this.#reader.head?.status ?? 0;
  }

  get headers(): ReplyHead['headers'] {
    return this.#reader.head?.headers ?? {};
  }

  /** The body as a stream, instead of listening. */
  get body(): Readable {
    return (this.#body ??= this.#stream());
  }

  /** To be called once. */
  listen(listener: BodyListener): void {
    this.#listener = listener;
    if (this.#broken) listener.onBreak(this.#broken.error);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#isOver) return;
    this.#paused = false;
    const held = this.#held;
    this.#held = null;
    if (held) this.#listener?.onPiece(held, 0, held.length);
    this.#endIfOver();
    if (!this.#isPaused()) this.#socket.resume();
  }

  release(): void {
    this.#break(letGo);
  }

  /** Returns false if no more is to be read for now. */
  #read(size: number): boolean {
    if (this.#isOver) return false;
    const reader = this.#reader;
    const wasOpen = reader.head !== null;
    try {
      reader.read(shared, size);
    } catch (error) {
      this.#break(error);
      return false;
    }
    if (reader.head === null) return true;
    if (!wasOpen) {
      clearTimeout(this.#limit);
      this.#opened.resolve();
    }
    const { from, to } = reader;
    if (this.#paused) this.#held = Buffer.concat([this.#held ?? none, shared.subarray(from, to)]);
    else {
      if (from < to) this.#listener?.onPiece(shared, from, to);
      this.#endIfOver();
    }
    return !this.#paused;
  }

  #endIfOver(): void {
    if (!this.#reader.isOver || this.#paused || this.#isOver) return;
    this.#letGo();
    this.#listener?.onEnd();
  }

  /** By the other side. */
  #closed(): void {
    if (this.#reader.close()) this.#endIfOver();
    else this.#break(closed());
  }

  #break(error: unknown): void {
    if (this.#isOver) return;
    this.#broken = { error };
    this.#held = null;
    this.#letGo();
    this.#opened.reject(errorFromNetwork(error));
    this.#listener?.onBreak(error);
  }

  #letGo(): void {
    this.#isOver = true;
    clearTimeout(this.#limit);
    this.#socket.destroy();
    this.#onRelease();
  }

  /** It does not let go of the connection. */
  #stream(): Readable {
    const stream = new Readable({ read: () => this.resume() });
    stream.on('error', () => {});
    this.listen({
      onPiece: (bytes, from, to) => {
        if (!stream.push(Buffer.from(bytes.subarray(from, to)))) this.pause();
      },
      onEnd: () => stream.push(null),
      onBreak: (error) => stream.destroy(error instanceof Error ? error : new Error('The reply broke off')),
    });
    return stream;
  }

  /** The listener may have paused it meanwhile. */
  #isPaused(): boolean {
    return this.#paused;
  }
}

/** The bytes of a request, but for letters that are not ASCII, which only its body has. */
function requestOf({ method, path, headers, body = '' }: TextAsk, host: string): string {
  const fields = { host, connection: 'close', ...headers, 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  const head = [`${method} ${path} HTTP/1.1`, ...lines];
  if (head.some((line) => !/^[\t -~]*$/.test(line)) || path.includes(' ')) throw new Error('No request can say that');
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
