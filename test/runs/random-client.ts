import { setImmediate, setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { RunReader, type ReadEvent } from './run-reader.ts';

/** What a client may do to a run that it names by its key. `after` undefined: the variables it asked with at first. */
export interface Door {
  ask(options: { readonly after?: number; readonly coalesceMs: number }): AsyncIterableIterator<ReadEvent>;
  follow(
    runId: string,
    options: { readonly after?: number; readonly coalesceMs: number },
  ): AsyncIterableIterator<ReadEvent>;
  /** Breaks the connection under all subscriptions, which come back by themselves; absent where there is none. */
  readonly breakConnection?: () => void;
}

export interface Plan {
  /** How many events the witness has read when this client comes; it may never come that far. */
  readonly comesAt: number;
  readonly comesBy: 'ask' | 'follow' | 'unknown position';
  readonly coalesceMs: number;
  readonly pace: 'fast' | 'slow' | 'very slow';
  /** After so many events it goes, stays away while the witness reads so many, and comes back. */
  readonly drops: readonly {
    readonly reads: number;
    readonly away: number;
    readonly back: 'same variables' | 'ask after' | 'follow after' | 'connection';
  }[];
  /** It comes back once more after the end, too. */
  readonly again: boolean;
}

export const plan: fc.Arbitrary<Plan> = fc.record({
  comesAt: fc.oneof(fc.constant(0), fc.nat({ max: 40 })),
  comesBy: fc.constantFrom('ask', 'follow', 'unknown position'),
  coalesceMs: fc.constantFrom(0, 0, 0, 1, 4),
  pace: fc.constantFrom('fast', 'fast', 'slow', 'very slow'),
  drops: fc.array(
    fc.record({
      reads: fc.nat({ max: 12 }),
      away: fc.nat({ max: 20 }),
      back: fc.constantFrom('same variables', 'ask after', 'follow after', 'connection'),
    }),
    { maxLength: 3 },
  ),
  again: fc.boolean(),
});

/** A client that stays from the first event to the last; others wait for how far it is. */
export class Witness {
  readonly reader = new RunReader();
  readonly #waiting = new Set<() => void>();
  #over = false;

  async read(events: AsyncIterable<ReadEvent>, onEvent: (event: ReadEvent) => void): Promise<void> {
    this.reader.attach();
    try {
      for await (const event of events) {
        this.reader.apply(event);
        onEvent(event);
        this.#tell();
      }
    } finally {
      this.#over = true;
      this.#tell();
    }
  }

  /** Resolves once the witness has read `count` events, or the end. */
  async reaches(count: number): Promise<void> {
    while (!this.#over && this.reader.events.length < count)
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  #tell(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Does as planned, and stays to the end in the end. */
export async function act(plan: Plan, door: Door, witness: Witness): Promise<RunReader> {
  const { comesAt, comesBy, coalesceMs } = plan;
  const reader = new RunReader();
  if (comesBy === 'ask') await witness.reaches(comesAt);
  else await witness.reaches(Math.max(1, comesAt));
  const far = { coalesceMs, ...(comesBy === 'unknown position' ? { after: 1_000_000 } : {}) };
  let subscription = comesBy === 'ask' ? door.ask(far) : door.follow(witness.reader.runId, far);
  for (const { reads, away, back } of plan.drops) {
    if (back === 'connection' && door.breakConnection) {
      reader.mayReconnect = true;
      if (!(await readSome(reader, subscription, plan, reads))) continue;
      door.breakConnection();
      continue;
    }
    await readSome(reader, subscription, plan, reads);
    await subscription.return?.();
    await witness.reaches(witness.reader.events.length + away);
    subscription = comeBack(back, { door, reader, coalesceMs, runId: witness.reader.runId });
  }
  await readSome(reader, subscription, plan, Infinity);
  if (plan.again)
    await readSome(reader, comeBack('ask after', { door, reader, coalesceMs, runId: reader.runId }), plan, Infinity);
  return reader;
}

interface Return {
  readonly door: Door;
  readonly reader: RunReader;
  readonly coalesceMs: number;
  readonly runId: string;
}

function comeBack(back: string, { door, reader, coalesceMs, runId }: Return): AsyncIterableIterator<ReadEvent> {
  reader.attach();
  if (back === 'same variables' || runId === '') return door.ask({ coalesceMs });
  const options = { coalesceMs, after: reader.seq };
  return back === 'follow after' ? door.follow(runId, options) : door.ask(options);
}

/** False if there were fewer events than that. */
async function readSome(
  reader: RunReader,
  events: AsyncIterator<ReadEvent>,
  { pace }: Plan,
  most: number,
): Promise<boolean> {
  for (let count = 0; count < most; count += 1) {
    // A slow client is what is tested: it waits for nothing.
    if (pace === 'slow' || (pace === 'very slow' && count % 8 > 0)) await setImmediate();
    else if (pace === 'very slow') await setTimeout(1);
    const { done, value } = await events.next();
    if (done) return false;
    reader.apply(value as ReadEvent);
  }
  return true;
}
