import type { Answer } from '../../examples/answer.ts';

/** Where an example shows its answer, and a test waits for what it reads there. */
export class Screen {
  #answer: Answer | undefined;
  readonly #waiting = new Set<() => void>();

  readonly show = (answer: Answer): void => {
    this.#answer = answer;
    for (const look of this.#waiting) look();
  };

  /** Resolves once exactly `text` is shown; rejects if the answer ends without that. */
  reads(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const answer = this.#answer;
        if (answer?.text === text) resolve();
        else if (answer && answer.status !== 'RUNNING') reject(new Error(`It ended as ${JSON.stringify(answer)}`));
        else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
