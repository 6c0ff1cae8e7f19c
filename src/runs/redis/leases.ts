import type { Names } from './names.ts';
import type { Redis } from './redis.ts';
import * as scripts from './scripts.ts';

export interface LeaseHolder {
  /** Names of the runs that are written here. */
  held(): Iterable<string>;
  /** Somebody has asked for a stop of one of them. */
  stop(name: string): void;
  /** Another process wrote it, and does not any more: it is written here now, as the writer of that number. */
  taken(name: string, fence: number): Promise<void>;
}

/** How often is looked for runs that have lost their writer, in ms. */
const LOOK_MS = 1_000;

/** Runs asked about in one step. */
const AT_ONCE = 200;

/** Says again and again that this process writes its runs, and takes over those of processes that have fallen silent. */
export class Leases {
  readonly #redis: Redis;
  readonly #names: Names;
  readonly #leaseMs: number;
  readonly #holder: LeaseHolder;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Epoch ms since which Redis has been there: writers that could not reach it have to get time to. */
  #since = Infinity;
  #paused = false;
  #looking = false;

  constructor(redis: Redis, names: Names, leaseMs: number, holder: LeaseHolder) {
    this.#redis = redis;
    this.#names = names;
    this.#leaseMs = leaseMs;
    this.#holder = holder;
    redis.onReady(() => {
      this.#since = Date.now();
      void this.#renew();
    });
  }

  start(): void {
    this.#timers.push(setInterval(() => void this.#renew(), this.#leaseMs / 4).unref());
    this.#timers.push(setInterval(() => void this.look(), Math.min(LOOK_MS, this.#leaseMs / 4)).unref());
  }

  /** Takes nothing over any more: the process is about to end. */
  pause(): void {
    this.#paused = true;
  }

  close(): void {
    this.#paused = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Looks for runs that nobody writes. */
  async look(): Promise<void> {
    if (this.#looking || this.#paused || !this.#redis.available) return;
    this.#looking = true;
    try {
      const names = (await this.#redis.run(scripts.expired, [this.#names.leases], [AT_ONCE])) as string[];
      const isNew = Date.now() - this.#since < this.#leaseMs;
      const own = new Set(this.#holder.held());
      for (const name of names)
        if (!own.has(name) && !(isNew && !(await this.#isHandedOver(name)))) await this.#take(name);
    } catch {
      // Redis went away: the next look will tell.
    } finally {
      this.#looking = false;
    }
  }

  /** Its writer has let go of it, so nobody has to be waited for. */
  async #isHandedOver(name: string): Promise<boolean> {
    return (await this.#redis.ask((connection) => connection.zscore(this.#names.leases, name))) === '0';
  }

  async #take(name: string): Promise<void> {
    const run = this.#names.run(name);
    const fence = await this.#redis.run(scripts.takeOver, [run, this.#names.leases], [name, this.#leaseMs, run]);
    if (typeof fence === 'number' && fence > 0) await this.#holder.taken(name, fence);
  }

  async #renew(): Promise<void> {
    const held = [...this.#holder.held()];
    for (let from = 0; from < held.length; from += AT_ONCE) {
      const some = held.slice(from, from + AT_ONCE);
      const keys = some.flatMap((name) => [this.#names.run(name), this.#names.stop(name)]);
      const args = [this.#leaseMs, ...some];
      const stops = await this.#redis.run(scripts.renew, [this.#names.leases, ...keys], args).catch(() => []);
      for (const name of stops as string[]) this.#holder.stop(name);
    }
  }
}
