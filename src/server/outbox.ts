import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** How much may wait in a socket before each of its readers waits for it, in bytes: more is at most one event of each. */
const MOST_BUFFERED = 65_536;

/** The first byte of a frame that is a whole text. */
const TEXT = '\x81';

/**
 * What is said to a client: text frames of this server's own making, which nobody has asked to compress. All that is said in one
 * turn of the event loop leaves as one piece in one system call: a read from Dify often makes several events.
 */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  /** Frames, a character for each byte: that is how a socket takes them without a buffer between. */
  #frames = '';
  #left: PromiseWithResolvers<void> | null = null;

  /** `tcp` is what `socket` writes to. */
  constructor(socket: WebSocket, tcp: Socket) {
    this.#socket = socket;
    this.#tcp = tcp;
  }

  /** A promise asks for patience: the socket is behind. The reader waits, and catches up in larger steps. */
  send(text: string): void | Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#frames === '') process.nextTick(flush, this);
    this.#frames += frame(text);
    if (this.#tcp.writableLength + this.#frames.length < MOST_BUFFERED) return;
    return (this.#left ??= Promise.withResolvers<void>()).promise;
  }

  /** Hands over what was said so far. */
  flush(): void {
    const [frames, left] = [this.#frames, this.#left];
    if (frames === '') return;
    this.#frames = '';
    this.#left = null;
    if (this.#socket.readyState !== this.#socket.OPEN) return left?.resolve();
    this.#tcp.write(frames, 'latin1', left ? () => left.resolve() : undefined);
  }

  /** Says what there is to say, then that nothing follows. */
  close(code?: number, reason?: string): void {
    this.flush();
    this.#socket.close(code, reason);
  }
}

function flush(outbox: Outbox): void {
  outbox.flush();
}

/** A text as a frame (RFC 6455, 5.2). */
function frame(text: string): string {
  // ASCII is its own UTF-8.
  const bytes = Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1');
  const { length } = bytes;
  if (length < 126) return TEXT + String.fromCharCode(length) + bytes;
  if (length < 65_536) return `${TEXT}\x7e${number(length, 2)}${bytes}`;
  return `${TEXT}\x7f${number(length, 8)}${bytes}`;
}

/** In so many bytes, the highest first. */
function number(value: number, bytes: number): string {
  let said = '';
  for (let place = bytes - 1; place >= 0; place -= 1)
    said += String.fromCharCode(Math.floor(value / 256 ** place) % 256);
  return said;
}
