import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryLog, type MemoryLogOptions } from '../../src/runs/memory-log.ts';
import { everyKind } from './histories.ts';
import { readToEnd } from './reading.ts';
import { runLogSuite } from './run-log.suite.ts';
import { begin, type RunWriter } from './run-writer.ts';

runLogSuite('MemoryLog', () => new MemoryLog());

const megabyte = 'x'.repeat(524_288);

describe('MemoryLog', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** The runs of that many writers, begun but not ended. */
  async function beginAll(log: MemoryLog, count: number): Promise<RunWriter[]> {
    const all = await Promise.all(Array.from({ length: count }, () => begin(log)));
    return all.map(({ writer }) => writer);
  }

  async function kept(log: MemoryLog, writers: readonly RunWriter[]): Promise<number[]> {
    const found = await Promise.all(writers.map(({ header }) => log.find(header)));
    return found.flatMap((run, index) => (run ? [index] : []));
  }

  const end = { end: 'SUCCEEDED' } as const;

  test('drops a run its minutes after its end', async () => {
    await using log = new MemoryLog({ keepMinutes: 5 });
    const { writer } = await begin(log);
    vi.advanceTimersByTime(60 * 60_000);
    await writer.write({ say: 'a' }, end);
    vi.advanceTimersByTime(5 * 60_000 - 1);
    expect(await kept(log, [writer])).toEqual([0]);
    // It sweeps twice a minute.
    vi.advanceTimersByTime(30_001);
    expect(await kept(log, [writer])).toEqual([]);
    expect(log.size).toEqual({ runs: 0, bytes: 0 });
    expect(await log.list('ann')).toEqual([]);
  });

  test('drops the run that ended first when there are too many, not the one that began first', async () => {
    await using log = new MemoryLog({ keepCount: 3 });
    const writers = await beginAll(log, 3);
    for (const index of [1, 2, 0]) await writers[index]!.write(end);
    writers.push(...(await beginAll(log, 1)));
    expect(await kept(log, writers)).toEqual([0, 2, 3]);
    writers.push(...(await beginAll(log, 1)));
    expect(await kept(log, writers)).toEqual([0, 3, 4]);
  });

  test('drops the runs that ended first when they are too large', async () => {
    await using log = new MemoryLog({ keepMegabytes: 3.5 });
    const writers = await beginAll(log, 4);
    for (const index of [2, 0, 1]) await writers[index]!.write({ say: megabyte }, end);
    expect(await kept(log, writers)).toEqual([0, 1, 2, 3]);
    await writers[3]!.write({ think: megabyte });
    expect(await kept(log, writers)).toEqual([0, 1, 3]);
    expect(log.size.bytes).toBeGreaterThan(3 * 1_048_576);
  });

  test.each<[string, MemoryLogOptions]>([
    ['old', { keepMinutes: 0.001 }],
    ['large', { keepMegabytes: 0.001 }],
    ['many', { keepCount: 1 }],
  ])('never drops a running run, however %s', async (_, options) => {
    await using log = new MemoryLog(options);
    const writers = await beginAll(log, 3);
    for (const writer of writers) await writer.write({ say: megabyte });
    vi.advanceTimersByTime(60_000);
    expect(await kept(log, writers)).toEqual([0, 1, 2]);
    for (const writer of writers) await writer.write({ say: 'b' }, end);
    vi.advanceTimersByTime(30_000);
    expect(log.size.runs).toBeLessThan(2);
  });

  test('lets the readers of a run that it drops read to its end', async () => {
    await using log = new MemoryLog({ keepMegabytes: 0.5 });
    const { run, writer } = await begin(log);
    const [ahead, behind] = [readToEnd(run.read(0)), run.read(0)];
    await writer.write({ say: 'a' });
    await writer.write({ say: megabyte }, end);
    expect(await log.find(writer.header)).toBeUndefined();
    expect(await ahead).toEqual(writer.events);
    expect(await readToEnd(behind)).toEqual(writer.events);
    expect(await readToEnd(run.read(1))).toEqual(writer.events.slice(1));
    expect(run.at(1)).toEqual({ text: 'a', reasoning: '' });
  });

  test('has counted every byte back when all is dropped, refused steps included', async () => {
    await using log = new MemoryLog({ keepMinutes: 1 });
    for (const viewer of ['ann', 'bob']) {
      const { writer } = await begin(log, { viewer, query: null, inputs: { text: megabyte } });
      const [wrong] = writer.next({ say: megabyte });
      expect(() => log.append(writer.header, [wrong!, wrong!])).toThrow('cannot follow');
      for (const part of everyKind) await writer.write(part);
      expect(() => log.append(writer.header, writer.next({ say: 'late' }))).toThrow('ended run');
    }
    expect(log.size.runs).toBe(2);
    expect(log.size.bytes).toBeGreaterThan(2 * 1_048_576);
    vi.advanceTimersByTime(90_000);
    expect(log.size).toEqual({ runs: 0, bytes: 0 });
  });

  test('takes the name of a dropped run for a new one', async () => {
    await using log = new MemoryLog({ keepMinutes: 0.001 });
    const { writer } = await begin(log);
    await writer.write({ say: 'a' }, end);
    vi.advanceTimersByTime(60);
    const { first, run } = await log.claim(writer.header);
    expect(first).toBe(true);
    expect(run.state.text).toBe('');
  });
});
