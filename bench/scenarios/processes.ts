import type { Tally } from '../load/group.ts';
import { check, pick } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';
import type { Script } from '../script.ts';
import type { Crew, Stage } from '../stage.ts';

const sizes = {
  full: { streams: 200, events: 500, rounds: 5 },
  short: { streams: 40, events: 50, rounds: 1 },
} as const;

/** One process and two, each with its part of the clients: no event may cost more because there is another process. */
export const processes: Scenario = {
  name: 'processes',
  short: true,
  async *play(stage, size) {
    const { streams, events, rounds } = sizes[size];
    const script: Script = { mode: 'flood', events, cue: 'main' };
    await using one = await stage.crew([{ subject: 'gateway' }]);
    await using two = await stage.crew([{ subject: 'gateway' }, { subject: 'gateway' }]);
    const played: Record<string, Awaited<ReturnType<typeof play>>[]> = { 'one process': [], 'two processes': [] };
    for (let round = 0; round < rounds; round += 1) {
      played['one process']?.push(await play(stage, one, script, streams));
      played['two processes']?.push(await play(stage, two, script, streams));
    }
    yield {
      key: 'processes',
      title: `processes: ${streams} streams × ${events} text events, flood; ${rounds} rounds`,
      rows: [
        { key: 'cpu', label: 'CPU per text event, µs', values: pick(played, ({ cpu }) => cpu) },
        { key: 'rate', label: 'text events per second', values: pick(played, ({ perSecond }) => perSecond) },
      ],
      notes: ['What is measured shares one core: the rate can grow only where nothing is pinned and cores are many.'],
    };
  },
};

async function play({ load, upstream }: Stage, { all }: Crew, script: Script, streams: number) {
  const cpu = async () => (await Promise.all(all.map(({ child }) => child.cpu()))).reduce((sum, one) => sum + one, 0);
  const group = 'main';
  await load.call('open', { group, urls: all.map(({ url }) => url), count: streams });
  await load.call('ask', { group, script });
  const before = await cpu();
  const start = performance.now();
  await upstream.call('go', 'main');
  await load.call('finish', group);
  const seconds = (performance.now() - start) / 1_000;
  const spent = (await cpu()) - before;
  const tally = await load.call<Tally>('count', group);
  check(`${all.length} processes`, tally);
  return { cpu: spent / (tally.events - streams), perSecond: (tally.events - streams) / seconds };
}
