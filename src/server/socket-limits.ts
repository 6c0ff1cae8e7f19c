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
export function readAtMost(socket: WebSocket, perSecond: number): void {
  let since = 0;
  let read = 0;
  const count = (): void => {
    const now = performance.now();
    if (now - since >= 1_000) [since, read] = [now, 0];
    read += 1;
    if (read < perSecond || socket.isPaused) return;
    socket.pause();
    setTimeout(() => socket.resume(), since + 1_000 - now).unref();
  };
  socket.on('message', count).on('ping', count).on('pong', count);
}
