import type { RunEvent } from './run-event.ts';
import type { KeptRun, RunReader } from './run-log.ts';
import { applyEvent, isEnded, isSettled, newState, type RunHeader, type RunState } from './run-state.ts';

/** Numbered events in an array (event `seq` stands at `seq - 1`), their fold, and the readers that wait for more. */
export class MemoryRun implements KeptRun {
  readonly ended: Promise<void>;
  /** Estimated size in memory: what is kept besides text counts a flat 200 bytes an event. */
  bytes = 0;
  /** Readers in other processes. */
  watchersElsewhere = 0;
  #state: RunState;
  #events: RunEvent[] = [];
  /** What was appended last: what most readers are to have. */
  #newest: readonly RunEvent[] = [];
  readonly #readers = new Set<MemoryReader>();
  /** Texts that a later event replaced, each with the number of that event. */
  #replaced: { readonly seq: number; readonly text: string }[] = [];
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
    this.#events = [];
    this.#replaced = [];
    this.#weighHeader();
    // They are called when it is whole: they begin again at once.
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
      if (event.type === 'TextReplaced') this.#replaced.push({ seq: event.seq, text: this.state.text });
      applyEvent(this.state, event);
      this.#events.push(event);
      this.bytes += 200 + weighEvent(event) + weigh(event.signed);
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
    return this.#events.slice(after, after + most);
  }

  at(seq: number): { text: string; reasoning: string } {
    if (seq >= this.state.lastSeq) return { text: this.state.text, reasoning: this.state.reasoning };
    let text: string | undefined;
    let reasoning: string | undefined;
    for (
      let i = Math.min(seq, this.#events.length) - 1;
      i >= 0 && (text === undefined || reasoning === undefined);
      i -= 1
    ) {
      const event = this.#events[i];
      if (event?.type === 'TextDelta') text ??= this.#textBefore(seq).slice(0, event.offset + event.text.length);
      else if (event?.type === 'TextReplaced') text ??= event.text;
      else if (event?.type === 'ReasoningDelta')
        reasoning ??= this.state.reasoning.slice(0, event.offset + event.text.length);
    }
    return { text: text ?? '', reasoning: reasoning ?? '' };
  }

  /** The longest text that the one after event `seq` is the beginning of. */
  #textBefore(seq: number): string {
    return this.#replaced.find((old) => old.seq > seq)?.text ?? this.state.text;
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

  /** What it takes next is `gap`. */
  miss(): void {
    this.#missed = true;
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
    case 'TextReplaced':
    case 'ReasoningDelta':
      return 2 * event.text.length;
    case 'AudioChunk':
      return 2 * event.base64.length;
    case 'AgentStepChanged':
      return weigh(event.step);
    case 'UnknownEvent':
      return weigh(event.data);
    case 'RunFinished':
      return weigh(event.outputs) + weigh(event.citations) + weigh(event.rawText);
    case 'RunPaused':
      return weigh(event.forms);
    case 'AgentLogged':
      return 200 + weigh(event.data);
    case 'NodeChanged':
      return 200 + weigh(event.node.inputs) + weigh(event.node.outputs);
    case 'RunQueued':
    case 'RunStarted':
    case 'RunResumed':
    case 'UpstreamRecovered':
    case 'RoundStarted':
    case 'FileProduced':
      return 200;
  }
}

function weigh(value: unknown): number {
  return value === null || value === undefined ? 0 : 2 * JSON.stringify(value).length;
}
