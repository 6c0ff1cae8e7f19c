import { median, ratio, rowOf, short, type Table } from './figures.ts';

/** What a figure is to be. */
interface Goal {
  readonly name: string;
  readonly most?: number;
  readonly least?: number;
  readonly of: (found: Found) => number | null;
}

/** Looks into the tables; null where something was not measured. */
interface Found {
  value(table: string, row: string, subject: string): number | null;
  ratio(table: string, row: string, subject: string, base: string): number | null;
}

function times(table: string, row: string, subject: string, base: string): Goal['of'] {
  return (found) => found.ratio(table, row, subject, base);
}

function greatest(...values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === values.length ? Math.max(...known) : null;
}

function dearerPeers(mode: string, least: number): readonly Goal[] {
  return ['yoga', 'apollo', 'mercurius'].map((peer) => ({
    name: `CPU per event, ${peer} ÷ gateway, ${mode} 100`,
    least,
    of: times(`${mode}-100`, 'cpu', peer, 'gateway'),
  }));
}

/** How far the cost per event is from that of 100 streams, at most, as a part of it. */
function unevenness(mode: string): Goal['of'] {
  return (found) => {
    const at = (streams: number) => found.value(`${mode}-${streams}`, 'cpu', 'gateway');
    const middle = at(100);
    const others = [10, 1_000, 5_000].map(at).filter((cpu) => cpu !== null);
    if (middle === null || others.length < 3) return null;
    return Math.max(...others.map((cpu) => Math.abs(cpu / middle - 1)));
  };
}

/** What the system sees holds garbage of before, and what is in use leaves out what is not JavaScript's: the greater. */
function memory(table: string): Goal['of'] {
  return (found) => greatest(found.value(table, 'resident', 'gateway'), found.value(table, 'used', 'gateway'));
}

const goals: readonly Goal[] = [
  { name: 'CPU per event ÷ relay, flood 100', most: 0.4, of: times('flood-100', 'cpu', 'gateway', 'relay') },
  { name: 'CPU per event ÷ relay, paced 100', most: 0.95, of: times('paced-100', 'cpu', 'gateway', 'relay') },
  { name: 'CPU per event ÷ relay, paced 1,000', most: 0.95, of: times('paced-1000', 'cpu', 'gateway', 'relay') },
  ...dearerPeers('flood', 8),
  ...dearerPeers('paced', 2),
  { name: 'latency p50 ÷ relay', most: 0.7, of: times('latency', 'p50', 'gateway', 'relay') },
  { name: 'latency p99 ÷ relay', most: 1.2, of: times('latency', 'p99', 'gateway', 'relay') },
  { name: 'time to first text ÷ relay', most: 1, of: times('first', 'p50', 'gateway', 'relay') },
  { name: 'KiB per idle socket', most: 8, of: memory('idle-10000') },
  {
    name: 'KiB per active stream, of 1,000',
    most: 30,
    of: memory('active-1000'),
  },
  {
    name: 'KiB per active stream, of 5,000',
    most: 30,
    of: memory('active-5000'),
  },
  { name: 'fan-out to 1,000: delivery ÷ yoga', most: 0.25, of: times('fan-out-1000', 'cpu', 'gateway', 'yoga') },
  { name: 'KiB per stalled stream', most: 256, of: (found) => found.value('slow-reader', 'growth', 'gateway') },
  {
    name: 'latency beside slow readers ÷ without, p99',
    most: 1.5,
    of: (found) =>
      quotient(found.value('slow-reader', 'beside', 'gateway'), found.value('slow-reader', 'calm', 'gateway')),
  },
  {
    name: 'ms until the upstream is let go',
    most: 50,
    of: (found) => greatest(found.value('let-go', 'complete', 'gateway'), found.value('let-go', 'cut', 'gateway')),
  },
  { name: 'CPU of a `chat` that waits ÷ mercurius', most: 1, of: times('http-chat', 'cpu', 'gateway', 'mercurius') },
  { name: 'CPU of a history of 20 ÷ mercurius', most: 1, of: times('http-history-20', 'cpu', 'gateway', 'mercurius') },
  {
    name: 'CPU of a history of 100 ÷ mercurius',
    most: 1,
    of: times('http-history-100', 'cpu', 'gateway', 'mercurius'),
  },
  {
    name: 'chats a second, upstream 200 ms, 256 clients',
    least: 250,
    of: (found) => found.value('http-chat-200-256', 'rate', 'gateway'),
  },
  { name: 'start-up, built ÷ relay', most: 1.2, of: times('start-up', 'ms', 'built', 'relay') },
  { name: 'log in Redis, relaxed ÷ memory, flood', most: 1.6, of: times('redis-flood', 'log', 'relaxed', 'memory') },
  { name: 'log in Redis, relaxed ÷ memory, paced', most: 1.6, of: times('redis-paced', 'log', 'relaxed', 'memory') },
  {
    name: 'memory in use after an hour ÷ after ten minutes',
    most: 1.05,
    of: (found) => quotient(found.value('hour', 'used-last', 'gateway'), found.value('hour', 'used-first', 'gateway')),
  },
  { name: 'unevenness from 10 to 5,000 streams, flood', most: 0.2, of: unevenness('flood') },
  { name: 'unevenness from 10 to 5,000 streams, paced', most: 0.2, of: unevenness('paced') },
];

function quotient(above: number | null, below: number | null): number | null {
  return above === null || below === null ? null : above / below;
}

/** Each goal, what was measured, and whether it is kept; goals of what was not measured are left out. */
export function judge(tables: readonly Table[]): readonly string[] {
  const valuesOf = (table: string, row: string) => rowOf(tables, table, row)?.values ?? {};
  const found: Found = {
    value(table, row, subject) {
      const values = valuesOf(table, row)[subject];
      return values?.length ? median(values) : null;
    },
    ratio: (table, row, subject, base) => ratio(valuesOf(table, row), subject, base)?.median ?? null,
  };
  return goals.flatMap(({ name, most, least, of }) => {
    const measured = of(found);
    if (measured === null) return [];
    const isKept = measured <= (most ?? Infinity) && measured >= (least ?? -Infinity);
    const goal = most === undefined ? `≥ ${least}` : `≤ ${most}`;
    return [`  ${isKept ? 'kept  ' : 'MISSED'}  ${name.padEnd(50)} ${short(measured).padStart(8)}   goal ${goal}`];
  });
}
