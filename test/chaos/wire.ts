import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Random } from './random.ts';

/** What a connection through a wire is in for. */
export interface Fate {
  /** Where it goes; null for nowhere. */
  readonly port: number | null;
  /** After so many bytes towards the server, or from it, it is cut. */
  readonly cutAfterSent?: number;
  readonly cutAfterReceived?: number;
  /** The peer reads in fits and starts. */
  readonly slow?: boolean;
  readonly onSent?: (chunk: Buffer) => void;
  readonly onCut?: () => void;
}

/** TCP connections that can be cut, at any byte. */
export class Wire implements AsyncDisposable {
  cuts = 0;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #cutters = new Map<Socket, () => void>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(fate: () => Fate): Promise<Wire> {
    const server = createServer({ noDelay: true });
    const wire = new Wire(server);
    server.on('connection', (near: Socket) => wire.#carry(near, fate()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#open.size;
  }

  /** Cuts one connection. False if there is none. */
  cutOne(random: Random): boolean {
    const all = [...this.#cutters.values()];
    if (all.length === 0) return false;
    random.pick(all)();
    return true;
  }

  cutAll(): void {
    for (const cut of this.#cutters.values()) cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await once(this.#server, 'close');
  }

  #carry(near: Socket, fate: Fate): void {
    near.on('error', () => {});
    if (fate.port === null) return void near.destroy();
    const far = connect({ port: fate.port, host: '127.0.0.1', noDelay: true });
    far.on('error', () => {});
    this.#open.add(near);
    const cut = () => {
      if (!this.#cutters.delete(near)) return;
      this.cuts += 1;
      fate.onCut?.();
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    this.#cutters.set(near, cut);
    near.once('close', () => {
      this.#cutters.delete(near);
      this.#open.delete(near);
      far.destroy();
    });
    far.once('close', () => near.destroy());
    pass(near, far, fate.cutAfterSent ?? Infinity, cut, fate.onSent);
    pass(far, near, fate.cutAfterReceived ?? Infinity, cut);
    if (fate.slow) dawdle(far, near);
  }
}

/** Passes bytes on, up to the one at which the connection is cut. */
function pass(from: Socket, to: Socket, most: number, cut: () => void, onBytes?: (chunk: Buffer) => void): void {
  let left = most;
  from.on('data', (chunk: Buffer) => {
    onBytes?.(chunk);
    const part = left < chunk.length ? chunk.subarray(0, left) : chunk;
    left -= part.length;
    if (left <= 0) {
      // What was let through has to arrive before the reset.
      to.write(part, () => setTimeout(cut, 2));
      from.pause();
    } else if (!to.write(part)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
  from.on('end', () => to.end());
}

function dawdle(from: Socket, to: Socket): void {
  let reads = true;
  const timer = setInterval(() => {
    reads = !reads;
    if (reads) from.resume();
    else from.pause();
  }, 400);
  to.once('close', () => clearInterval(timer));
}
