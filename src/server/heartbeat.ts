import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** How much of a message may be there without being asked where the rest is, in bytes. */
const SMALL_MESSAGE = 65_536;

/** What a ping or a pong takes besides what it says. */
const CONTROL_BYTES = 6;

type Tcp = Pick<Socket, 'bytesRead' | 'setTimeout'>;

interface Watched {
  readonly tcp: Tcp;
  readonly isIdle: () => boolean;
  /** When a ping left that is not answered; Infinity while it waits behind other things. */
  pinged: number | null;
  /** Bytes that have come with whole messages. */
  taken: number;
  /** When much more than those was seen to have come. */
  pendingSince: number | null;
}

interface HeartbeatTimes {
  readonly pingMs: number;
  readonly messageMs: number;
  readonly stalledMs: number;
}

/**
 * Sees to it that sockets are open for somebody: each is pinged, and closed when nobody answers, nobody uses it, or a message, which is
 * held in memory, does not come to its end.
 */
export class Heartbeat implements Disposable {
  readonly #pingMs: number;
  readonly #messageMs: number;
  readonly #stalledMs: number;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #watched = new Map<WebSocket, Watched>();

  /**
   * `pingMs`: how long an answer may take, and from it to the next ping; `messageMs`: how long a large message may take; `stalledMs`: how
   * long nothing may move while a ping waits behind what was said before.
   */
  constructor({ pingMs, messageMs, stalledMs }: HeartbeatTimes) {
    this.#pingMs = pingMs;
    this.#messageMs = messageMs;
    this.#stalledMs = stalledMs;
    this.#timer = setInterval(() => {
      for (const [socket, watched] of this.#watched) this.#see(socket, watched);
    }, pingMs);
  }

  watch(socket: WebSocket, tcp: Tcp, isIdle: () => boolean): void {
    const watched: Watched = { tcp, isIdle, pinged: null, taken: tcp.bytesRead, pendingSince: null };
    this.#watched.set(socket, watched);
    tcp.setTimeout(0).on('timeout', () => socket.terminate());
    const controlled = (data: Buffer) => (watched.taken += data.length + CONTROL_BYTES);
    socket.on('message', () => {
      watched.taken = tcp.bytesRead;
      watched.pendingSince = null;
    });
    socket.on('ping', controlled).on('pong', (data) => {
      controlled(data);
      watched.pinged = null;
    });
    socket.once('close', () => this.#watched.delete(socket));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #see(socket: WebSocket, watched: Watched): void {
    // Not 1000, which ends operations that are on their way: after this clients ask again.
    if (watched.isIdle()) socket.close(1001, 'Idle');
    if (this.#isStuck(watched)) return socket.terminate();
    if (watched.pinged !== null) {
      if (performance.now() - watched.pinged > this.#pingMs / 2) socket.terminate();
      return;
    }
    watched.pinged = Infinity;
    // Counted only while a ping waits: a timer that each event moves is felt.
    watched.tcp.setTimeout(this.#stalledMs);
    socket.ping(undefined, undefined, () => {
      watched.pinged = performance.now();
      watched.tcp.setTimeout(0);
    });
  }

  #isStuck(watched: Watched): boolean {
    if (watched.tcp.bytesRead - watched.taken <= SMALL_MESSAGE) return false;
    watched.pendingSince ??= performance.now();
    return performance.now() - watched.pendingSince > this.#messageMs;
  }
}
