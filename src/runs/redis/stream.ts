import type { RunEvent } from '../run-event.ts';
import type { RunHeader } from '../run-state.ts';
import type { Entry } from './copy.ts';
import type { Names } from './names.ts';
import type { Redis } from './redis.ts';

type Raw = readonly [id: string, fields: readonly string[]];

/** What a run's stream holds: its header, and all that has happened to it. Null if there is none. */
export async function readWhole(
  redis: Redis,
  names: Names,
  name: string,
): Promise<{ readonly header: RunHeader; readonly entries: readonly Entry[] } | null> {
  const raw: readonly Raw[] = await redis.ask((connection) => connection.xrange(names.run(name), '-', '+'));
  const [first, ...rest] = raw;
  if (first?.[1][0] !== 'header') return null;
  return { header: JSON.parse(first[1][1] ?? '') as RunHeader, entries: rest.map(entryOf) };
}

/** What came after `cursor`. */
export async function readOn(redis: Redis, names: Names, name: string, cursor: string): Promise<readonly Entry[]> {
  const raw: readonly Raw[] = await redis.ask((connection) => connection.xrange(names.run(name), cursor, '+'));
  return raw.map(entryOf);
}

function entryOf([id, [field, value]]: Raw): Entry {
  const [seq, fence] = id.split('-');
  const holdsEvents = field === 'events' || field === 'end';
  const events = holdsEvents ? (JSON.parse(value ?? '[]') as RunEvent[]) : [];
  return { seq: Number(seq), fence: Number(fence), events };
}
