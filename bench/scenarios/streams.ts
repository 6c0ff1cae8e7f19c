import type { Row, Table } from '../figures.ts';
import { tooFewFiles } from '../open-files.ts';
import { inTurn, pick, playRound, type Round } from '../rounds.ts';
import type { Scenario, Size } from '../scenario.ts';
import type { Script } from '../script.ts';
import type { Stage } from '../stage.ts';

/** So many streams at once, each with so many events. */
export interface Load {
  readonly streams: number;
  readonly events: number;
  readonly rounds: number;
  readonly pauseMs?: number;
}

export const flood: Scenario = {
  name: 'flood',
  short: true,
  play: (stage, size) => play(stage, 'flood', floods[size]),
};

export const paced: Scenario = {
  name: 'paced',
  short: true,
  play: (stage, size) => play(stage, 'paced', paces[size]),
};

const floods: Readonly<Record<Size, readonly Load[]>> = {
  full: [
    { streams: 1, events: 20_000, rounds: 5 },
    { streams: 10, events: 5_000, rounds: 5 },
    { streams: 100, events: 500, rounds: 7 },
    { streams: 1_000, events: 100, rounds: 5 },
    { streams: 5_000, events: 50, rounds: 2 },
  ],
  short: [{ streams: 100, events: 100, rounds: 3 }],
};

/** The more streams, the longer they think: a core of clients has to keep up. */
const paces: Readonly<Record<Size, readonly Load[]>> = {
  full: [
    { streams: 1, events: 100, rounds: 2 },
    { streams: 10, events: 100, rounds: 2 },
    { streams: 100, events: 100, rounds: 5 },
    { streams: 1_000, events: 100, rounds: 3 },
    { streams: 5_000, events: 10, rounds: 2, pauseMs: 500 },
  ],
  short: [{ streams: 40, events: 40, rounds: 2 }],
};

async function* play(stage: Stage, mode: 'flood' | 'paced', loads: readonly Load[]): AsyncIterable<Table> {
  for (const load of loads) yield await playLoad(stage, mode, load);
}

async function playLoad(stage: Stage, mode: 'flood' | 'paced', load: Load): Promise<Table> {
  const { streams, events, rounds, pauseMs = 50 } = load;
  const key = `${mode}-${streams}`;
  const few = tooFewFiles(2 * streams);
  if (few) return { key, title: `${mode}: ${streams} streams: ${few}`, rows: [] };
  const script: Script = { mode, events, pauseMs, cue: 'main' };
  await using crew = await stage.crew();
  const played = await inTurn(crew, rounds, (measured) => playRound(stage, measured, script, streams));
  const how =
    mode === 'flood' ? 'ten to a write, as fast as the upstream can' : `one to a write, every ${pauseMs} ms a stream`;
  return {
    key,
    title: `${mode}: ${streams} streams × ${events} text events, ${how}; ${rounds} rounds`,
    rows: costs(played),
  };
}

function costs(played: Readonly<Record<string, readonly Round[]>>): readonly Row[] {
  return [
    { key: 'cpu', label: 'CPU per text event, µs', values: pick(played, ({ cpuPerEvent }) => cpuPerEvent) },
    {
      key: 'question',
      label: 'CPU per question until its first text, µs',
      values: pick(played, ({ cpuPerQuestion }) => cpuPerQuestion),
    },
    {
      key: 'end',
      label: 'CPU per question after its last text, µs',
      values: pick(played, ({ cpuPerEnd }) => cpuPerEnd),
    },
    {
      key: 'messages',
      label: 'messages per event',
      values: pick(played, ({ messagesPerEvent }) => messagesPerEvent),
      plain: true,
    },
    { key: 'busy', label: 'core busy, %', values: pick(played, ({ busy }) => busy), plain: true },
  ];
}
