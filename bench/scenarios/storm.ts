import type { Tally } from '../load/group.ts';
import { check, inTurn, pick } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';
import type { Script } from '../script.ts';
import type { Measured, Stage } from '../stage.ts';

const sizes = {
  full: { streams: 2_000, events: 30, others: 50, rounds: 3 },
  short: { streams: 100, events: 6, others: 10, rounds: 1 },
} as const;
const pauseMs = 1_000;

/** All sockets are cut at once and connect again while others stream. Nobody but the product can go on where it was. */
export const storm: Scenario = {
  name: 'storm',
  short: true,
  async *play(stage, size) {
    const { streams, events, others, rounds } = sizes[size];
    await using crew = await stage.crew([{ subject: 'gateway' }]);
    const played = await inTurn(crew, rounds, (measured) => play({ stage, measured, streams, events, others }));
    yield {
      key: 'storm',
      title: `resume storm: ${streams} streams are cut at once, ${others} others go on; ${rounds} rounds. Every answer was whole`,
      rows: [
        {
          key: 'attached',
          label: 'until the last is attached again, ms',
          values: pick(played, ({ attached }) => attached),
        },
        {
          key: 'flowing',
          label: `until the last has text again (one a second), ms`,
          values: pick(played, ({ flowing }) => flowing),
        },
        { key: 'cpu', label: 'CPU per resumed stream, µs', values: pick(played, ({ cpu }) => cpu) },
        { key: 'calm', label: 'latency of the others before, p99, ms', values: pick(played, ({ calm }) => calm) },
        { key: 'during', label: 'the same meanwhile, p99, ms', values: pick(played, ({ during }) => during) },
      ],
      notes: ['Clients share one core: the time is theirs, too.'],
    };
  },
};

interface Play {
  readonly stage: Stage;
  readonly measured: Measured;
  readonly streams: number;
  readonly events: number;
  readonly others: number;
}

async function play({ stage, measured: { name, child, url }, streams, events, others }: Play) {
  const { load, upstream } = stage;
  const slow: Script = { mode: 'paced', events, pauseMs, cue: 'cut' };
  const steady: Script = { mode: 'paced', events: (events * pauseMs) / 50, cue: 'others' };
  await load.call('open', { group: 'cut', urls: [url], count: streams });
  await load.call('open', { group: 'others', urls: [url], count: others });
  await load.call('ask', { group: 'cut', script: slow });
  await load.call('ask', { group: 'others', script: steady });
  await upstream.call('go', 'cut');
  await upstream.call('go', 'others');
  await new Promise((resolve) => setTimeout(resolve, 2 * pauseMs));
  const calm = await load.call<Tally['latency']>('latency', 'others');
  await load.call('forget', 'others');
  const before = await child.cpu();
  const { attached, flowing } = await load.call<{ attached: number; flowing: number }>('storm', 'cut');
  const spent = (await child.cpu()) - before;
  const during = await load.call<Tally['latency']>('latency', 'others');
  for (const group of ['cut', 'others']) {
    await load.call('finish', group);
    check(`storm, ${group}, ${name}`, await load.call<Tally>('count', group));
  }
  return { attached, flowing, cpu: spent / streams, calm: calm.p99, during: during.p99 };
}
