import type { Table } from './figures.ts';
import type { Stage } from './stage.ts';

/** How much is measured: CI's form prints, takes a minute or so and says nothing; the full one about a quarter of an hour. */
export type Size = 'full' | 'short';

export interface Scenario {
  /** What `BENCH_ONLY` calls it. */
  readonly name: string;
  /** Whether CI's form has it. */
  readonly short: boolean;
  /** One table after another, as they come. */
  play(stage: Stage, size: Size): AsyncIterable<Table>;
}

/** Cannot be measured here, and why. */
export class Skipped extends Error {}
