import type { Answer } from '../../examples/answer.ts';

/** Where an example shows its answer, and a test waits for what it reads there. */
export class Screen {
  #text = '';
  readonly #waiting = new Set<() => void>();

  readonly show = ({ text }: Answer): void => {
    this.#text = text;
    for (const look of this.#waiting) look();
  };

  /** Resolves once exactly `text` is shown. */
  reads(text: string): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#text !== text) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
