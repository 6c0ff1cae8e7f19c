import type { RunEvent } from './run-event.ts';
import type { RunHeader, RunKey, RunState } from './run-state.ts';

/**
 * Where runs are kept: the only place in which the one writer of a run and its readers meet. What it promises is its test
 * suite (`test/runs/run-log.suite.ts`), which every implementation passes.
 */
export interface RunLog extends AsyncDisposable {
  /** Names a run. Of all that ever claim the same name, while it is kept, exactly one is `first`. */
  claim(header: RunHeader): Promise<{ readonly first: boolean; readonly run: KeptRun }>;
  /** Writes the next events, numbered without holes, as one step: readers see all of them or none. */
  append(run: RunKey, events: readonly RunEvent[]): void | Promise<void>;
  /** Notes that a stop was asked for. Nothing happens to a run that has ended. */
  markStopping(run: RunKey): void | Promise<void>;
  find(run: RunKey): Promise<KeptRun | undefined>;
  /** The viewer's runs that are kept, newest first. */
  list(viewer: string): Promise<readonly KeptRun[]>;
}

/** A run as its readers see it. */
export interface KeptRun {
  /** Folded from all events so far; changes as they come. */
  readonly state: Readonly<RunState>;
  /** Readers now attached. */
  readonly watchers: number;
  /** Resolves once the run has ended. */
  readonly ended: Promise<void>;
  /** Resolves once it has ended or waits for a person: at once, where it does so now. */
  readonly settled: Promise<void>;
  /** Reads what came after number `after`. */
  read(after: number): RunReader;
  /** Text and reasoning as they were after event number `seq`. */
  at(seq: number): { readonly text: string; readonly reasoning: string };
}

/** A position in a run's events. Readers pull: nothing is queued for them. */
export interface RunReader {
  /** The next events, in order, never none of them; waits for them. Null after the last. One call at a time. */
  next(): Promise<readonly RunEvent[] | null>;
  /** Lets go at once: a waiting `next` resolves with null. */
  close(): void;
}
