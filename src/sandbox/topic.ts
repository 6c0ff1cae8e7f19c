/** Hears what a run says. */
export interface Listener {
  /** `event` is the name in the frame; undefined for the pings of the worker. */
  hear(frame: string, event: string | undefined): void;
  /** From now on nothing is to be sent, pings included. */
  silence(): void;
  /** The connection breaks. */
  cut(): void;
}

/** What a worker says and any number of replies relay (§2.2). Nothing is kept: who comes late has missed it. */
export class Topic {
  readonly #listeners = new Set<Listener>();
  readonly #alone: (() => void)[] = [];

  publish(frame: string, event: string | undefined): void {
    for (const listener of this.#listeners) listener.hear(frame, event);
  }

  /** Starts to listen; the function returned ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) for (const tell of this.#alone.splice(0)) tell();
    };
  }

  silence(): void {
    for (const listener of this.#listeners) listener.silence();
  }

  cut(): void {
    for (const listener of this.#listeners) listener.cut();
  }

  /** Resolves when nobody listens; at once when nobody does now. */
  abandoned(): Promise<void> {
    if (this.#listeners.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#alone.push(resolve));
  }
}
