import { describe, expect, test } from 'vitest';
import type { LineLimits } from '../../src/runs/lines.ts';
import { MemoryLog } from '../../src/runs/memory-log.ts';
import { MemoryTurns } from '../../src/runs/memory-turns.ts';
import type { KeptRun } from '../../src/runs/run-log.ts';
import { asked, holdAnswers, positions, standsAt } from './held-answers.ts';
import { openRuns, textBegins, until, type RunsRig, type RunsRigOptions } from './open-runs.ts';
import { readToEnd } from './reading.ts';

/** Runs of an app, `assistant` unless said otherwise, with limits. */
function limited(limits: LineLimits, options: RunsRigOptions & { readonly app?: string } = {}): Promise<RunsRig> {
  const { app = 'assistant', ...more } = options;
  return openRuns({ ...more, limits: new Map([[app, limits]]) });
}

async function askAll(rig: RunsRig, count: number): Promise<KeptRun[]> {
  const runs = [];
  for (let index = 0; index < count; index += 1) runs.push(await rig.ask({ query: `${index}` }));
  return runs;
}

const statuses = (runs: readonly KeptRun[]) => runs.map(({ state }) => state.status);

describe('an app that takes so many runs at once', () => {
  test('C102 is never asked more, and answers fifty that come at once in order', async () => {
    await using rig = await limited({ maxRuns: 10 });
    const held = holdAnswers(rig, 50);
    const runs = await Promise.all(Array.from({ length: 50 }, (_, index) => rig.ask({ query: `${index}` })));
    expect(statuses(runs).filter((status) => status === 'QUEUED')).toHaveLength(40);
    for (let ended = 0; ended < 50; ended += 1) {
      await held.asked(Math.min(50, ended + 10));
      expect(rig.sandbox.open).toBeLessThanOrEqual(10);
      expect(asked(rig)).toHaveLength(Math.min(50, ended + 10));
      held.release(ended);
      await runs[ended]!.ended;
    }
    expect(asked(rig)).toEqual(runs.map((_, index) => `${index}`));
    expect(new Set(statuses(runs))).toEqual(new Set(['SUCCEEDED']));
  });

  test('C102 refuses what would wait behind too many, and says when to come again', async () => {
    await using rig = await limited({ maxRuns: 10, maxQueued: 15 });
    const held = holdAnswers(rig, 25);
    const all = await Promise.allSettled(Array.from({ length: 50 }, (_, index) => rig.ask({ query: `${index}` })));
    const runs = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(runs).toHaveLength(25);
    for (const one of all.slice(25))
      expect(one).toMatchObject({ reason: { code: 'QUEUE_FULL', retryable: true, retryAfterMs: expect.any(Number) } });
    for (const index of runs.keys()) held.release(index);
    await Promise.all(runs.map(({ ended }) => ended));
    expect(asked(rig)).toHaveLength(25);
  });

  test('tells a run how many come first, and how long it waited', async () => {
    await using rig = await limited({ maxRuns: 1 });
    const held = holdAnswers(rig, 3);
    const runs = await askAll(rig, 3);
    await standsAt(runs[2]!, 2);
    for (const [index, run] of runs.entries()) {
      held.release(index);
      await run.ended;
    }
    expect(await Promise.all(runs.map(positions))).toEqual([[], [1, 0], [2, 1, 0]]);
    expect(runs[2]!.state.turnAt).toBeGreaterThanOrEqual(runs[1]!.state.finishedAt ?? Infinity);
  });

  test('asks others while a conversation with it has many questions', async () => {
    await using rig = await limited({ maxRuns: 2 });
    const conversationId = 'c0de0000-0001-4000-8000-000000000001';
    const held = holdAnswers(rig, 4);
    const busy = [];
    for (const query of ['one', 'two', 'three'])
      busy.push(await rig.ask({ query, conversationId, onBusy: 'QUEUE' as const }));
    const other = await rig.ask({ query: 'other' });
    expect(other.state.status).toBe('RUNNING');
    await held.asked(2);
    for (const index of [0, 1, 2, 3]) held.release(index);
    await Promise.all([...busy, other].map(({ ended }) => ended));
    expect(asked(rig)).toEqual(['one', 'other', 'two', 'three']);
  });

  test('asks the next while a run waits for a person, and that one goes on without waiting again', async () => {
    const app = 'approval';
    await using rig = await limited({ maxRuns: 1 }, { app, version: '1.15.0' });
    const order = { kind: 'WORKFLOW', app, query: null } as const;
    const [first, second] = [
      await rig.ask({ ...order, inputs: { topic: 'one' } }),
      await rig.ask({ ...order, inputs: { topic: 'two' } }),
    ];
    expect(second.state.status).toBe('QUEUED');
    await until(first, () => first.state.status === 'PAUSED');
    await until(second, () => second.state.status === 'PAUSED');
    for (const run of [second, first]) {
      const [form] = [...run.state.forms.values()];
      const channel = form!.fields.find(({ name }) => name === 'channel')!.options?.[0];
      await rig.runs.answer('ann', form!.id, { action: 'approve', inputs: { comment: 'Fine', channel } });
      await run.ended;
    }
    expect(statuses([first, second])).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(await positions(first)).toEqual([]);
  });
});

describe('a run that waits for its turn', () => {
  test('is stopped without Dify ever being asked, and those behind it move up', async () => {
    await using rig = await limited({ maxRuns: 1 });
    const held = holdAnswers(rig, 2);
    const [first, second, third] = (await askAll(rig, 3)) as [KeptRun, KeptRun, KeptRun];
    await standsAt(third, 2);
    expect(await rig.runs.stop(second, 5_000)).toBe(true);
    expect(second.state).toMatchObject({ status: 'STOPPED', error: null });
    await standsAt(third, 1);
    for (const index of [0, 1]) held.release(index);
    await Promise.all([first.ended, third.ended]);
    expect(asked(rig)).toEqual(['0', '2']);
    expect(rig.requests.filter(({ path }) => path.endsWith('/stop'))).toEqual([]);
  });

  test('fails when its turn does not come in time', async () => {
    await using rig = await limited({ maxRuns: 1, queueMs: 30 });
    const held = holdAnswers(rig, 1);
    const [first, second] = (await askAll(rig, 2)) as [KeptRun, KeptRun];
    await second.ended;
    expect(second.state).toMatchObject({
      status: 'FAILED',
      error: { code: 'QUEUE_FULL', retryable: true, retryAfterMs: expect.any(Number) },
      settledBy: 'WATCHDOG',
      turnAt: null,
    });
    held.release(0);
    await first.ended;
    expect(asked(rig)).toEqual(['0']);
  });

  test('is asked when its turn has come even if nobody says so', async () => {
    class SilentTurns extends MemoryTurns {
      override onMove(): () => void {
        return () => {};
      }
    }
    await using rig = await limited({ maxRuns: 1 }, { turns: new SilentTurns() });
    const held = holdAnswers(rig, 2);
    const [, second] = (await askAll(rig, 2)) as [KeptRun, KeptRun];
    held.release(0);
    held.release(1);
    await second.ended;
    expect(second.state.status).toBe('SUCCEEDED');
  });

  test('is not asked before it is written for good that its turn has come', async () => {
    const written = Promise.withResolvers<void>();
    class SlowLog extends MemoryLog {
      override flushed(): Promise<void> {
        return written.promise;
      }
    }
    await using rig = await limited({ maxRuns: 1 }, { log: new SlowLog() });
    const held = holdAnswers(rig, 2);
    const [first, second] = (await askAll(rig, 2)) as [KeptRun, KeptRun];
    held.release(0);
    await first.ended;
    await standsAt(second, 0);
    expect(asked(rig)).toEqual(['0']);
    written.resolve();
    held.release(1);
    await second.ended;
    expect(asked(rig)).toEqual(['0', '1']);
  });

  test('goes on waiting while the lines are out of reach', async () => {
    let broken = false;
    const tried = Promise.withResolvers<void>();
    class BrokenTurns extends MemoryTurns {
      override async enter(...args: Parameters<MemoryTurns['enter']>): Promise<number> {
        if (broken) {
          tried.resolve();
          throw new Error('out of reach');
        }
        return super.enter(...args);
      }
    }
    await using rig = await limited({ maxRuns: 1 }, { turns: new BrokenTurns() });
    const held = holdAnswers(rig, 2);
    const [first, second] = (await askAll(rig, 2)) as [KeptRun, KeptRun];
    await standsAt(second, 1);
    broken = true;
    held.release(0);
    await first.ended;
    await tried.promise;
    expect(second.state.status).toBe('QUEUED');
    broken = false;
    held.release(1);
    await second.ended;
    expect(await positions(second)).toEqual([1, 0]);
  });

  test('ends with DRAINING when the server does, without Dify being asked', async () => {
    await using rig = await limited({ maxRuns: 1 });
    holdAnswers(rig, 1);
    const [first, second] = (await askAll(rig, 2)) as [KeptRun, KeptRun];
    await textBegins(first);
    await rig.runs.drain(0);
    expect((await readToEnd(second.read(0))).at(-1)).toMatchObject({ status: 'FAILED', error: { code: 'DRAINING' } });
    expect(asked(rig)).toEqual(['0']);
  });
});
