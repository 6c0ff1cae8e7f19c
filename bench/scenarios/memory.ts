import type { Row, Table } from '../figures.ts';
import { tooFewFiles } from '../open-files.ts';
import { inTurn, pick } from '../rounds.ts';
import type { Scenario, Size } from '../scenario.ts';
import type { Script } from '../script.ts';
import type { Memory } from '../serve.ts';
import type { Measured, Stage } from '../stage.ts';

const sizes: Readonly<Record<Size, { idle: number; streams: readonly number[]; watchers: number; runs: number }>> = {
  full: { idle: 10_000, streams: [1_000, 5_000], watchers: 1_000, runs: 2_000 },
  short: { idle: 500, streams: [200], watchers: 100, runs: 200 },
};
const eventsPerRun = 50;

/** Memory that each of many things takes: sockets that are idle, streams under way, watchers of one run, runs that are kept. */
export const memory: Scenario = {
  name: 'memory',
  short: true,
  async *play(stage, size) {
    const { idle, streams, watchers, runs } = sizes[size];
    const kinds: readonly Kind[] = [
      { key: `idle-${idle}`, title: `${idle} idle sockets`, sockets: idle, open: openIdle(idle) },
      ...streams.map((count) => ({
        key: `active-${count}`,
        title: `${count} active streams`,
        sockets: 2 * count,
        open: openActive(count),
      })),
      {
        key: 'watchers',
        title: `${watchers} watchers of one run, sockets not counted`,
        sockets: watchers,
        open: openWatchers(watchers),
      },
      { key: 'kept', title: `${runs} kept runs of ${eventsPerRun} text events`, sockets: 400, open: keep(runs) },
    ];
    for (const kind of kinds) yield await forEach(stage, kind);
  },
};

/** How much grew, for each of so many things. */
interface Growth {
  readonly resident: number;
  readonly used: number;
}

interface Kind {
  readonly key: string;
  readonly title: string;
  /** Of one process. */
  readonly sockets: number;
  readonly open: Open;
}

type Open = (stage: Stage, measured: Measured) => Promise<Growth>;

async function forEach(stage: Stage, { key, title, sockets, open }: Kind): Promise<Table> {
  const few = tooFewFiles(sockets);
  if (few) return { key, title: `memory: ${title}: ${few}`, rows: [] };
  // Only what runs can be kept or watched in.
  const openings = stage.everybody.filter(({ subject }) =>
    key === 'kept' ? subject === 'gateway' : key !== 'watchers' || subject !== 'relay',
  );
  const growth: Record<string, Growth[]> = {};
  for (const opening of openings) {
    // Each in a process of its own, one after the other: memory that was freed once would not be seen.
    await using crew = await stage.crew([opening]);
    Object.assign(growth, await inTurn(crew, 1, (measured) => open(stage, measured)));
  }
  const row = (name: keyof Growth, label: string): Row => ({
    key: name,
    label,
    values: pick(growth, (one) => one[name] / 1_024),
  });
  const rows = [row('resident', 'resident, KiB each'), row('used', 'objects and buffers in use, KiB each')];
  return { key, title: `memory: ${title}`, rows };
}

function per(count: number, before: Memory, after: Memory): Growth {
  return { resident: (after.resident - before.resident) / count, used: (after.used - before.used) / count };
}

function openIdle(count: number): Open {
  return async ({ load }, { child, url }) => {
    const before = await child.memory();
    await load.call('open', { group: 'main', urls: [url], count });
    const after = await child.memory();
    await load.call('count', 'main');
    return per(count, before, after);
  };
}

function openActive(count: number): Open {
  const script: Script = { mode: 'paced', events: 1, cue: 'main' };
  return async ({ load, upstream }, { child, url }) => {
    const before = await child.memory();
    await load.call('open', { group: 'main', urls: [url], count });
    await load.call('ask', { group: 'main', script });
    const after = await child.memory();
    await upstream.call('go', 'main');
    await load.call('finish', 'main');
    await load.call('count', 'main');
    return per(count, before, after);
  };
}

function openWatchers(count: number): Open {
  const script: Script = { mode: 'paced', events: 5, cue: 'main' };
  return async ({ load, upstream }, { child, url }) => {
    const user = 'watched';
    await load.call('open', { group: 'main', urls: [url], count: 1, user });
    await load.call('ask', { group: 'main', script });
    const runId = await load.call<string>('run', 'main');
    await load.call('open', { group: 'watchers', urls: [url], count, user });
    const before = await child.memory();
    await load.call('watch', { group: 'watchers', runId, script });
    await settle();
    const after = await child.memory();
    await upstream.call('go', 'main');
    for (const group of ['main', 'watchers']) {
      await load.call('finish', group);
      await load.call('count', group);
    }
    return per(count, before, after);
  };
}

/** Nobody tells when a subscription of a peer's has begun. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1_000));
}

function keep(count: number): Open {
  const script: Script = { mode: 'flood', events: eventsPerRun, cue: 'main' };
  return async ({ load, upstream }, { child, url }) => {
    const before = await child.memory();
    await load.call('open', { group: 'main', urls: [url], count: 200 });
    for (let runs = 0; runs < count; runs += 200) {
      await load.call('ask', { group: 'main', script });
      await upstream.call('go', 'main');
      await load.call('finish', 'main');
    }
    await load.call('count', 'main');
    await settle();
    return per(count, before, await child.memory());
  };
}
