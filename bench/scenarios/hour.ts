import { roomForSockets } from '../open-files.ts';
import { check } from '../rounds.ts';
import { Skipped, type Scenario } from '../scenario.ts';
import type { Script } from '../script.ts';
import type { Tally } from '../load/group.ts';
import type { Memory } from '../serve.ts';

const sizes = {
  full: { idle: 10_000, streams: 5_000, minutes: 60, settled: 10 },
  short: { idle: 200, streams: 100, minutes: 6, settled: 2 },
} as const;
const script: Script = { mode: 'flood', events: 50, cue: 'hour' };

/** An hour in which everybody who asks does so once a minute, as fast as it goes: whether what is held at its end is more than once all is in use. */
export const hour: Scenario = {
  name: 'hour',
  short: false,
  async *play(stage, size) {
    const { streams, minutes, settled, ...wanted } = sizes[size];
    const idle = Math.min(wanted.idle, roomForSockets() - 2 * streams);
    if (idle <= 0) throw new Skipped(`${2 * streams} sockets are more than \`ulimit -n\` allows`);
    const { load, upstream } = stage;
    // What is kept of ended runs is all there is to be after the second minute.
    const setting = { runs: { keepCount: 2 * streams } };
    await using measured = await stage.measure({ subject: 'gateway', setting });
    const { child, url, name } = measured;
    await load.call('open', { group: 'idle', urls: [url], count: idle });
    await load.call('open', { group: 'hour', urls: [url], count: streams });
    const memory: Memory[] = [];
    const start = performance.now();
    const before = await child.cpu();
    for (let minute = 1; minute <= minutes; minute += 1) {
      await load.call('ask', { group: 'hour', script });
      await upstream.call('go', 'hour');
      await load.call('finish', 'hour');
      check(`minute ${minute}, ${name}`, await load.call<Tally>('tally', 'hour'));
      if (minute % settled === 0) memory.push(await child.memory());
    }
    const cpu = (await child.cpu()) - before;
    const seconds = (performance.now() - start) / 1_000;
    await load.call('count', 'hour');
    await load.call('count', 'idle');
    const mib = (values: readonly number[]) => ({ [name]: values.map((bytes) => bytes / 1_048_576) });
    const used = memory.map((one) => one.used);
    const resident = memory.map((one) => one.resident);
    yield {
      key: 'hour',
      title: `an hour: ${idle} idle sockets, ${streams} others with ${minutes} answers of ${script.events} events each, in ${seconds.toFixed(0)} s`,
      rows: [
        { key: 'used-first', label: `in use after ${settled} minutes, MiB`, values: mib(used.slice(0, 1)) },
        { key: 'used-last', label: `in use after ${minutes} minutes, MiB`, values: mib(used.slice(-1)) },
        { key: 'resident-first', label: `resident after ${settled} minutes, MiB`, values: mib(resident.slice(0, 1)) },
        { key: 'resident-last', label: `resident after ${minutes} minutes, MiB`, values: mib(resident.slice(-1)) },
        {
          key: 'cpu',
          label: 'CPU per answer, question and all, µs',
          values: { [name]: [cpu / streams / minutes] },
        },
      ],
      notes: [
        `In use every ${settled} minutes, MiB: ${used.map((bytes) => (bytes / 1_048_576).toFixed(1)).join(', ')}.`,
      ],
    };
  },
};
