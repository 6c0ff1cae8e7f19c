import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** How much of a message may be there without being asked where the rest is, in bytes. */
const SMALL_MESSAGE = 65_536;

/** What a ping or a pong takes besides what it says. */
const CONTROL_BYTES = 6;

type Tcp = Pick<Socket, 'bytesRead' | 'setTimeout'>;

/** What is known of one socket: to be told of all that comes. */
export class Pulse {
  readonly socket: WebSocket;
  readonly tcp: Tcp;
  readonly isIdle: () => boolean;
  /** When a ping left that is not answered; Infinity while it waits behind other things. */
  pinged: number | null = null;
  /** When much more was seen to have come than whole messages. */
  pendingSince: number | null = null;
  /** Bytes that have come with whole messages. */
  #taken: number;

  constructor(socket: WebSocket, tcp: Tcp, isIdle: () => boolean) {
    this.socket = socket;
    this.tcp = tcp;
    this.isIdle = isIdle;
    this.#taken = tcp.bytesRead;
  }

  /** How much has come of what is not whole yet, in bytes. */
  get pending(): number {
    return this.tcp.bytesRead - this.#taken;
  }

  message(): void {
    this.#taken = this.tcp.bytesRead;
    this.pendingSince = null;
  }

  ping(data: Buffer): void {
    this.#taken += data.length + CONTROL_BYTES;
  }

  pong(data: Buffer): void {
    this.ping(data);
    this.pinged = null;
  }
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
  readonly #watched = new Set<Pulse>();

  /**
   * `pingMs`: how long an answer may take, and from it to the next ping; `messageMs`: how long a large message may take; `stalledMs`: how
   * long nothing may move while a ping waits behind what was said before.
   */
  constructor({ pingMs, messageMs, stalledMs }: HeartbeatTimes) {
    this.#pingMs = pingMs;
    this.#messageMs = messageMs;
    this.#stalledMs = stalledMs;
    this.#timer = setInterval(() => {
      for (const pulse of this.#watched) this.#see(pulse);
    }, pingMs);
  }

  watch(pulse: Pulse): void {
    this.#watched.add(pulse);
    pulse.tcp.setTimeout(0).on('timeout', () => pulse.socket.terminate());
  }

  /** It is closed. */
  forget(pulse: Pulse): void {
    this.#watched.delete(pulse);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #see(pulse: Pulse): void {
    const { socket, tcp } = pulse;
    // Not 1000, which ends operations that are on their way: after this clients ask again.
    if (pulse.isIdle()) socket.close(1001, 'Idle');
    if (this.#isStuck(pulse)) return socket.terminate();
    if (pulse.pinged !== null) {
      if (performance.now() - pulse.pinged > this.#pingMs / 2) socket.terminate();
      return;
    }
    pulse.pinged = Infinity;
    // Counted only while a ping waits: a timer that each event moves is felt.
    tcp.setTimeout(this.#stalledMs);
    socket.ping(undefined, undefined, () => {
      pulse.pinged = performance.now();
      tcp.setTimeout(0);
    });
  }

  #isStuck(pulse: Pulse): boolean {
    if (pulse.pending <= SMALL_MESSAGE) return false;
    pulse.pendingSince ??= performance.now();
    return performance.now() - pulse.pendingSince > this.#messageMs;
  }
}
