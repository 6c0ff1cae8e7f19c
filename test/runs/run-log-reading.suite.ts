import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunLog } from '../../src/runs/run-log.ts';
import { next, read, readToEnd } from './reading.ts';
import { begin } from './run-writer.ts';

/** The part of the RunLog suite that is about readers. */
export function readingSuite(open: () => RunLog | Promise<RunLog>): void {
  test.each([true, false])('gives what comes after every cursor (ended: %s)', async (ended) => {
    await using log = await open();
    const { run, writer } = await begin(log);
    for (let i = 0; i < 6; i += 1) await writer.write({ say: `${i}` }, { think: `${i}` });
    if (ended) await writer.write({ end: 'SUCCEEDED' });
    for (let after = 0; after < writer.events.length; after += 1) {
      const reader = run.read(after);
      expect(await read(reader, writer.events.length - after)).toEqual(writer.events.slice(after));
      reader.close();
    }
  });

  test('keeps a reader that is ahead waiting for what comes after its cursor', async () => {
    await using log = await open();
    const { run, writer } = await begin(log);
    await writer.write({ say: 'a' });
    const waiting = next(run.read(3));
    await writer.write({ say: 'b' });
    await writer.write({ say: 'c' }, { say: 'd' });
    expect(await waiting).toEqual(writer.events.slice(3));
  });

  test('ends after RunFinished, also for those who come later or are ahead', async () => {
    await using log = await open();
    const { run, writer } = await begin(log);
    const early = readToEnd(run.read(0));
    await writer.write({ say: 'a' });
    await writer.write({ end: 'SUCCEEDED' });
    expect(await early).toEqual(writer.events);
    expect(await readToEnd(run.read(1))).toEqual(writer.events.slice(1));
    expect(await next(run.read(2))).toBeNull();
    expect(await next(run.read(99))).toBeNull();
  });

  test('gives three readers of different pace the same, while it is written', async () => {
    await using log = await open();
    const { run, writer } = await begin(log);
    const write = async () => {
      for (let i = 0; i < 60; i += 1) {
        await writer.write(...Array.from({ length: 1 + (i % 4) }, (_, j) => ({ say: `${i}.${j} ` })));
        // The writer has a pace, too: else the readers would get all in one batch.
        await sleep(1);
      }
      await writer.write({ end: 'SUCCEEDED' });
    };
    const [fast, slow, late] = await Promise.all([
      readToEnd(run.read(0)),
      // Their pace is what this is about.
      readToEnd(run.read(0), () => sleep(7)),
      sleep(20).then(() => readToEnd(run.read(10), () => sleep(3))),
      write(),
    ]);
    expect(fast).toEqual(writer.events);
    expect(slow).toEqual(writer.events);
    expect(late).toEqual(writer.events.slice(10));
  });

  test('shows what was written as one step as a whole', async () => {
    await using log = await open();
    const { run, writer } = await begin(log);
    const waiting = next(run.read(0));
    await writer.write({ say: 'a' }, { think: 'b' }, { replace: 'c' });
    expect(await waiting).toEqual(writer.events);
  });

  test('lets no reader suffer when another leaves, least of all one that is asleep', async () => {
    await using log = await open();
    const { run, writer } = await begin(log);
    const [asleep, leaving, behind] = [run.read(0), run.read(0), run.read(0)];
    const [waiting, left] = [next(asleep), next(leaving)];
    leaving.close();
    expect(await left).toBeNull();
    // Had it been woken for nothing, it would have got nothing.
    await writer.write({ say: 'a' });
    expect(await waiting).toEqual(writer.events);
    await writer.write({ end: 'SUCCEEDED' });
    expect(await readToEnd(asleep)).toEqual(writer.events.slice(1));
    expect(await readToEnd(behind)).toEqual(writer.events);
  });

  test('lets a waiting reader go at once', async () => {
    await using log = await open();
    const { run } = await begin(log);
    const reader = run.read(0);
    const waiting = next(reader);
    const startedAt = performance.now();
    reader.close();
    expect(await waiting).toBeNull();
    expect(performance.now() - startedAt).toBeLessThan(100);
  });

  test('gives a reader that has left nothing any more', async () => {
    await using log = await open();
    const { run, writer } = await begin(log);
    const reader = run.read(0);
    await writer.write({ say: 'a' });
    reader.close();
    reader.close();
    expect(await next(reader)).toBeNull();
  });
}
