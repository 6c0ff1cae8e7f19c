import { randomUUID } from 'node:crypto';
import type { RunEvent } from '../run-event.ts';
import type { KeptRun, LogWriter, RunLog } from '../run-log.ts';
import { isEnded, type RunHeader, type RunKey } from '../run-state.ts';
import { elapsed } from '../wait.ts';
import { Copies } from './copies.ts';
import type { Copy } from './copy.ts';
import { Leases } from './leases.ts';
import { keyOf, nameOf, Names } from './names.ts';
import type { Redis } from './redis.ts';
import * as scripts from './scripts.ts';
import { Watchers } from './watchers.ts';
import { LIFE_MS, Written } from './written.ts';

export interface RedisLogOptions {
  /** After the end of a run. Default 60. */
  readonly keepMinutes?: number;
  /** A writer that says nothing for so long has lost its runs, in ms. Default 5,000. */
  readonly leaseMs?: number;
  /** `strict`: readers see nothing that Redis does not have. Default `relaxed`: what is read is delivered and written at once. */
  readonly durability?: 'relaxed' | 'strict';
}

/** How long what is left may take to be stored, in ms: the process is about to end. */
const FLUSH_MS = 2_000;

/** What is called from one replica to the writer of a run in another. */
type Order = readonly [what: 'stop' | 'answered' | 'take', name: string];

/**
 * Runs in Redis: any replica reads, follows, stops and resumes any run; one of them writes it, and if it dies another goes on.
 * Every replica has copies of the runs that it writes or reads, so its readers cost Redis nothing.
 */
export class RedisLog implements RunLog {
  readonly #redis: Redis;
  readonly #names: Names;
  readonly #copies: Copies;
  readonly #leases: Leases;
  readonly #watchers: Watchers;
  readonly #written = new Map<string, Written>();
  readonly #options: Required<RedisLogOptions>;
  readonly #unlisten: () => void;
  #writer: LogWriter | undefined;

  constructor(redis: Redis, { keepMinutes = 60, leaseMs = 5_000, durability = 'relaxed' }: RedisLogOptions = {}) {
    this.#redis = redis;
    this.#names = new Names(redis.prefix);
    this.#options = { keepMinutes, leaseMs, durability };
    this.#copies = new Copies({
      redis,
      names: this.#names,
      goneMs: 2 * leaseMs,
      isWritten: (name) => this.#written.has(name),
      onReaders: () => this.#watchers.changed(),
    });
    this.#watchers = new Watchers(redis, this.#names, this.#copies, randomUUID());
    this.#leases = new Leases(redis, this.#names, leaseMs, {
      held: () => this.#written.keys(),
      stop: (name) => this.#stop(name),
      taken: (name, fence) => this.#taken(name, fence),
    });
    this.#unlisten = redis.listen(this.#names.orders, (message) => this.#obey(JSON.parse(message) as Order));
    redis.onReady(() => {
      for (const written of this.#written.values()) written.retry();
    });
  }

  get available(): boolean {
    return this.#redis.available;
  }

  async claim(header: RunHeader): Promise<{ first: boolean; run: KeptRun }> {
    const name = nameOf(header);
    const list = this.#names.list(header.viewer);
    const keys = [this.#names.run(name), this.#names.leases, list];
    const args = [name, JSON.stringify(header), this.#options.leaseMs, LIFE_MS, header.createdAt, list];
    if ((await this.#redis.run(scripts.claim, keys, args)) === 1) {
      const copy = this.#copies.open(header);
      this.#write(copy, 1);
      return { first: true, run: copy };
    }
    const run = await this.find(header);
    // It was there a moment ago.
    return run ? { first: false, run } : this.claim(header);
  }

  append(key: RunKey, events: readonly RunEvent[]): void | Promise<void> {
    const name = nameOf(key);
    const written = this.#written.get(name);
    const copy = this.#copies.get(name);
    if (!copy || events.length === 0) return;
    if (!written) {
      if (isEnded(copy.state)) throw new Error('The run has ended');
      return;
    }
    if (this.#options.durability === 'strict') return written.ahead(events);
    copy.append(events);
    void written.flush();
  }

  async flushed(key: RunKey): Promise<void> {
    await this.#written.get(nameOf(key))?.flush();
  }

  async markStopping(key: RunKey): Promise<void> {
    const name = nameOf(key);
    if (this.#written.has(name)) {
      this.#stop(name);
      // For whoever may have to take it over; that it stops does not wait for it.
      return void this.#noteStop(name).catch(() => {});
    }
    const run = await this.find(key);
    if (!run || isEnded(run.state)) return;
    await this.#noteStop(name);
    this.#order('stop', name);
  }

  async #noteStop(name: string): Promise<void> {
    await this.#redis.ask((connection) => connection.set(this.#names.stop(name), '1', 'PX', LIFE_MS));
  }

  noteAnswered(key: RunKey): void {
    if (this.#written.has(nameOf(key))) this.#writer?.answered(key);
    else this.#order('answered', nameOf(key));
  }

  async handOver(key: RunKey): Promise<boolean> {
    const name = nameOf(key);
    const written = this.#written.get(name);
    if (!written || !this.available) return false;
    await elapsed(FLUSH_MS, written.flush());
    const keys = [this.#names.run(name), this.#names.leases];
    const said = await this.#redis.run(scripts.handOver, keys, [name, written.fence]).catch(() => 0);
    if (said !== 1) return false;
    this.#release(name, written);
    this.#order('take', name);
    return true;
  }

  retire(): void {
    this.#leases.pause();
  }

  async find(key: RunKey): Promise<KeptRun | undefined> {
    return this.#copies.find(nameOf(key));
  }

  async list(viewer: string): Promise<readonly KeptRun[]> {
    const list = this.#names.list(viewer);
    const names = await this.#redis.ask((connection) => connection.zrevrange(list, 0, -1));
    const runs = await Promise.all(names.map((name) => this.#copies.find(name)));
    const gone = names.filter((_, index) => runs[index] === undefined);
    if (gone.length > 0) await this.#redis.ask((connection) => connection.zrem(list, ...gone));
    return runs.filter((run) => run !== undefined);
  }

  onChange(viewer: string, changed: () => void): () => void {
    return this.#redis.listen(this.#names.list(viewer), changed, changed);
  }

  serve(writer: LogWriter): void {
    this.#writer = writer;
    this.#leases.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unlisten();
    this.#leases.close();
    this.#watchers.close();
    const left = [...this.#written.values()];
    if (this.available) await elapsed(FLUSH_MS, Promise.all(left.map((written) => written.flush())));
    for (const written of left) written.end();
    this.#copies.close();
  }

  #write(copy: Copy, fence: number): void {
    const name = nameOf(copy.state.header);
    copy.fence = fence;
    const written: Written = new Written(copy, fence, {
      redis: this.#redis,
      names: this.#names,
      leaseMs: this.#options.leaseMs,
      keepMs: this.#options.keepMinutes * 60_000,
      onSettled: () => this.#release(name, written),
      onLost: () => {
        // An end that the store has not is none.
        if (isEnded(copy.state)) this.#copies.drop(name);
        this.#release(name, written);
        this.#writer?.lost(keyOf(name));
      },
    });
    this.#written.set(name, written);
    this.#copies.taken(name);
  }

  #release(name: string, written: Written): void {
    written.end();
    if (this.#written.get(name) !== written) return;
    this.#written.delete(name);
    this.#copies.released(name);
  }

  async #taken(name: string, fence: number): Promise<void> {
    const copy = await this.#copies.reload(name);
    if (!copy || isEnded(copy.state)) return;
    this.#write(copy, fence);
    this.#writer?.takeOver(copy);
  }

  #order(...order: Order): void {
    this.#redis.ring(this.#names.orders, JSON.stringify(order));
  }

  #obey([what, name]: Order): void {
    if (what === 'take') return void this.#leases.look();
    if (what === 'stop') return this.#stop(name);
    if (this.#written.has(name)) this.#writer?.answered(keyOf(name));
  }

  #stop(name: string): void {
    this.#copies.get(name)?.markStopping();
    if (this.#written.has(name)) this.#writer?.stop(keyOf(name));
  }
}
