/** An event as the documents of `run-document.ts` select it. */
export interface ReadEvent {
  readonly __typename: string;
  readonly seq: number;
  readonly [field: string]: unknown;
}

/**
 * A client that keeps to the contract and nothing more: it applies an event only if its `seq` is greater than the last it
 * applied, splices text at its offset, and starts again from what it is attached to unless that says RESUME. What a client
 * can only put right by luck is noted as a fault.
 */
export class RunReader {
  seq = 0;
  text = '';
  reasoning = '';
  runId = '';
  finished: ReadEvent | null = null;
  /** Applied events whose number was not the one after the last. */
  jumps = 0;
  readonly faults: string[] = [];
  /** Its connection may break under it and come back: then a subscription begins without being asked for. */
  mayReconnect = false;
  readonly events: ReadEvent[] = [];
  #attached = false;

  /** Begins a subscription: its first event has to say so. */
  attach(): void {
    this.#attached = false;
  }

  apply(event: ReadEvent): void {
    this.events.push(event);
    if ((event.__typename === 'RunAttached') === this.#attached && !(this.mayReconnect && this.#attached)) {
      this.faults.push(`${event.__typename} ${event.seq} ${this.#attached ? 'after' : 'instead of'} the first event`);
    }
    if (event.__typename === 'RunAttached') return this.#start(event);
    if (event.seq <= this.seq) {
      const mayRepeat = this.mayReconnect || event.__typename === 'RunFinished';
      if (!mayRepeat) this.faults.push(`${event.__typename} ${event.seq} again`);
      return;
    }
    if (this.finished) this.faults.push(`${event.__typename} ${event.seq} after the end`);
    if (event.seq !== this.seq + 1) this.jumps += 1;
    this.seq = event.seq;
    this.#fold(event);
  }

  /** What each of its subscriptions brought. */
  get subscriptions(): readonly (readonly ReadEvent[])[] {
    const starts = this.events.flatMap(({ __typename }, at) => (__typename === 'RunAttached' ? [at] : []));
    return starts.map((start, index) => this.events.slice(start, starts[index + 1]));
  }

  #start(event: ReadEvent): void {
    this.#attached = true;
    this.runId = String(event['runId']);
    const { text, reasoning } = event as unknown as { text: string; reasoning: string };
    if (event['mode'] !== 'RESUME') {
      this.text = text;
      this.reasoning = reasoning;
      this.seq = event.seq;
      this.finished = null;
      return;
    }
    // With its first variables it goes on from where it once was: what it knows already comes again.
    if (this.mayReconnect && event.seq < this.seq) return;
    // An ended run is resumed before its last event, so that the end comes again.
    const again = this.finished && event.seq === this.seq - 1;
    if (event.seq !== this.seq && !again) this.faults.push(`resumed at ${event.seq} after ${this.seq}`);
    if (text !== this.text) this.faults.push(`the text at ${event.seq} is told as ${JSON.stringify(text)}`);
    if (reasoning !== this.reasoning)
      this.faults.push(`the reasoning at ${event.seq} is told as ${JSON.stringify(reasoning)}`);
  }

  #fold(event: ReadEvent): void {
    const { text = '', offset = 0 } = event as { text?: string; offset?: number };
    if (event.__typename === 'TextDelta') {
      if (offset !== this.text.length) this.faults.push(`text ${event.seq} goes to ${offset} of ${this.text.length}`);
      this.text = this.text.slice(0, offset) + text;
    } else if (event.__typename === 'ReasoningDelta') {
      if (offset !== this.reasoning.length)
        this.faults.push(`reasoning ${event.seq} goes to ${offset} of ${this.reasoning.length}`);
      this.reasoning = this.reasoning.slice(0, offset) + text;
    } else if (event.__typename === 'TextReplaced') {
      this.text = text;
    } else if (event.__typename === 'RunFinished') {
      this.finished = event;
    }
  }
}
