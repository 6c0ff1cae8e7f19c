import type { RunEvent } from '../run-event.ts';
import { changesList } from '../memory-log.ts';
import { isEnded } from '../run-state.ts';
import type { Copy } from './copy.ts';
import { nameOf, type Names } from './names.ts';
import type { Redis } from './redis.ts';
import * as scripts from './scripts.ts';

export interface WrittenParts {
  readonly redis: Redis;
  readonly names: Names;
  readonly leaseMs: number;
  /** How long a run that has ended is kept, in ms. */
  readonly keepMs: number;
  /** Called once when the run has ended and is stored. */
  readonly onSettled: () => void;
  /** Called once when another process turns out to write the run. */
  readonly onLost: () => void;
}

/** A run that has not ended is kept for longer than Dify lets any run wait for people (7 days), in ms. */
export const LIFE_MS = 8 * 86_400_000;

/** Events in one step. */
const AT_ONCE = 1_000;

/** How soon it is tried again when Redis is away and does not say that it is back, in ms. */
const AGAIN_MS = 1_000;

/**
 * The store's side of a run that is written here: takes over to Redis what the copy has and Redis does not, one round trip at a time
 * with all that has come meanwhile. Nothing is lost while Redis is away, nor if it forgets: the copy has it all.
 */
export class Written {
  readonly #copy: Copy;
  readonly #fence: number;
  readonly #parts: WrittenParts;
  readonly #name: string;
  /** Number of the last event that Redis has. */
  #stored: number;
  /** Events that nobody here sees before they are stored. */
  #ahead: readonly RunEvent[] = [];
  #flushing: Promise<void> | null = null;
  #over = false;
  #wake: (() => void) | null = null;

  constructor(copy: Copy, fence: number, parts: WrittenParts) {
    this.#copy = copy;
    this.#fence = fence;
    this.#parts = parts;
    this.#name = nameOf(copy.state.header);
    this.#stored = copy.state.lastSeq;
  }

  /** Which of the run's writers this is. */
  get fence(): number {
    return this.#fence;
  }

  /** Resolves when Redis has all that there is now, or the run is not written here any more. */
  async flush(): Promise<void> {
    if (!this.#over && this.#missing().length > 0) await (this.#flushing ??= this.#flush());
  }

  /** Writes `events` to Redis before anybody here sees them. */
  async ahead(events: readonly RunEvent[]): Promise<void> {
    this.#copy.check(events);
    this.#ahead = events;
    await this.flush();
    this.#ahead = [];
    if (!this.#over) this.#copy.append(events);
    this.#settle();
  }

  /** Redis is there again. */
  retry(): void {
    this.#wake?.();
  }

  /** Nothing is written any more. */
  end(): void {
    this.#over = true;
    this.retry();
  }

  /** Ends in the same turn in which it finds that nothing is missing: what comes a moment later begins anew. */
  async #flush(): Promise<void> {
    for (let missing = this.#missing(); !this.#over && missing.length > 0; missing = this.#missing())
      await this.#send(missing.slice(0, AT_ONCE)).catch(() => this.#pause());
    this.#flushing = null;
    this.#settle();
  }

  /** What Redis does not have yet. */
  #missing(): readonly RunEvent[] {
    const here = this.#copy.since(this.#stored);
    return this.#ahead.length === 0 ? here : [...here, ...this.#ahead.filter(({ seq }) => seq > this.#stored)];
  }

  /** What has ended and is stored is written no more. */
  #settle(): void {
    const { state } = this.#copy;
    if (this.#over || !isEnded(state) || this.#stored < state.lastSeq) return;
    this.end();
    this.#parts.onSettled();
  }

  async #send(events: readonly RunEvent[]): Promise<void> {
    const last = this.#stored + events.length;
    const { redis, names, keepMs } = this.#parts;
    const { viewer } = this.#copy.state.header;
    const name = this.#name;
    const field = events.at(-1)?.type === 'RunFinished' ? 'end' : 'events';
    const rings = events.some(changesList) ? names.list(viewer) : '';
    const keys = [names.run(name), names.leases, names.stop(name)];
    const args = [name, this.#fence, this.#stored, last, field, JSON.stringify(events), keepMs, names.run(name), rings];
    const said = await redis.run(scripts.append, keys, args);
    if (said === 'written') this.#stored = last;
    else if (said === 'lost') this.#lose();
    else if (said === 'missing') await this.#restore();
    // Fewer than were written: it has failed over to a server that was behind. More: the answer of the last time was not heard.
    else this.#stored = Number(said);
  }

  /** Redis was emptied: all that had been stored is put back, and then what follows is written as ever. */
  async #restore(): Promise<void> {
    const { redis, names, leaseMs } = this.#parts;
    const { header } = this.#copy.state;
    const stored = [...this.#copy.since(0), ...this.#ahead].slice(0, this.#stored);
    const keys = [names.run(this.#name), names.leases, names.list(header.viewer)];
    const about = [this.#name, JSON.stringify(header), this.#fence, leaseMs, LIFE_MS, header.createdAt];
    await redis.run(scripts.restore, keys, [...about, this.#stored, JSON.stringify(stored)]);
  }

  #lose(): void {
    if (this.#over) return;
    this.end();
    this.#parts.onLost();
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, AGAIN_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#over) this.#wake();
    });
  }
}
