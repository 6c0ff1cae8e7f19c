import type { Envelope, WireEvent } from '../dify/wire-event.ts';
import { Appends } from './appends.ts';
import type { Outcome } from './ending.ts';
import type { PumpParts } from './pump-parts.ts';
import type { RecordedEnd } from './recorded-end.ts';
import type { RunEvent, SettledBy } from './run-event.ts';
import { Translator } from './translator.ts';

/** Tells a run's log what happens: what Dify says, translated, and what this server knows besides. Nothing here rejects. */
export class Telling {
  readonly #parts: PumpParts;
  readonly #translator: Translator;
  readonly #appends: Appends;
  /** Whether the stream goes on after one that was lost: `new` until it has said something. */
  #reopened: 'no' | 'new' | 'yes' = 'no';

  /** `onRefusal`: the log takes no more of this run. */
  constructor(parts: PumpParts, nodeData: boolean, onRefusal: (error: unknown) => void) {
    this.#parts = parts;
    this.#translator = new Translator(nodeData, parts.address);
    if (parts.from) this.#translator.resume(parts.from);
    this.#appends = new Appends(parts.log, parts.header, (error) => {
      onRefusal(error);
      // Another process may do better.
      parts.log.handOver(parts.header).catch(() => {});
    });
  }

  /** The ids Dify has named so far. */
  get ids(): Envelope {
    return this.#translator.ids;
  }

  /** All text that Dify sent so far. */
  get said(): string {
    return this.#translator.said;
  }

  /** The run was lost sight of for a while: something may be missing. */
  get mayHaveGaps(): boolean {
    return this.#reopened === 'yes';
  }

  /** Text of Dify's as it is told. */
  own(text: string): string {
    return this.#translator.own(text);
  }

  queued(position: number): void | Promise<void> {
    return this.#write(this.#translator.queued(position, Date.now()));
  }

  learn(ids: Partial<Envelope>): void | Promise<void> {
    return this.#write(this.#translator.learn(ids, Date.now()));
  }

  /** What comes next comes on another stream. */
  reopen(): void {
    this.#reopened = 'new';
  }

  /** What one read of the stream has brought. `isNews`: it was not told before. */
  take(wire: readonly WireEvent[]): { readonly written: void | Promise<void>; readonly isNews: boolean } {
    const now = Date.now();
    if (this.#reopened !== 'new') {
      const events = this.#translator.translate(wire, now);
      return { written: this.#write(events), isNews: events.length > 0 };
    }
    this.#reopened = 'yes';
    const found = this.#translator.recovered('STREAM', now, wire[0]?.event === 'workflow_finished');
    const events = this.#translator.translate(wire, now);
    return { written: this.#write([...found, ...events]), isNews: events.length > 0 };
  }

  recovered(by: SettledBy): void | Promise<void> {
    return this.#write(this.#translator.recovered(by, Date.now()));
  }

  settle(end: RecordedEnd): void | Promise<void> {
    return this.#write(this.#translator.settle(end, Date.now()));
  }

  finish(outcome: Outcome): void | Promise<void> {
    return this.#write(this.#translator.finish(outcome, Date.now()));
  }

  /** Resolves when all that was told is written. */
  async written(): Promise<void> {
    await this.#appends.settled();
  }

  /** Tells nothing more, not even what waits to be written. */
  close(): void {
    this.#appends.close();
  }

  #write(events: readonly RunEvent[]): void | Promise<void> {
    this.#parts.turn.see(events);
    return this.#appends.append(events);
  }
}
