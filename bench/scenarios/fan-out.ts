import { setTimeout as sleep } from 'node:timers/promises';
import type { Tally } from '../load/group.ts';
import { check, inTurn, pick } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';
import type { Script } from '../script.ts';
import type { Measured, Stage } from '../stage.ts';

const sizes = {
  full: { watchers: [1, 100, 1_000], events: 40, rounds: 3 },
  short: { watchers: [50], events: 20, rounds: 2 },
} as const;

/** One run, followed by many: what a message to one of them costs. */
export const fanOut: Scenario = {
  name: 'fan-out',
  short: true,
  async *play(stage, size) {
    const { watchers, events, rounds } = sizes[size];
    const script: Script = { mode: 'paced', events, cue: 'main' };
    for (const count of watchers) {
      await using crew = await stage.crew();
      const played = await inTurn(crew, rounds, (measured) => watch(stage, measured, script, count));
      yield {
        key: `fan-out-${count}`,
        title: `fan-out: one run with ${events} text events, 20 a second, and ${count} watchers; ${rounds} rounds`,
        rows: [
          { key: 'cpu', label: 'CPU per delivered event, µs', values: pick(played, ({ cpu }) => cpu) },
          { key: 'p99', label: 'from write to receipt, p99, ms', values: pick(played, ({ p99 }) => p99) },
        ],
      };
    }
  },
};

async function watch({ load, upstream }: Stage, { name, child, url }: Measured, script: Script, count: number) {
  const user = 'watched';
  await load.call('open', { group: 'main', urls: [url], count: 1, user });
  await load.call('open', { group: 'watchers', urls: [url], count, user });
  await load.call('ask', { group: 'main', script });
  const runId = await load.call<string>('run', 'main');
  await load.call('watch', { group: 'watchers', runId, script });
  // Nobody tells when a subscription of a peer's has begun.
  await sleep(500);
  await load.call('forget', 'watchers');
  const before = await child.cpu();
  await upstream.call('go', 'main');
  await load.call('finish', 'main');
  await load.call('finish', 'watchers');
  const spent = (await child.cpu()) - before;
  await load.call('count', 'main');
  const tally = await load.call<Tally>('count', 'watchers');
  check(`fan-out, ${name}`, tally);
  return { cpu: spent / (script.events * (count + 1)), p99: tally.latency.p99 };
}
