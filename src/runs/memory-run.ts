import type { RunEvent } from './run-event.ts';
import type { KeptRun, RunReader } from './run-log.ts';
import { applyEvent, isEnded, isSettled, newState, type RunHeader, type RunState } from './run-state.ts';

/** Numbered events in an array (event `seq` stands at `seq - 1`), their fold, and the readers that wait for more. */
export class MemoryRun implements KeptRun {
  readonly state: RunState;
  readonly ended: Promise<void>;
  /** Estimated size in memory: what is kept besides text counts a flat 200 bytes an event. */
  bytes: number;
  readonly #events: RunEvent[] = [];
  readonly #readers = new Set<MemoryReader>();
  /** Texts that a later event replaced, each with the number of that event. */
  readonly #replaced: { readonly seq: number; readonly text: string }[] = [];
  #end!: () => void;
  #settle = Promise.withResolvers<void>();

  constructor(header: RunHeader) {
    this.state = newState(header);
    this.bytes = 1_000 + weigh(header.query) + weigh(header.inputs);
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  get watchers(): number {
    return this.#readers.size;
  }

  get settled(): Promise<void> {
    return isSettled(this.state) ? Promise.resolve() : this.#settle.promise;
  }

  append(events: readonly RunEvent[]): void {
    this.#check(events);
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

  /** All events from number `after + 1` on. */
  since(after: number): readonly RunEvent[] {
    return this.#events.slice(after);
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

  /** All are refused where one is: readers may not see half a step. */
  #check(events: readonly RunEvent[]): void {
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
}

class MemoryReader implements RunReader {
  readonly #run: MemoryRun;
  #after: number;
  #closed = false;
  #wake: (() => void) | null = null;

  constructor(run: MemoryRun, after: number) {
    this.#run = run;
    this.#after = after;
  }

  async next(): Promise<readonly RunEvent[] | null> {
    while (!this.#closed) {
      const { state } = this.#run;
      if (state.lastSeq > this.#after) {
        const events = this.#run.since(this.#after);
        this.#after = state.lastSeq;
        return events;
      }
      if (isEnded(state)) this.close();
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return null;
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
    case 'RunStarted':
    case 'RunResumed':
    case 'RoundStarted':
    case 'FileProduced':
      return 200;
  }
}

function weigh(value: unknown): number {
  return value === null || value === undefined ? 0 : 2 * JSON.stringify(value).length;
}
