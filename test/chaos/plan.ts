/** How much is broken, and for how long. */
export interface Plan {
  readonly seed: number;
  /** How long things are broken, in ms; afterwards everything is read once more. */
  readonly ms: number;
  readonly replicas: number;
  /** Each asks one question after another, some of them in several places at once. */
  readonly people: number;
  /** Connections of clients that are cut, a second. */
  readonly cutsPerSecond: number;
  /** The least that have to be cut for the whole to prove anything. */
  readonly cutsAtLeast: number;
  /** Time between two faults of the whole: a replica or Redis killed, frozen, drained; in ms. */
  readonly faultMs: readonly [low: number, high: number];
  readonly durability: 'relaxed' | 'strict';
}

/** `CHAOS_SHORT=1`: less of everything, for a quick look. `CHAOS_MINUTES`, `CHAOS_SEED`, `CHAOS_DURABILITY` change the one or the other. */
export function planFrom(env: Readonly<Record<string, string | undefined>>): Plan {
  const short = env['CHAOS_SHORT'] === '1';
  const minutes = Number(env['CHAOS_MINUTES'] || (short ? 0.35 : 2.75));
  const cutsPerSecond = short ? 50 : 75;
  return {
    seed: Number(env['CHAOS_SEED'] || Math.floor(Math.random() * 1e9)),
    ms: minutes * 60_000,
    replicas: 3,
    people: short ? 70 : 110,
    cutsPerSecond,
    cutsAtLeast: short ? 300 : Math.min(10_000, minutes * 60 * cutsPerSecond * 0.7),
    faultMs: short ? [1_500, 3_500] : [2_500, 6_000],
    durability: env['CHAOS_DURABILITY'] === 'strict' ? 'strict' : 'relaxed',
  };
}
