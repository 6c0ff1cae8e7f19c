import { EventList } from './event-list.ts';
import type { RunEvent } from './run-event.ts';
import type { KeptRun, RunReader } from './run-log.ts';
import { applyEvent, isEnded, isSettled, newState, type RunHeader, type RunState } from './run-state.ts';

/** A run's events, their fold, and the readers that wait for more. */
export class MemoryRun implements KeptRun {
  readonly ended: Promise<void>;
  /** Estimated size in memory. */
  bytes = 0;
  /** Readers in other processes. */
  watchersElsewhere = 0;
  #state: RunState;
  #events = new EventList(() => this.#state);
  /** What was appended last: what most readers are to have. */
  #newest: readonly RunEvent[] = [];
  readonly #readers = new Set<MemoryReader>();
  #end!: () => void;
  #settle = Promise.withResolvers<void>();

  constructor(header: RunHeader) {
    this.#state = newState(header);
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#weighHeader();
  }

  get state(): RunState {
    return this.#state;
  }

  /** Readers here. */
  get readers(): number {
    return this.#readers.size;
  }

  get watchers(): number {
    return this.#readers.size + this.watchersElsewhere;
  }

  /** What happened was something else: begins again with these events, and lets all readers know. */
  restart(events: readonly RunEvent[]): void {
    this.#state = newState(this.#state.header);
    this.#events = new EventList(() => this.#state);
    this.#weighHeader();
    for (const reader of this.#readers) reader.miss();
    this.append(events);
  }

  get settled(): Promise<void> {
    return isSettled(this.state) ? Promise.resolve() : this.#settle.promise;
  }

  append(events: readonly RunEvent[]): void {
    this.check(events);
    this.#newest = events;
    for (const event of events) {
      this.#events.push(event);
      applyEvent(this.state, event);
      this.bytes += weighEvent(event) + weigh(event.signed);
    }
    if (isEnded(this.state)) this.#end();
    if (isSettled(this.state)) {
      this.#settle.resolve();
      this.#settle = Promise.withResolvers<void>();
    }
    for (const reader of this.#readers) reader.wake();
  }

  markStopping(): void {
    if (!isEnded(this.state)) this.state.status = 'STOPPING';
  }

  read(after: number): RunReader {
    const reader = new MemoryReader(this, after);
    this.#readers.add(reader);
    return reader;
  }

  /** The events from number `after + 1` on: all, or the first `most`. */
  since(after: number, most = Infinity): readonly RunEvent[] {
    if (this.#newest[0]?.seq === after + 1 && this.#newest.length <= most) return this.#newest;
    return this.#events.since(after, most);
  }

  at(seq: number): { text: string; reasoning: string } {
    const { lastSeq, text, reasoning } = this.state;
    return seq >= lastSeq ? { text, reasoning } : this.#events.at(seq);
  }

  /** Throws if these cannot follow. All are refused where one is: readers may not see half a step. */
  check(events: readonly RunEvent[]): void {
    let last = this.state.lastSeq;
    let ended = isEnded(this.state);
    for (const { seq, type } of events) {
      if (ended || seq !== last + 1)
        throw new Error(`Event ${seq} cannot follow event ${last} of an ${ended ? 'ended' : 'open'} run`);
      last = seq;
      ended = type === 'RunFinished';
    }
  }

  leave(reader: MemoryReader): void {
    this.#readers.delete(reader);
  }

  #weighHeader(): void {
    const { query, inputs } = this.#state.header;
    this.bytes = 1_000 + weigh(query) + weigh(inputs);
  }
}

/** How many events a reader gets at once: it holds them until it has read them, however far behind it is. */
const MOST_READ = 1_024;

class MemoryReader implements RunReader {
  readonly #run: MemoryRun;
  #after: number;
  #closed = false;
  #missed = false;
  #wake: (() => void) | null = null;

  constructor(run: MemoryRun, after: number) {
    this.#run = run;
    this.#after = after;
  }

  take(): readonly RunEvent[] | 'gap' | null | undefined {
    if (this.#closed) return null;
    if (this.#missed) {
      this.close();
      return 'gap';
    }
    const { state } = this.#run;
    if (state.lastSeq > this.#after) {
      const events = this.#run.since(this.#after, MOST_READ);
      this.#after += events.length;
      return events;
    }
    if (!isEnded(state)) return undefined;
    this.close();
    return null;
  }

  wait(wake: () => void): void {
    this.#wake = wake;
    if (this.#closed || this.#missed || this.#run.state.lastSeq > this.#after || isEnded(this.#run.state)) this.wake();
  }

  miss(): void {
    this.#missed = true;
    this.wake();
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#run.leave(this);
    this.wake();
  }
}

function weighEvent(event: RunEvent): number {
  switch (event.type) {
    case 'TextDelta':
    case 'ReasoningDelta':
      // Where it stands, and its share of the text, which is a chain of pieces.
      return 100 + 2 * event.text.length;
    case 'TextReplaced':
      return 200 + 4 * event.text.length;
    case 'AudioChunk':
      return 200 + 2 * event.base64.length;
    case 'AgentStepChanged':
      return 200 + weigh(event.step);
    case 'UnknownEvent':
      return 200 + weigh(event.data);
    case 'RunFinished':
      return 200 + weigh(event.outputs) + weigh(event.citations) + weigh(event.rawText);
    case 'RunPaused':
      return 200 + weigh(event.forms);
    case 'AgentLogged':
      return 400 + weigh(event.data);
    case 'NodeChanged':
      return 400 + weigh(event.node.inputs) + weigh(event.node.outputs);
    case 'RunQueued':
    case 'RunStarted':
    case 'RunResumed':
    case 'UpstreamRecovered':
    case 'RoundStarted':
    case 'FileProduced':
      return 400;
  }
}

function weigh(value: unknown): number {
  return value === null || value === undefined ? 0 : 2 * JSON.stringify(value).length;
}
