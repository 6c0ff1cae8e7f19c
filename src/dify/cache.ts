/**
 * One value that is loaded when it is first wanted. Those who want it at once share one load; an old value is served while
 * it is loaded again; a failure is not kept.
 */
export class Cached<T> {
  readonly #load: () => Promise<T>;
  readonly #maxAgeMs: number;
  readonly #onStale: (error: unknown) => void;
  #held: { readonly value: T; readonly since: number } | undefined;
  #loading: Promise<T> | undefined;

  /** `onStale` hears why an old value could not be replaced: nobody else does. */
  constructor(load: () => Promise<T>, maxAgeMs: number, onStale: (error: unknown) => void) {
    this.#load = load;
    this.#maxAgeMs = maxAgeMs;
    this.#onStale = onStale;
  }

  async get(): Promise<T> {
    const held = this.#held;
    if (held === undefined) return this.#loadOnce();
    if (this.#age(held) >= this.#maxAgeMs) this.#loadOnce().catch(this.#onStale);
    return held.value;
  }

  /** One that is not older than `ms`: for when an old one would do harm. */
  async recent(ms: number): Promise<T> {
    const held = this.#held;
    return held === undefined || this.#age(held) >= ms ? this.#loadOnce() : held.value;
  }

  #age({ since }: { readonly since: number }): number {
    return performance.now() - since;
  }

  #loadOnce(): Promise<T> {
    this.#loading ??= this.#reload().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #reload(): Promise<T> {
    const value = await this.#load();
    this.#held = { value, since: performance.now() };
    return value;
  }
}
