import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../child.ts';
import type { Tally } from '../load/group.ts';
import { check, inTurn, pick } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';
import type { Script } from '../script.ts';
import type { Measured, Stage } from '../stage.ts';

const sizes = {
  full: { stalled: 8, kilobytes: 16_384, events: 60, rounds: 2 },
  short: { stalled: 4, kilobytes: 4_096, events: 30, rounds: 1 },
} as const;
const others = 20;
const piecesPerEvent = 100;

/** Clients that ask and read nothing: what waits for them, beside the run's log, and whether others notice. */
export const slowReader: Scenario = {
  name: 'slow-reader',
  short: true,
  async *play(stage, size) {
    const { stalled, kilobytes, events, rounds } = sizes[size];
    const setting = { runs: { keepMegabytes: 2_048 } };
    const openings = stage.everybody.map((opening) =>
      opening.subject === 'gateway' ? { ...opening, setting } : opening,
    );
    const bulk = Math.ceil((kilobytes * 1_024) / piecesPerEvent / 10);
    await using crew = await stage.crew(openings);
    const played = await inTurn(crew, rounds, async (measured) => {
      const read = await play({ stage, measured, bulk, stalled, events, isPaused: false });
      const unread = await play({ stage, measured, bulk, stalled, events, isPaused: true });
      return { growth: (unread.growth - read.growth) / stalled / 1_024, calm: read.p99, beside: unread.p99 };
    });
    yield {
      key: 'slow-reader',
      title: `slow reader: ${stalled} clients that do not read ${kilobytes} KiB of text each, ${others} others; ${rounds} rounds`,
      rows: [
        {
          key: 'growth',
          label: 'growth per stalled stream beside what is kept, KiB',
          values: pick(played, (one) => one.growth),
        },
        {
          key: 'calm',
          label: 'latency of the others when all have read, p99, ms',
          values: pick(played, ({ calm }) => calm),
        },
        {
          key: 'beside',
          label: 'the same while some do not read, p99, ms',
          values: pick(played, ({ beside }) => beside),
        },
      ],
      notes: ['What the operating system holds for a socket, a few MiB, is in nobody’s figure.'],
    };
  },
};

interface Play {
  readonly stage: Stage;
  readonly measured: Measured;
  readonly bulk: number;
  readonly stalled: number;
  readonly events: number;
  readonly isPaused: boolean;
}

/** The difference between the two ways is what waits for readers: what is kept of a run is in both. */
async function play({ stage, measured: { name, child, url }, bulk, stalled, events, isPaused }: Play) {
  const { load, upstream } = stage;
  const big: Script = { mode: 'flood', events: bulk, pieces: piecesPerEvent, cue: 'bulk' };
  const small: Script = { mode: 'paced', events, cue: 'others' };
  await load.call('open', { group: 'stalled', urls: [url], count: stalled });
  await load.call('open', { group: 'others', urls: [url], count: others });
  await load.call('ask', { group: 'stalled', script: big });
  await load.call('ask', { group: 'others', script: small });
  if (isPaused) await load.call('pause', 'stalled');
  const before = await child.memory();
  await upstream.call('go', 'bulk');
  if (isPaused) await untilIdle(child);
  else await load.call('finish', 'stalled');
  const after = await child.memory();
  await upstream.call('go', 'others');
  await load.call('finish', 'others');
  if (isPaused) await load.call('unpause', 'stalled');
  await load.call('finish', 'stalled');
  check(`slow reader, ${name}`, await load.call<Tally>('count', 'stalled'));
  const tally = await load.call<Tally>('count', 'others');
  check(`beside a slow reader, ${name}`, tally);
  return { growth: after.used - before.used, p99: tally.latency.p99 };
}

/** Nobody tells when a server has nothing more to do for those that do not read. */
async function untilIdle(child: Child): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) {
    const before = await child.cpu();
    await sleep(500);
    if ((await child.cpu()) - before < 25_000) return;
  }
}
