import { expect } from 'vitest';
import type { RunEvent } from '../../src/runs/run-event.ts';
import type { RunReader } from '../../src/runs/run-log.ts';

/** Everything up to the end; `pause` comes between two reads. */
export async function readToEnd(reader: RunReader, pause?: () => Promise<unknown>): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for (let batch = await reader.next(); batch !== null; batch = await reader.next()) {
    expect(batch).not.toHaveLength(0);
    if (batch === 'gap') throw new Error('a gap');
    events.push(...batch);
    await pause?.();
  }
  return events;
}

/** The next `count` events. */
export async function read(reader: RunReader, count: number): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  while (events.length < count) {
    const batch = await reader.next();
    if (batch === 'gap') throw new Error('a gap');
    events.push(...(batch ?? []));
  }
  return events;
}
