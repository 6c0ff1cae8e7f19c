import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import { Person } from './person.ts';
import type { Plan } from './plan.ts';
import type { Random } from './random.ts';
import { scenes } from './scenes.ts';

/** After all is whole again, every run has so long to end, in ms: what is lost of Dify is looked for half a minute. */
const PATIENCE_MS = 75_000;

interface CrowdParts {
  readonly plan: Plan;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly url: string;
}

/** Many people at once, each with one thing after another until `over`; resolves when the last has seen its end. */
export class Crowd {
  readonly #parts: CrowdParts;
  readonly #busy = new Map<Person, string>();
  #over = false;

  constructor(parts: CrowdParts) {
    this.#parts = parts;
  }

  get busy(): number {
    return this.#busy.size;
  }

  async live(over: Promise<unknown>): Promise<void> {
    const { plan, ledger } = this.#parts;
    const lives = Array.from({ length: plan.people }, (_, number) => this.#live(number));
    await over;
    this.#over = true;
    const all = Promise.all(lives).then(() => true);
    const late = sleep(PATIENCE_MS, false, { ref: false });
    if (await Promise.race([all, late])) return;
    for (const account of ledger.accounts.values())
      if (account.end === null && account.seen.size > 0 && account.runId !== 'none of theirs' && account.runId !== null)
        ledger.violate('never ended', account, `${PATIENCE_MS / 1000} s after all was whole again`);
    if (ledger.violations.length === 0) throw new Error(`${this.#busy.size} people wait for something`);
  }

  async #live(number: number): Promise<void> {
    const { random, ledger, url } = this.#parts;
    const dice = random.fork(100 + number);
    await sleep(dice.whole(0, 2_000), undefined);
    for (let turn = 1; !this.#over; turn += 1) {
      const scene = dice.pick(scenes);
      // A viewer of their own each time: lists stay short.
      using person = new Person(`user-${number}-${turn}`, url, dice, ledger);
      this.#busy.set(person, scene.name);
      const asked = ledger.accounts.size;
      await scene(person).catch((error: unknown) => {
        const account = ledger.accounts.get(asked) ?? ledger.accounts.get(1)!;
        ledger.violate('refused', account, `${person.user} (${scene.name}): ${String(error)}`);
      });
      this.#busy.delete(person);
      await sleep(dice.whole(0, 400));
    }
  }
}
