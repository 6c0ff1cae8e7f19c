import { follow, type Followed, type FollowOptions } from './follow.ts';
import type { KeptRun } from './run-log.ts';
import { isEnded } from './run-state.ts';

/** How far somebody has followed the runs of a conversation. */
export interface ConversationPosition {
  /** Runs that were under way, each with the number of its last event that was told. */
  readonly runs: readonly (readonly [id: string, seq: number])[];
  /** All other runs that are no newer than this were told to their end, or are of no interest. Epoch milliseconds. */
  readonly since: number;
}

/** An event of one of a conversation's runs. */
export interface ConversationEvent {
  readonly followed: Followed;
  /** Where to go on after this event. */
  readonly position: ConversationPosition;
}

export interface ConversationSource {
  /** The runs of the conversation that are kept, in any order. */
  readonly list: () => Promise<readonly KeptRun[]>;
  /** Calls back when there may be more of them. Returns what ends it. */
  readonly onChange: (changed: () => void) => () => void;
}

/** How often the runs are listed, in ms, besides when one is told of: that may be lost. */
const LIST_MS = 10_000;

/** One run that is followed: one event of it is read ahead, no more. */
interface Lane {
  readonly run: KeptRun;
  readonly events: AsyncIterableIterator<Followed, undefined>;
  seq: number;
  /** Undefined: none is there; `reading`: it comes. */
  held: Followed | 'reading' | 'over' | undefined;
}

/**
 * All runs of a conversation as one stream without an end, each from its `RunAttached` to its `RunFinished`: without a position
 * those that are under way and those that come, with one also what was missed. Hand-written like `follow`: `return()` takes
 * effect at once, and nothing is queued.
 */
export async function followConversation(
  source: ConversationSource,
  after: ConversationPosition | null,
  options: Omit<FollowOptions, 'after'>,
): Promise<AsyncIterableIterator<ConversationEvent, undefined>> {
  const lanes = new Map<string, Lane>();
  /** Runs that are not followed, or no more. */
  const done = new Set<string>();
  let since = after?.since ?? 0;
  let gone = false;
  let failure: { readonly error: unknown } | null = null;
  let listing = false;
  let outdated = false;
  let wake: () => void = () => {};

  function attach(run: KeptRun, seq: number | null): void {
    const events = follow(run, { ...options, after: seq });
    lanes.set(run.state.header.id, { run, events, seq: seq ?? 0, held: undefined });
  }

  /** `first`: what has ended before anybody looked is told only to who was there when it went on, or has missed it. */
  async function list(first: boolean): Promise<void> {
    const runs = await source.list();
    if (gone) return;
    const told = new Map(after?.runs);
    const kept = new Set(runs.map(({ state }) => state.header.id));
    for (const id of done) if (!kept.has(id)) done.delete(id);
    for (const run of runs.toSorted((a, b) => a.state.header.createdAt - b.state.header.createdAt)) {
      const { id, createdAt } = run.state.header;
      if (lanes.has(id) || done.has(id)) continue;
      const missed = after !== null && (told.has(id) || createdAt > after.since);
      if (first && isEnded(run.state) && !missed) leave(run);
      else attach(run, told.get(id) ?? null);
    }
    wake();
  }

  function leave({ state }: KeptRun): void {
    // Its last event may have been read, its end not.
    void lanes.get(state.header.id)?.events.return?.();
    lanes.delete(state.header.id);
    done.add(state.header.id);
    since = Math.max(since, state.header.createdAt);
  }

  /** Reads one event ahead. */
  function read(lane: Lane): void {
    lane.held = 'reading';
    lane.events.next().then(
      ({ value }) => {
        lane.held = value ?? 'over';
        wake();
      },
      (error: unknown) => {
        failure = { error };
        wake();
      },
    );
  }

  function take(): ConversationEvent | undefined {
    for (const [id, lane] of lanes) {
      const { held, run } = lane;
      if (held === 'over') leave(run);
      if (held === undefined || held === 'reading' || held === 'over') continue;
      lane.seq = held.event.seq;
      lane.held = undefined;
      if (held.event.type === 'RunFinished') leave(run);
      else {
        // Behind the others, so that each has its turn.
        lanes.delete(id);
        lanes.set(id, lane);
      }
      const runs = Array.from(lanes.values(), ({ run: { state }, seq }) => [state.header.id, seq] as const);
      return { followed: held, position: { runs, since } };
    }
    return undefined;
  }

  /** One after the other: an old list may not say that a run is gone. */
  async function again(): Promise<void> {
    outdated = true;
    if (listing) return;
    listing = true;
    while (outdated && !gone) {
      outdated = false;
      // What cannot be listed now is listed later.
      await list(false).catch(() => {});
    }
    listing = false;
  }
  const unsubscribe = source.onChange(() => void again());
  const timer = setInterval(() => void again(), LIST_MS).unref();

  async function close(): Promise<void> {
    gone = true;
    unsubscribe();
    clearInterval(timer);
    wake();
    const open = [...lanes.values()];
    lanes.clear();
    await Promise.all(open.map(async ({ events }) => events.return?.()));
  }

  try {
    listing = true;
    await list(true);
    listing = false;
    if (outdated) void again();
  } catch (error) {
    await close();
    throw error;
  }
  const events: AsyncIterableIterator<ConversationEvent, undefined> = {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (!gone) {
        for (const lane of lanes.values()) if (lane.held === undefined) read(lane);
        const called = new Promise<void>((resolve) => (wake = resolve));
        const value = take();
        if (value) return { done: false, value };
        if (failure) {
          await close();
          throw (failure as { readonly error: unknown }).error;
        }
        await called;
      }
      return { done: true, value: undefined };
    },
    async return() {
      await close();
      return { done: true, value: undefined };
    },
  };
  return events;
}
