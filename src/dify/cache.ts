/**
 * One value that is loaded when it is first wanted. Those who want it at once share one load; an old value is served while
 * it is loaded again; a failure is not kept.
 */
export class Cached<T> {
  readonly #load: () => Promise<T>;
  readonly #maxAgeMs: number;
  readonly #onStale: (error: unknown) => void;
  #held: { readonly value: T; readonly until: number } | undefined;
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
    if (performance.now() >= held.until) this.#loadOnce().catch(this.#onStale);
    return held.value;
  }

  #loadOnce(): Promise<T> {
    this.#loading ??= this.#reload().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #reload(): Promise<T> {
    const value = await this.#load();
    this.#held = { value, until: performance.now() + this.#maxAgeMs };
    return value;
  }
}
