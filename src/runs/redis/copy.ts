import { isDeepStrictEqual } from 'node:util';
import { GatewayError } from '../../errors.ts';
import { failed } from '../ending.ts';
import { MemoryRun } from '../memory-run.ts';
import type { RunEvent } from '../run-event.ts';
import type { RunReader } from '../run-log.ts';
import type { RunHeader } from '../run-state.ts';

/** One entry of a run's stream. */
export interface Entry {
  /** Number of the last event up to here. */
  readonly seq: number;
  readonly fence: number;
  readonly events: readonly RunEvent[];
}

/** A run of the store as this process knows it: its own readers read from here. */
export class Copy extends MemoryRun {
  /** Counts the writers of the run, up to the one whose events were copied last. */
  fence = 1;
  /** Epoch ms of the last time that anybody wanted it. */
  wanted = Date.now();
  /** Epoch ms since which the store does not have it; null while it does. */
  missingSince: number | null = null;
  readonly #onReaders: () => void;

  /** `onReaders`: called when one comes or goes. */
  constructor(header: RunHeader, onReaders: () => void) {
    super(header);
    this.#onReaders = onReaders;
  }

  override read(after: number): RunReader {
    const reader = super.read(after);
    this.#onReaders();
    return reader;
  }

  override leave(reader: Parameters<MemoryRun['leave']>[0]): void {
    super.leave(reader);
    this.#onReaders();
  }

  /** Where copying goes on. */
  get cursor(): string {
    return this.state.lastSeq === 0 && this.fence === 1 ? '(0-1' : `(${this.state.lastSeq}-${this.fence}`;
  }

  /** Takes what follows. False if it does not: then only the whole tells what has happened. */
  follow(entries: readonly Entry[]): boolean {
    for (const { seq, fence, events } of entries) {
      const begins = seq - events.length;
      if (begins !== this.state.lastSeq || fence < this.fence) return false;
      this.fence = fence;
      if (events.length > 0) this.append(events);
    }
    return true;
  }

  /** Takes the whole. Readers are told if what they have read is not a part of it. */
  become(entries: readonly Entry[]): void {
    const events = entries.flatMap((entry) => entry.events);
    this.fence = entries.at(-1)?.fence ?? 1;
    const known = this.since(0);
    if (known.length <= events.length && known.every((event, index) => sameEvent(event, events[index]))) {
      if (events.length > known.length) this.append(events.slice(known.length));
    } else {
      this.restart(events);
    }
  }

  /** The store has lost it, and nobody has put it back: those who read it here are told that it is over. */
  vanish(): void {
    const { error } = failed(
      new GatewayError('STREAM_INTERRUPTED', 'The store has lost this run: its outcome is not known.'),
    );
    const nothing = { usage: null, outputs: null, citations: [], rawText: null };
    const numbered = { seq: this.state.lastSeq + 1, at: Date.now() };
    this.append([{ type: 'RunFinished', ...numbered, status: 'UNKNOWN', error, settledBy: 'WATCHDOG', ...nothing }]);
  }
}

/** Whatever the order of their members: one was told here, the other came from the store. */
function sameEvent(one: RunEvent, other: RunEvent | undefined): boolean {
  const [ours, theirs] = [JSON.stringify(one), JSON.stringify(other ?? null)];
  return ours === theirs || isDeepStrictEqual(JSON.parse(ours), JSON.parse(theirs));
}
