import type { Copies } from './copies.ts';
import type { Names } from './names.ts';
import type { Redis } from './redis.ts';

/** How often a process says how many readers it has, in ms; one that is silent for three times as long has none. */
const SAY_MS = 3_000;

/** Changes within this time, in ms, are told together. */
const SOON_MS = 50;

interface Said {
  readonly replica: string;
  /** By run. Those that are not named have none. */
  readonly readers: Readonly<Record<string, number>>;
}

/** Tells the other processes how many readers each run has here, and hears how many it has there. Nothing is stored. */
export class Watchers {
  readonly #redis: Redis;
  readonly #names: Names;
  readonly #copies: Copies;
  readonly #replica: string;
  readonly #elsewhere = new Map<string, Said & { readonly until: number }>();
  readonly #timer: NodeJS.Timeout;
  readonly #unlisten: () => void;
  #soon: NodeJS.Timeout | undefined;
  #told = '{}';

  constructor(redis: Redis, names: Names, copies: Copies, replica: string) {
    this.#redis = redis;
    this.#names = names;
    this.#copies = copies;
    this.#replica = replica;
    this.#unlisten = redis.listen(names.watchers, (message) => this.#hear(JSON.parse(message) as Said));
    this.#timer = setInterval(() => this.#say(true), SAY_MS).unref();
  }

  /** Somebody has begun to read, or has left. */
  changed(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#say(false);
    }, SOON_MS).unref();
  }

  close(): void {
    this.#unlisten();
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#redis.ring(this.#names.watchers, JSON.stringify({ replica: this.#replica, readers: {} } satisfies Said));
  }

  #say(again: boolean): void {
    const read = [...this.#copies].filter(([, { readers }]) => readers > 0);
    const readers = Object.fromEntries(read.map(([name, copy]) => [name, copy.readers]));
    const told = JSON.stringify(readers);
    if (told !== this.#told || (again && told !== '{}'))
      this.#redis.ring(this.#names.watchers, JSON.stringify({ replica: this.#replica, readers } satisfies Said));
    this.#told = told;
    this.#count();
  }

  #hear(said: Said): void {
    if (said.replica === this.#replica) return;
    this.#elsewhere.set(said.replica, { ...said, until: Date.now() + 3 * SAY_MS });
    this.#count();
  }

  #count(): void {
    const now = Date.now();
    for (const [replica, { until }] of this.#elsewhere) if (until < now) this.#elsewhere.delete(replica);
    const all = [...this.#elsewhere.values()];
    for (const [name, copy] of this.#copies)
      copy.watchersElsewhere = all.reduce((sum, { readers }) => sum + (readers[name] ?? 0), 0);
  }
}
