import { isEnded, type RunHeader } from '../run-state.ts';
import { Copy, type Entry } from './copy.ts';
import { nameOf, type Names } from './names.ts';
import type { Redis } from './redis.ts';
import { readOn, readWhole } from './stream.ts';

/** How often what is read is looked at besides when it rings, in ms: a ring that was not heard costs time, not data. */
const LOOK_MS = 2_000;

/** A copy that nobody reads is kept for so long, in ms. */
const KEEP_MS = 15_000;

export interface CopiesParts {
  readonly redis: Redis;
  readonly names: Names;
  /** How long a run may be missing from the store before it is given up, in ms: its writer may be about to put it back. */
  readonly goneMs: number;
  readonly isWritten: (name: string) => boolean;
  readonly onReaders: () => void;
}

/** The runs of the store that this process writes or reads. */
export class Copies {
  readonly #redis: Redis;
  readonly #names: Names;
  readonly #goneMs: number;
  readonly #isWritten: (name: string) => boolean;
  readonly #onReaders: () => void;
  readonly #copies = new Map<string, Copy>();
  /** What ends the listening, of those that are read here and written elsewhere. */
  readonly #bells = new Map<string, () => void>();
  readonly #loading = new Map<string, Promise<Copy | undefined>>();
  /** Of copies that are being brought up to date: whether it rang meanwhile, and whether they have to be read as a whole. */
  readonly #updating = new Map<string, { again: boolean; whole: boolean; done: Promise<void> }>();
  readonly #timer: NodeJS.Timeout;

  constructor({ redis, names, goneMs, isWritten, onReaders }: CopiesParts) {
    this.#redis = redis;
    this.#names = names;
    this.#goneMs = goneMs;
    this.#isWritten = isWritten;
    this.#onReaders = onReaders;
    this.#timer = setInterval(() => this.#look(), Math.min(LOOK_MS, goneMs / 4)).unref();
  }

  /** All that are here. */
  [Symbol.iterator](): IterableIterator<[string, Copy]> {
    return this.#copies.entries();
  }

  get(name: string): Copy | undefined {
    return this.#copies.get(name);
  }

  /** The copy of a run that nothing has happened to; the one that is here already, if somebody was faster. */
  open(header: RunHeader): Copy {
    const name = nameOf(header);
    const known = this.#copies.get(name);
    if (known?.state.lastSeq === 0) return known;
    const copy = new Copy(header, () => this.#readersChanged(name));
    this.#copies.set(name, copy);
    return copy;
  }

  /** The run as it is now; undefined if it is not kept. */
  async find(name: string): Promise<Copy | undefined> {
    const copy = this.#copies.get(name);
    if (!copy) return this.#load(name);
    copy.wanted = Date.now();
    if (isEnded(copy.state) || this.#isWritten(name)) return copy;
    await this.#update(name);
    return this.#copies.get(name);
  }

  /** The run as the store has it, whatever this process believed of it. */
  async reload(name: string): Promise<Copy | undefined> {
    await this.#updating.get(name)?.done;
    const known = this.#copies.get(name);
    if (!known) return this.#load(name);
    await this.#whole(name, known);
    return this.#copies.get(name);
  }

  /** It is not written here any more: readers here depend on the store now. */
  released(name: string): void {
    const copy = this.#copies.get(name);
    if (!copy || isEnded(copy.state)) return;
    if (copy.readers > 0) this.#hear(name);
    void this.#update(name, true).catch(ignore);
  }

  /** It is written here now: the store has no news of it. */
  taken(name: string): void {
    this.#bells.get(name)?.();
    this.#bells.delete(name);
  }

  /** Who asks for it from now on gets what the store has. */
  drop(name: string): void {
    this.taken(name);
    this.#copies.delete(name);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const quiet of this.#bells.values()) quiet();
    this.#bells.clear();
  }

  #readersChanged(name: string): void {
    this.#onReaders();
    const copy = this.#copies.get(name);
    if (copy && copy.readers > 0 && !isEnded(copy.state) && !this.#isWritten(name)) this.#hear(name);
  }

  #hear(name: string): void {
    if (this.#bells.has(name)) return;
    const update = () => void this.#update(name).catch(ignore);
    this.#bells.set(name, this.#redis.listen(this.#names.run(name), update, update));
  }

  #load(name: string): Promise<Copy | undefined> {
    let loading = this.#loading.get(name);
    if (!loading) {
      loading = this.#fetch(name).finally(() => this.#loading.delete(name));
      this.#loading.set(name, loading);
    }
    return loading;
  }

  async #fetch(name: string): Promise<Copy | undefined> {
    const [whole, stopping] = await Promise.all([readWhole(this.#redis, this.#names, name), this.#isStopping(name)]);
    if (!whole) return undefined;
    const copy = this.#copies.get(name) ?? this.open(whole.header);
    this.#become(name, copy, whole.entries);
    if (stopping) copy.markStopping();
    return copy;
  }

  #isStopping(name: string): Promise<number> {
    return this.#redis.ask((connection) => connection.exists(this.#names.stop(name)));
  }

  /** Brings a copy up to date; what rings meanwhile is not missed. */
  async #update(name: string, whole = false): Promise<void> {
    const running = this.#updating.get(name);
    if (running) {
      running.again = true;
      running.whole ||= whole;
      return running.done;
    }
    const update = { again: true, whole, done: Promise.resolve() };
    this.#updating.set(name, update);
    const rounds = async () => {
      while (update.again) {
        const asWhole = update.whole;
        update.again = update.whole = false;
        await this.#once(name, asWhole);
      }
    };
    update.done = rounds().finally(() => this.#updating.delete(name));
    return update.done;
  }

  async #once(name: string, whole: boolean): Promise<void> {
    const copy = this.#copies.get(name);
    if (!copy || isEnded(copy.state) || this.#isWritten(name)) return;
    if (whole) return this.#whole(name, copy);
    const entries = await readOn(this.#redis, this.#names, name, copy.cursor);
    if (this.#isWritten(name)) return;
    if (entries.length === 0) return this.#maybeGone(name, copy);
    if (!copy.follow(entries)) await this.#whole(name, copy);
  }

  async #whole(name: string, copy: Copy): Promise<void> {
    const whole = await readWhole(this.#redis, this.#names, name);
    if (whole) this.#become(name, copy, whole.entries);
  }

  /** What was claimed or taken over while the store was read is ahead of it by now. */
  #become(name: string, copy: Copy, entries: readonly Entry[]): void {
    if (!this.#isWritten(name)) copy.become(entries);
  }

  /** Nothing new: or is it not there any more? Its writer would put it back, if there is one. */
  async #maybeGone(name: string, copy: Copy): Promise<void> {
    const kept = await this.#redis.ask((connection) => connection.exists(this.#names.run(name)));
    if (kept === 1) copy.missingSince = null;
    else copy.missingSince ??= Date.now();
    if (copy.missingSince === null || Date.now() - copy.missingSince < this.#goneMs) return;
    this.drop(name);
    copy.vanish();
  }

  #look(): void {
    const now = Date.now();
    for (const [name, copy] of this.#copies) {
      if (this.#isWritten(name)) continue;
      if (copy.readers > 0) {
        copy.wanted = now;
        if (!isEnded(copy.state)) void this.#update(name).catch(ignore);
      } else if (now - copy.wanted > KEEP_MS) this.drop(name);
    }
  }
}

/** While the store is away copies stay as they are; they are looked at again. */
function ignore(): void {}
