import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** How much may wait in a socket before each of its readers waits for it, in bytes: more is at most one event of each. */
const MOST_BUFFERED = 65_536;

/** Up to here memory is shared with others, in bytes: it is had sooner. */
const MOST_SHARED = 4_096;

/** The first byte of a frame that is a whole text. */
const TEXT = 0x81;

/**
 * What is said to a client: text frames of this server's own making, which nobody has asked to compress. All that is said in one
 * turn of the event loop leaves as one piece in one system call: a read from Dify often makes several events.
 */
export class Outbox {
  readonly #socket: WebSocket;
  readonly #tcp: Socket;
  #texts: string[] = [];
  /** Of each, in bytes. */
  #lengths: number[] = [];
  /** Of their frames, in bytes. */
  #size = 0;
  #left: PromiseWithResolvers<void> | null = null;

  /** `tcp` is what `socket` writes to. */
  constructor(socket: WebSocket, tcp: Socket) {
    this.#socket = socket;
    this.#tcp = tcp;
  }

  /** A promise asks for patience: the socket is behind. The reader waits, and catches up in larger steps. */
  send(text: string): void | Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#texts.length === 0) process.nextTick(() => this.flush());
    this.#texts.push(text);
    const length = Buffer.byteLength(text);
    this.#lengths.push(length);
    this.#size += sizeOf(length);
    if (this.#tcp.writableLength + this.#size < MOST_BUFFERED) return;
    return (this.#left ??= Promise.withResolvers<void>()).promise;
  }

  /** Hands over what was said so far. */
  flush(): void {
    const [texts, lengths, size, left] = [this.#texts, this.#lengths, this.#size, this.#left];
    if (texts.length === 0) return;
    this.#texts = [];
    this.#lengths = [];
    this.#size = 0;
    this.#left = null;
    if (this.#socket.readyState !== this.#socket.OPEN) return left?.resolve();
    // What has to wait must not hold on to a share of more.
    const frames = size > MOST_SHARED ? Buffer.allocUnsafeSlow(size) : Buffer.allocUnsafe(size);
    let at = 0;
    for (const [index, text] of texts.entries()) at = frame(frames, at, text, lengths[index] ?? 0);
    this.#tcp.write(frames, left ? () => left.resolve() : undefined);
  }

  /** Says what there is to say, then that nothing follows. */
  close(code?: number, reason?: string): void {
    this.flush();
    this.#socket.close(code, reason);
  }
}

/** Of a frame with so many bytes of text. */
function sizeOf(length: number): number {
  return length + (length < 126 ? 2 : length < 65_536 ? 4 : 10);
}

/** Writes a text of so many bytes as a frame (RFC 6455, 5.2); returns where it ends. */
function frame(bytes: Buffer, at: number, text: string, length: number): number {
  bytes[at] = TEXT;
  if (length < 126) bytes[at + 1] = length;
  else if (length < 65_536) {
    bytes[at + 1] = 126;
    bytes.writeUInt16BE(length, at + 2);
  } else {
    bytes[at + 1] = 127;
    bytes.writeUIntBE(0, at + 2, 2);
    bytes.writeUIntBE(length, at + 4, 6);
  }
  const end = at + sizeOf(length);
  // ASCII is copied as it is.
  bytes.write(text, end - length, length === text.length ? 'latin1' : 'utf8');
  return end;
}
