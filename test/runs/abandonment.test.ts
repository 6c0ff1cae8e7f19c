import { describe, expect, test } from 'vitest';
import { holdAnswers } from './held-answers.ts';
import { openRuns, textBegins } from './open-runs.ts';
import { next } from './reading.ts';

const cancels = { onDisconnect: 'CANCEL' } as const;

describe('a run that is to be cancelled when nobody is attached', () => {
  test('is stopped through Dify when nobody has been there for a while', async () => {
    await using rig = await openRuns({ pace: 0.25, stopMs: 10_000, abandonMs: 50 });
    const run = await rig.ask({ ...cancels, query: '!long:2000' });
    await textBegins(run);
    await run.ended;
    expect(run.state).toMatchObject({ status: 'STOPPED', error: null });
    expect((await rig.request('/stop')).path).toContain(run.state.taskId);
    expect(await Promise.all(rig.questions().map(({ done }) => done))).toEqual(['ended']);
  });

  test('goes on while somebody is attached, and while one comes back in time', async () => {
    // Long enough for a busy machine, short enough for a test.
    const abandonMs = 400;
    await using rig = await openRuns({ abandonMs });
    const held = holdAnswers(rig, 1);
    const run = await rig.ask(cancels);
    const first = run.read(0);
    // Longer than it may be alone: nothing is to be seen of a stop, so only time can tell.
    await new Promise((resolve) => setTimeout(resolve, abandonMs * 1.5));
    first.close();
    await new Promise((resolve) => setTimeout(resolve, abandonMs / 2));
    const second = run.read(0);
    await new Promise((resolve) => setTimeout(resolve, abandonMs));
    expect(run.state.status).toBe('RUNNING');
    held.release(0);
    await run.ended;
    second.close();
    expect(run.state.status).toBe('SUCCEEDED');
  });

  test('has somebody attached while a call waits for its end, and no longer', async () => {
    await using rig = await openRuns({ abandonMs: 100 });
    holdAnswers(rig, 1);
    const run = await rig.ask(cancels);
    const gone = new AbortController();
    const waiting = rig.runs.ended(run, 60_000, gone.signal);
    expect(run.watchers).toBe(1);
    gone.abort();
    expect(await waiting).toBe(false);
    expect(run.watchers).toBe(0);
    await run.ended;
    expect(run.state.status).toBe('STOPPED');
  });

  test('is not stopped while it waits for a person', async () => {
    await using rig = await openRuns({ version: '1.15.0', abandonMs: 60 });
    const run = await rig.ask({
      ...cancels,
      kind: 'WORKFLOW',
      app: 'approval',
      query: null,
      inputs: { topic: 'Cake' },
    });
    const reader = run.read(0);
    while (run.state.status !== 'PAUSED') await next(reader);
    reader.close();
    // Time alone can tell that nothing happens.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(run.state.status).toBe('PAUSED');
  });

  test('is cancelled while it waits for its turn, and Dify never asked', async () => {
    await using rig = await openRuns({ abandonMs: 50, limits: new Map([['assistant', { maxRuns: 1 }]]) });
    const held = holdAnswers(rig, 1);
    const first = await rig.ask();
    const second = await rig.ask(cancels);
    await second.ended;
    expect(second.state.status).toBe('STOPPED');
    held.release(0);
    await first.ended;
    expect(rig.questions()).toHaveLength(1);
  });
});

test('a run that is not to be cancelled goes on alone', async () => {
  await using rig = await openRuns({ abandonMs: 20 });
  const held = holdAnswers(rig, 1);
  const run = await rig.ask();
  // Time alone can tell that nothing happens.
  await new Promise((resolve) => setTimeout(resolve, 100));
  held.release(0);
  await run.ended;
  expect(run.state.status).toBe('SUCCEEDED');
});
