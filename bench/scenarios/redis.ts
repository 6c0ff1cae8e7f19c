import { Child } from '../child.ts';
import { freePort } from '../../test/free-port.ts';
import { inTurn, pick, playRound } from '../rounds.ts';
import { type Scenario, type Size, Skipped } from '../scenario.ts';
import type { Script } from '../script.ts';
import type { Opening } from '../stage.ts';

interface Load {
  readonly mode: 'flood' | 'paced';
  readonly streams: number;
  readonly events: number;
  readonly rounds: number;
}

const loads: Readonly<Record<Size, readonly Load[]>> = {
  full: [
    { mode: 'flood', streams: 100, events: 500, rounds: 5 },
    { mode: 'paced', streams: 100, events: 100, rounds: 3 },
  ],
  short: [{ mode: 'flood', streams: 40, events: 100, rounds: 2 }],
};

/** The same with the log in Redis, and delivered before or after it is written there. */
export const redis: Scenario = {
  name: 'redis',
  short: true,
  async *play(stage, size) {
    const cores = stage.cores?.others ?? null;
    const server = new Child(new URL('../redis-server.ts', import.meta.url), { cores });
    try {
      const url = await server.call<string | null>('listen', await freePort());
      if (url === null) throw new Skipped('redis-server is not installed. Debian: apt-get install redis-server');
      const kept = (durability: 'relaxed' | 'strict'): Opening => ({
        subject: 'gateway',
        name: durability,
        setting: { redis: { url, durability } },
      });
      await using crew = await stage.crew([
        { subject: 'relay' },
        { subject: 'gateway', name: 'memory' },
        kept('relaxed'),
        kept('strict'),
      ]);
      for (const { mode, streams, events, rounds } of loads[size]) {
        const script: Script = { mode, events, cue: 'main' };
        const played = await inTurn(crew, rounds, (measured) => playRound(stage, measured, script, streams));
        const { relay: _, ...logs } = pick(played, ({ cpuPerEvent }) => cpuPerEvent);
        yield {
          key: `redis-${mode}`,
          title: `log in Redis: ${mode}, ${streams} streams × ${events} text events; ${rounds} rounds`,
          rows: [
            { key: 'cpu', label: 'CPU per text event, µs', values: pick(played, ({ cpuPerEvent }) => cpuPerEvent) },
            { key: 'log', label: 'the same, beside the log in memory', values: logs },
            { key: 'p50', label: 'from write to receipt, p50, ms', values: pick(played, ({ latency }) => latency.p50) },
          ],
        };
      }
    } finally {
      await server.close();
    }
  },
};
