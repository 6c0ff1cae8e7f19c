import { rateLimited } from '../runs/rates.ts';
import type { WebSocket } from 'ws';

/** What one WebSocket may do. */
export interface SocketLimits {
  /** Operations at once. */
  readonly operations: number;
  /** Frames of all kinds that are read in a second. */
  readonly messagesPerSecond: number;
  /** How long it may be open without an operation. */
  readonly idleMinutes: number;
}

/** When one of the operations of a socket may have ended, in ms: nobody can know. */
const RETRY_MS = 1_000;

/** For an operation that would be one too many on its socket; the others go on. */
export function tooManyOperations(most: number) {
  return rateLimited(`More than ${most} operations at once on one WebSocket`, RETRY_MS);
}

/**
 * Reads no more than so many frames in a second: what is sent beyond them waits with its sender. Nothing is closed for it, since a
 * client that has only said much at once would send it all again.
 */
export class ReadingRate {
  readonly #socket: WebSocket;
  readonly #perSecond: number;
  #since = 0;
  #read = 0;

  constructor(socket: WebSocket, perSecond: number) {
    this.#socket = socket;
    this.#perSecond = perSecond;
  }

  /** To be called for each. */
  count(): void {
    const now = performance.now();
    if (now - this.#since >= 1_000) [this.#since, this.#read] = [now, 0];
    this.#read += 1;
    if (this.#read < this.#perSecond || this.#socket.isPaused) return;
    this.#socket.pause();
    setTimeout(() => this.#socket.resume(), this.#since + 1_000 - now).unref();
  }
}
