import type { RunEvent } from './run-event.ts';
import type { KeptRun } from './run-log.ts';
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
  /** The next event, if there is no need to wait for it: several come at once, mostly. */
  ready(): Followed | undefined;
}

/** A reader that has this many events to catch up on gets its text merged. */
const BEHIND = 256;

/**
 * Reads a run from any point to its end: one `RunAttached`, what came and comes, `RunFinished`. Written by hand, since a blocked
 * generator would not see `return()`: letting go takes effect at once, also while it waits.
 */
export function follow(run: KeptRun, options: FollowOptions = {}): Following {
  const { coalesceMs = 0, maxPayloadBytes = 65_536, only } = options;
  const attached = attach(run, options.after ?? null);
  let reader = run.read(attached.seq);
  const gone = new AbortController();
  let isGone = false;
  let batch: Iterator<RunAttached | RunEvent> = [attached].values();

  /** What this reader was told is not what happened: it begins anew. */
  function again(): RunAttached {
    const anew = { ...attach(run, null), mode: 'GAP' as const };
    reader = run.read(anew.seq);
    if (isGone) reader.close();
    return anew;
  }

  /** As this reader wants them. */
  function shaped(read: readonly RunEvent[]): Iterator<RunEvent> | Promise<Iterator<RunEvent>> {
    // One that is behind has enough to merge.
    if (coalesceMs === 0 || read.length > BEHIND || isEnded(run.state)) return chosen(read);
    const seen = read.at(-1)?.seq ?? 0;
    return more(run, reader, { seen, ms: coalesceMs, gone: gone.signal }).then((rest) => chosen([...read, ...rest]));
  }

  function chosen(read: readonly RunEvent[]): Iterator<RunEvent> {
    const events = only ? read.filter((event) => event.type === 'RunFinished' || only(event)) : read;
    return coalesceMs > 0 || events.length > BEHIND ? merge(events) : events.values();
  }

  function ready(): Followed | undefined {
    const { done, value } = batch.next();
    return done || isGone ? undefined : { run, event: value, maxPayloadBytes };
  }

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    ready,
    async next() {
      for (;;) {
        const followed = ready();
        if (followed) return { done: false, value: followed };
        const read = isGone ? null : await reader.next();
        if (read === null || isGone) return { done: true, value: undefined };
        if (read === 'gap') batch = [again()].values();
        else {
          const events = shaped(read);
          batch = events instanceof Promise ? await events : events;
        }
      }
    },
    async return() {
      isGone = true;
      gone.abort(null);
      reader.close();
      return { done: true, value: undefined };
    },
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

/** What else arrives within `ms`, after number `seen`. */
async function more(
  run: KeptRun,
  reader: ReturnType<KeptRun['read']>,
  { seen, ms, gone }: { readonly seen: number; readonly ms: number; readonly gone: AbortSignal },
): Promise<readonly RunEvent[]> {
  await elapsed(ms, run.ended, gone);
  const read = run.state.lastSeq > seen ? await reader.next() : null;
  // After a gap nothing is read here any more: the next reading says so.
  return read === null || read === 'gap' ? [] : read;
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
