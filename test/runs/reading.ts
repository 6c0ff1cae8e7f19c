import { expect } from 'vitest';
import type { RunEvent } from '../../src/runs/run-event.ts';
import type { RunReader } from '../../src/runs/run-log.ts';

/** What there is to take next, once there is. */
export async function next(reader: RunReader): Promise<readonly RunEvent[] | 'gap' | null> {
  for (;;) {
    const taken = reader.take();
    if (taken !== undefined) return taken;
    await new Promise<void>((resolve) => reader.wait(resolve));
  }
}

/** Everything up to the end; `pause` comes between two reads. */
export async function readToEnd(reader: RunReader, pause?: () => Promise<unknown>): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for (let batch = await next(reader); batch !== null; batch = await next(reader)) {
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
    const batch = await next(reader);
    if (batch === 'gap') throw new Error('a gap');
    events.push(...(batch ?? []));
  }
  return events;
}
