import type { RunEvent } from './run-event.ts';
import type { KeptRun, RunReader } from './run-log.ts';
import { isEnded } from './run-state.ts';
import { elapsed } from './wait.ts';

/** The first thing a reader gets: it is attached, and this is the state up to `seq`. */
export interface RunAttached {
  readonly type: 'RunAttached';
  readonly seq: number;
  readonly at: number;
  readonly mode: AttachMode;
  readonly text: string;
  readonly reasoning: string;
}
export type AttachMode = 'SNAPSHOT' | 'RESUME' | 'GAP';

/** An event together with the run it belongs to. */
export interface Followed {
  readonly run: KeptRun;
  readonly event: RunAttached | RunEvent;
  /** How much of a node's data this reader wants, in bytes. */
  readonly maxPayloadBytes: number;
}

export interface FollowOptions {
  /** Number of the last event the reader has applied; null to begin with all there is. */
  readonly after?: number | null;
  /** Merge text that arrives within this time, in ms. Default 0: each piece as it comes. */
  readonly coalesceMs?: number;
  /** How much of a node's data the reader wants, in bytes. Default 65,536. */
  readonly maxPayloadBytes?: number;
  /** Which events come besides the first and the last. Default: all. */
  readonly only?: (event: RunEvent) => boolean;
}

/** What a reader gets, one after the other. */
export interface Following extends AsyncIterableIterator<Followed, undefined> {
  /** The next event, if there is no need to wait for it; undefined also after the last, when `isOver`. */
  ready(): Followed | undefined;
  readonly isOver: boolean;
  /** Calls back once, as soon as there may be another, or none any more: while it happens, mostly. */
  wait(wake: () => void): void;
}

/** A reader that has this many events to catch up on gets its text merged. */
const BEHIND = 256;

/**
 * Reads a run from any point to its end: one `RunAttached`, what came and comes, `RunFinished`. Written by hand, since a blocked
 * generator would not see `return()`: letting go takes effect at once, also while it waits.
 */
export function follow(run: KeptRun, options: FollowOptions = {}): Following {
  return new Follower(run, options);
}

class Follower implements Following {
  isOver = false;
  readonly #run: KeptRun;
  readonly #options: FollowOptions;
  readonly #maxPayloadBytes: number;
  #reader: RunReader;
  #attached: RunAttached | null;
  /** What was read after that, told up to `#at`. */
  #batch: readonly RunEvent[] = [];
  #at = 0;
  /** The same, where it is merged. */
  #merged: Iterator<RunEvent, undefined> | null = null;
  /** What was read waits for more that it can be merged with. */
  #gathering: AbortController | null = null;
  #wake: (() => void) | null = null;

  constructor(run: KeptRun, options: FollowOptions) {
    this.#run = run;
    this.#options = options;
    this.#maxPayloadBytes = options.maxPayloadBytes ?? 65_536;
    this.#attached = attach(run, options.after ?? null);
    this.#reader = run.read(this.#attached.seq);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  ready(): Followed | undefined {
    while (!this.isOver && !this.#gathering) {
      const event = this.#next();
      if (event) return { run: this.#run, event, maxPayloadBytes: this.#maxPayloadBytes };
      const read = this.#reader.take();
      if (read === undefined) return undefined;
      if (read === null) this.#end();
      else if (read === 'gap') this.#begin();
      else this.#read(read);
    }
    return undefined;
  }

  wait(wake: () => void): void {
    if (this.isOver) return wake();
    this.#wake = wake;
    if (!this.#gathering) this.#reader.wait(this.#call);
  }

  async next(): Promise<IteratorResult<Followed, undefined>> {
    for (;;) {
      const value = this.ready();
      if (value) return { done: false, value };
      if (this.isOver) return { done: true, value: undefined };
      await new Promise<void>((resolve) => this.wait(resolve));
    }
  }

  async return(): Promise<IteratorResult<Followed, undefined>> {
    this.#end();
    return { done: true, value: undefined };
  }

  /** Again: what this reader was told is not what happened. */
  #begin(): void {
    this.#attached = { ...attach(this.#run, null), mode: 'GAP' };
    this.#reader = this.#run.read(this.#attached.seq);
    this.#tell([]);
  }

  /** Of what was read. */
  #next(): RunAttached | RunEvent | undefined {
    const attached = this.#attached;
    this.#attached = null;
    return attached ?? (this.#merged ? this.#merged.next().value : this.#batch[this.#at++]);
  }

  #read(events: readonly RunEvent[]): void {
    const { coalesceMs = 0 } = this.#options;
    // One that is behind has enough to merge.
    if (coalesceMs === 0 || events.length > BEHIND || isEnded(this.#run.state)) this.#tell(events);
    else void this.#gather(events, coalesceMs);
  }

  /** Tells them with what else comes within `ms`. */
  async #gather(events: readonly RunEvent[], ms: number): Promise<void> {
    const gathering = new AbortController();
    this.#gathering = gathering;
    await elapsed(ms, this.#run.ended, gathering.signal);
    this.#gathering = null;
    const more = this.isOver ? null : this.#reader.take();
    if (more === 'gap') this.#begin();
    else this.#tell([...events, ...(more ?? [])]);
    this.#call();
  }

  /** As this reader wants them. */
  #tell(events: readonly RunEvent[]): void {
    const { coalesceMs = 0, only } = this.#options;
    this.#batch = only ? events.filter((event) => event.type === 'RunFinished' || only(event)) : events;
    this.#at = 0;
    this.#merged = coalesceMs > 0 || this.#batch.length > BEHIND ? merge(this.#batch) : null;
  }

  #end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#gathering?.abort(null);
    this.#reader.close();
    this.#call();
  }

  readonly #call = (): void => {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  };
}

/** The end of a run is always sent, so a snapshot of an ended run stops short of its last event. */
function attach(run: KeptRun, after: number | null): RunAttached {
  const { state } = run;
  const newest = isEnded(state) ? state.lastSeq - 1 : state.lastSeq;
  const known = after !== null && after >= 0 && after <= state.lastSeq;
  const mode = after === null ? 'SNAPSHOT' : known ? 'RESUME' : 'GAP';
  const seq = known ? Math.min(after, newest) : newest;
  return { type: 'RunAttached', seq, at: Date.now(), mode, ...run.at(seq) };
}

/**
 * Neighbouring pieces of text become one that carries the number of the last. Each is made when it is asked for: a reader that is
 * behind holds one of them, not all that it has to catch up on.
 */
export function* merge(events: Iterable<RunEvent>): Generator<RunEvent, undefined> {
  let last: RunEvent | undefined;
  for (const event of events) {
    const joined = last && join(last, event);
    if (last && !joined) yield last;
    last = joined ?? event;
  }
  if (last) yield last;
}

function join(last: RunEvent, event: RunEvent): RunEvent | undefined {
  if (last.type === 'TextDelta' && event.type === 'TextDelta') {
    if (!fits(last, event) || last.source?.join() !== event.source?.join()) return undefined;
    return { ...event, offset: last.offset, text: last.text + event.text };
  }
  if (last.type === 'ReasoningDelta' && event.type === 'ReasoningDelta') {
    if (!fits(last, event) || last.nodeId !== event.nodeId) return undefined;
    return { ...event, offset: last.offset, text: last.text + event.text };
  }
  return undefined;
}

/** Pieces are not merged beyond so many UTF-16 units: what is sent at once is what a slow socket has to hold. */
const MOST_MERGED = 16_384;

function fits(last: { readonly text: string }, next: { readonly text: string }): boolean {
  return last.text.length + next.text.length <= MOST_MERGED;
}
