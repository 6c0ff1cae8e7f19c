import type { RunEvent } from './run-event.ts';
import type { RunLog } from './run-log.ts';
import type { RunKey } from './run-state.ts';

/** What one run writes to its log, one step after another, whoever hands it in and whether that one waits or not. */
export class Appends {
  readonly #log: RunLog;
  readonly #run: RunKey;
  /** Called once if the log refuses a step; nothing is written from then on. */
  readonly #onRefusal: (error: unknown) => void;
  #last: Promise<void> | null = null;
  #closed = false;

  constructor(log: RunLog, run: RunKey, onRefusal: (error: unknown) => void) {
    this.#log = log;
    this.#run = run;
    this.#onRefusal = onRefusal;
  }

  /** Writes as one step, at once where the log does so. Never rejects. */
  append(events: readonly RunEvent[]): void | Promise<void> {
    if (events.length === 0 || this.#closed) return;
    if (this.#last) return this.#hold(this.#last.then(() => this.#write(events)));
    const written = this.#write(events);
    return written && this.#hold(written);
  }

  /** Resolves when all that was handed in is written. */
  async settled(): Promise<void> {
    while (this.#last) await this.#last;
  }

  /** Drops all that is not written yet, and what comes. */
  close(): void {
    this.#closed = true;
  }

  #write(events: readonly RunEvent[]): void | Promise<void> {
    if (this.#closed) return;
    try {
      return this.#log.append(this.#run, events);
    } catch (error) {
      this.#refused(error);
    }
  }

  #hold(written: Promise<void>): Promise<void> {
    const held = written
      .catch((error: unknown) => this.#refused(error))
      .then(() => {
        if (this.#last === held) this.#last = null;
      });
    this.#last = held;
    return held;
  }

  #refused(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onRefusal(error);
  }
}
