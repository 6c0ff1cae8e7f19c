/** Small things that have to be known for a while, in one process or in many. */
export interface Notes {
  /** Good for `ms`; a note of the same name is replaced. */
  set(name: string, text: string, ms: number): Promise<void>;
  /** Null if there is none, or not any more. */
  get(name: string): Promise<string | null>;
}

/** Notes in memory; beyond these the oldest are forgotten. */
const MOST_NOTES = 10_000;

/** Notes in the memory of this process. */
export class MemoryNotes implements Notes {
  /** In the order in which they were written. */
  readonly #notes = new Map<string, { readonly text: string; readonly until: number }>();

  async set(name: string, text: string, ms: number): Promise<void> {
    this.#notes.delete(name);
    this.#notes.set(name, { text, until: Date.now() + ms });
    const [oldest] = this.#notes.keys();
    if (this.#notes.size > MOST_NOTES && oldest !== undefined) this.#notes.delete(oldest);
  }

  async get(name: string): Promise<string | null> {
    const note = this.#notes.get(name);
    return note && note.until > Date.now() ? note.text : null;
  }
}
