import type { First } from '../load.ts';
import { check, inTurn, pick, playRound } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';

const sizes = {
  full: { streams: 200, events: 100, rounds: 5 },
  short: { streams: 40, events: 20, rounds: 2 },
} as const;

/** How long an event is on its way, where the machine is not at its limit. */
export const latency: Scenario = {
  name: 'latency',
  short: true,
  async *play(stage, size) {
    const { streams, events, rounds } = sizes[size];
    await using crew = await stage.crew();
    const played = await inTurn(crew, rounds, (measured) =>
      playRound(stage, measured, { mode: 'paced', events, cue: 'main' }, streams),
    );
    yield {
      key: 'latency',
      title: `latency: ${streams} streams with 20 events a second, ${events} each; ${rounds} rounds`,
      rows: [
        { key: 'p50', label: 'from write to receipt, p50, ms', values: pick(played, (one) => one.latency.p50) },
        { key: 'p99', label: 'the same, p99, ms', values: pick(played, (one) => one.latency.p99) },
      ],
    };
  },
};

/** One question after the other, nothing else going on. The upstream answers at once: all of the wait is added. */
export const first: Scenario = {
  name: 'first',
  short: true,
  async *play(stage, size) {
    const { questions, rounds } = size === 'full' ? { questions: 100, rounds: 5 } : { questions: 20, rounds: 3 };
    await using crew = await stage.crew();
    const script = { mode: 'first', events: 0 } as const;
    const played = await inTurn(crew, rounds, async ({ name, url }) => {
      const { waits, tally } = await stage.load.call<First>('first', { url, questions, script });
      check(`first text, ${name}`, tally);
      return waits;
    });
    yield {
      key: 'first',
      title: `first text: ${questions} questions, one after the other; ${rounds} rounds`,
      rows: [
        { key: 'p50', label: 'from question to first text, p50, ms', values: pick(played, ({ p50 }) => p50) },
        { key: 'p99', label: 'the same, p99, ms', values: pick(played, ({ p99 }) => p99) },
      ],
    };
  },
};
