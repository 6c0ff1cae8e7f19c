import { describe, expect, test } from 'vitest';
import { follow, type Following } from '../../src/runs/follow.ts';
import { MemoryRun } from '../../src/runs/memory-run.ts';
import type { RunEvent } from '../../src/runs/run-event.ts';
import { newHeader } from './run-writer.ts';

/** What a reader is told while it happens, without a turn of the loop between. */
function tellTo(told: string[], reader: Following): void {
  for (let next = reader.ready(); next !== undefined; next = reader.ready()) {
    const { event } = next;
    const text =
      event.type === 'RunAttached' ? `${event.mode} ${event.text}` : event.type === 'TextDelta' && event.text;
    told.push(`${event.seq} ${text || event.type}`);
    if (told.length > 20) throw new Error(`told without end: ${told.join(', ')}`);
  }
  if (!reader.isOver) reader.wait(() => tellTo(told, reader));
}

function delta(seq: number, offset: number, text: string): RunEvent {
  return { type: 'TextDelta', seq, at: 0, source: null, offset, text };
}

describe('a run that turns out to be another', () => {
  test('tells each of its readers once, and only what it has become', () => {
    const run = new MemoryRun(newHeader());
    run.append([delta(1, 0, 'a'), delta(2, 1, 'b')]);
    const told: string[][] = [[], []];
    for (const each of told) tellTo(each, follow(run));
    run.restart([delta(1, 0, 'x')]);
    run.append([delta(2, 1, 'y')]);
    for (const each of told) expect(each).toEqual(['2 SNAPSHOT ab', '1 GAP x', '2 y']);
    expect(run.watchers).toBe(2);
  });

  test('may be one of which nothing is known', () => {
    const run = new MemoryRun(newHeader());
    run.append([delta(1, 0, 'a')]);
    const told: string[] = [];
    tellTo(told, follow(run));
    run.restart([]);
    run.append([delta(1, 0, 'b')]);
    expect(told).toEqual(['1 SNAPSHOT a', '0 GAP ', '1 b']);
  });

  test('also for those who gather what comes', async () => {
    const run = new MemoryRun(newHeader());
    const told: string[] = [];
    tellTo(told, follow(run, { coalesceMs: 5 }));
    run.append([delta(1, 0, 'a')]);
    run.restart([delta(1, 0, 'x')]);
    await expect.poll(() => told).toEqual(['0 SNAPSHOT ', '1 GAP x']);
    run.append([delta(2, 1, 'y')]);
    await expect.poll(() => told).toEqual(['0 SNAPSHOT ', '1 GAP x', '2 y']);
  });
});
