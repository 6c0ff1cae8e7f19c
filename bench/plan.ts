/** How much is measured. A question's first text event is its start; `events` come after it. */
export interface Plan {
  readonly name: 'full' | 'short';
  readonly warmUp: { readonly streams: number; readonly events: number };
  /** Ten events to a write, as fast as the upstream can. */
  readonly flood: Load;
  /** One event to a write, twenty a second and stream: as a model produces them. */
  readonly paced: Load;
  /** One question after the other, nothing else going on. */
  readonly first: { readonly rounds: number; readonly questions: number };
}

export interface Load {
  readonly rounds: number;
  readonly streams: number;
  readonly events: number;
}

const full: Plan = {
  name: 'full',
  warmUp: { streams: 100, events: 500 },
  flood: { rounds: 7, streams: 100, events: 500 },
  paced: { rounds: 5, streams: 100, events: 200 },
  first: { rounds: 5, questions: 100 },
};

/** What CI runs, to see that nothing is lost: a quarter of a minute, longer on a busy machine. Its figures are rough. */
const short: Plan = {
  name: 'short',
  warmUp: { streams: 100, events: 100 },
  flood: { rounds: 3, streams: 100, events: 100 },
  paced: { rounds: 2, streams: 40, events: 40 },
  first: { rounds: 3, questions: 20 },
};

export function planFrom(env: Readonly<Record<string, string | undefined>>): Plan {
  return env['BENCH_SHORT'] === '1' ? short : full;
}
