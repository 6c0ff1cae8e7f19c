/**
 * Calls back when nothing was heard for so long. To hear costs no more than a look at the clock: the timer is set anew only when it is
 * up, and not by each of thousands of events.
 */
export class Silence implements Disposable {
  readonly #ms: number;
  readonly #onSilence: () => void;
  #heard = performance.now();
  #timer: NodeJS.Timeout;

  constructor(ms: number, onSilence: () => void) {
    this.#ms = ms;
    this.#onSilence = onSilence;
    this.#timer = setTimeout(this.#look, ms);
  }

  /** Something was heard. After it has called back nothing is waited for until `again` is called. */
  heard(): void {
    this.#heard = performance.now();
  }

  again(): void {
    this.heard();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#look, this.#ms);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  readonly #look = (): void => {
    const left = this.#heard + this.#ms - performance.now();
    if (left <= 0) this.#onSilence();
    else this.#timer = setTimeout(this.#look, left);
  };
}
