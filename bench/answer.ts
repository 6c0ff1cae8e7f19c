import { ageOf, indexOf, WIDTH } from './pieces.ts';

/** A stream that says nothing for so long will say nothing more. The longest pause that is meant is 2 s. */
const silenceMs = 60_000;

/** One answer as a client gets it: every piece must come exactly once, in order. */
export class Answer {
  /** Pieces of text that came. */
  events = 0;
  /** Messages they came in: fewer, where text was merged. */
  frames = 0;
  lost = 0;
  doubled = 0;
  problem: string | null = null;
  /** How old the first piece of each message was when it came, in ms. */
  ages: number[] = [];
  readonly #expected: number;
  readonly #begun = Promise.withResolvers<void>();
  readonly #whole = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #silence = setTimeout(() => this.end(`nothing came for ${silenceMs / 1_000} s`), silenceMs);
  #more: PromiseWithResolvers<void> | null = null;
  #next: number | null;

  /** `from`: the first piece that counts; null for whichever comes first, where one joins later. */
  constructor(expected: number, from: 0 | null = 0) {
    this.#expected = expected;
    this.#next = from;
  }

  /** Resolves with the first text. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Resolves with the next text, or the end. */
  get more(): Promise<void> {
    return (this.#more ??= Promise.withResolvers()).promise;
  }

  /** Resolves with the last piece, or the end. */
  get whole(): Promise<void> {
    return this.#whole.promise;
  }

  /** Resolves with the end, good or bad. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get isBad(): boolean {
    return this.lost > 0 || this.doubled > 0 || this.problem !== null;
  }

  take(text: string): void {
    this.#silence.refresh();
    this.frames += 1;
    if (text.length === 0 || text.length % WIDTH !== 0) this.problem ??= `strange text: ${JSON.stringify(text)}`;
    else this.ages.push(ageOf(text));
    for (let at = 0; at < text.length; at += WIDTH) this.#one(text.slice(at, at + WIDTH));
    this.#begun.resolve();
    if (this.#next === this.#expected) this.#whole.resolve();
    this.#more?.resolve();
    this.#more = null;
  }

  end(problem: string | null): void {
    clearTimeout(this.#silence);
    this.problem ??= problem;
    this.lost += this.#expected - (this.#next ?? 0);
    this.#next = this.#expected;
    this.#begun.resolve();
    this.#whole.resolve();
    this.#more?.resolve();
    this.#ended.resolve();
  }

  /** It is not listened to any more. */
  leave(): void {
    clearTimeout(this.#silence);
  }

  #one(text: string): void {
    const index = indexOf(text);
    this.#next ??= Math.min(index, 1);
    if (index < this.#next) {
      this.doubled += 1;
      return;
    }
    if (index >= this.#expected) return this.end('there was more than was written');
    this.events += 1;
    this.lost += index - this.#next;
    this.#next = index + 1;
  }
}
