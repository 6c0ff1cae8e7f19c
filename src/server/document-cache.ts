/** What was made of texts, by these: as much as they have `most` characters in all; the longest unused goes first. */
export class DocumentCache<T> {
  readonly #most: number;
  readonly #kept = new Map<string, T>();
  #characters = 0;

  /** A parsed document takes some 100 times the memory of its text. */
  constructor(most = 250_000) {
    this.#most = most;
  }

  get(text: string): T | undefined {
    const value = this.#kept.get(text);
    if (value !== undefined && this.#kept.delete(text)) this.#kept.set(text, value);
    return value;
  }

  set(text: string, value: T): void {
    // One such document would drop all others.
    if (text.length > this.#most / 10) return;
    if (!this.#kept.has(text)) this.#characters += text.length;
    this.#kept.set(text, value);
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= this.#most) return;
      this.#kept.delete(oldest);
      this.#characters -= oldest.length;
    }
  }
}
