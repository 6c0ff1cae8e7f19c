import type { RunEvent } from './run-event.ts';
import type { RunHeader, RunKey, RunState } from './run-state.ts';

/**
 * Where runs are kept: the only place in which the one writer of a run and its readers meet, in one process or in many. What it
 * promises is its test suite (`test/runs/run-log.suite.ts`), which every implementation passes.
 */
export interface RunLog extends AsyncDisposable {
  /** Whether new runs can be claimed now. */
  readonly available: boolean;
  /** Names a run. Of all that ever claim the same name, while it is kept, exactly one is `first`: that one writes it. */
  claim(header: RunHeader): Promise<{ readonly first: boolean; readonly run: KeptRun }>;
  /**
   * Writes the next events of a run that is written here, numbered without holes, as one step: readers see all of them or none.
   * A promise asks for patience; it rejects only for what cannot follow, never because the log is out of reach.
   */
  append(run: RunKey, events: readonly RunEvent[]): void | Promise<void>;
  /** Resolves once all that was appended here would outlive this process, as far as this log outlives one. */
  flushed(run: RunKey): Promise<void>;
  /** Notes that a stop was asked for, and tells the writer. Nothing happens to a run that has ended. */
  markStopping(run: RunKey): void | Promise<void>;
  /** Tells the writer that one of the run's forms was answered elsewhere. */
  noteAnswered(run: RunKey): void | Promise<void>;
  /** Lets another process write a run that is written here. False if there can be none. */
  handOver(run: RunKey): Promise<boolean>;
  /** Runs that have lost their writer are for others from now on: this process is about to end. */
  retire(): void;
  find(run: RunKey): Promise<KeptRun | undefined>;
  /** The viewer's runs that are kept, newest first. */
  list(viewer: string): Promise<readonly KeptRun[]>;
  /** Calls back when the viewer has a new run, or one of them a conversation or an end. Returns what ends it. */
  onChange(viewer: string, changed: () => void): () => void;
  /** Who writes here: told of what concerns the runs that it writes. To be called once, before the first claim. */
  serve(writer: LogWriter): void;
}

/** The part of a process that writes runs. */
export interface LogWriter {
  stop(run: RunKey): void;
  answered(run: RunKey): void;
  /** Another process writes it now: what is appended here is dropped. */
  lost(run: RunKey): void;
  /** The process that wrote it is gone, or has handed it over: it is to be written here from now on. */
  takeOver(run: KeptRun): void;
}

/** A run as its readers see it. */
export interface KeptRun {
  /** Folded from all events so far; changes as they come. */
  readonly state: Readonly<RunState>;
  /** Readers now attached, wherever they are. */
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
  /**
   * The next events, in order, never none of them; undefined as long as there are none, null after the last. `gap`: what was read
   * before is not what the run has become (its writer was lost with events that nobody else saw): begin again from its state, with a
   * new reader.
   */
  take(): readonly RunEvent[] | 'gap' | null | undefined;
  /** Calls back once, as soon as there is something to take: while it is being appended, mostly. One at a time. */
  wait(wake: () => void): void;
  /** Lets go at once: whoever waits is called. */
  close(): void;
}
