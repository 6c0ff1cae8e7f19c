import { describe, expect, test } from 'vitest';
import type { GatewayError } from '../../src/errors.ts';
import { MemoryLog } from '../../src/runs/memory-log.ts';
import type { BusyPolicy } from '../../src/runs/question.ts';
import type { KeptRun } from '../../src/runs/run-log.ts';
import { conversationId, message, messageEnd, sse } from './dify-frames.ts';
import { asked, holdAnswers, positions, standsAt } from './held-answers.ts';
import { newQuestion, openRuns, until } from './open-runs.ts';
import { readToEnd } from './reading.ts';

function refusal(code: string) {
  return expect.objectContaining({ code } satisfies Partial<Record<keyof GatewayError, string>>) as unknown;
}

/** A question that goes on with the conversation. */
const next = (query: string, onBusy: BusyPolicy = 'REJECT') => ({ conversationId, query, onBusy });

const texts = (runs: readonly KeptRun[]) => runs.map(({ state }) => `${state.header.query}: ${state.status}`);

describe('a conversation that is answering', () => {
  test('refuses another question', async () => {
    await using rig = await openRuns();
    const held = holdAnswers(rig, 1);
    const first = await rig.ask(next('one'));
    const refused = rig.ask(next('two'));
    await expect(refused).rejects.toEqual(refusal('CONVERSATION_BUSY'));
    await expect(refused).rejects.toMatchObject({ retryable: true, message: expect.stringContaining('onBusy') });
    await held.asked(1);
    held.release(0);
    await first.ended;
    expect(asked(rig)).toEqual(['one']);
    expect(await rig.runs.list('ann')).toHaveLength(1);
  });

  test('answers exactly one of twenty that come at once', async () => {
    await using rig = await openRuns();
    const held = holdAnswers(rig, 1);
    const all = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => rig.ask(next(`${index}`))));
    const runs = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(runs).toHaveLength(1);
    await held.asked(1);
    held.release(0);
    await runs[0]!.ended;
    expect(asked(rig)).toHaveLength(1);
  });

  test('takes the next question as soon as anybody can read of the end', async () => {
    await using rig = await openRuns();
    for (let index = 0; index < 20; index += 1) {
      const held = holdAnswers(rig, 1);
      const run = await rig.ask(next(`${index}`));
      held.release(0);
      await readToEnd(run.read(0));
    }
    expect(asked(rig)).toHaveLength(20);
  });

  test('takes the next question at once also after an answer that came all in one piece', async () => {
    await using rig = await openRuns({ lingerMs: 10_000 });
    const whole = { write: sse(message('a'), messageEnd()) };
    rig.script('assistant', whole, { hang: true });
    const run = await rig.ask();
    await run.ended;
    rig.script('assistant', whole);
    const next = await rig.ask({ conversationId });
    await next.ended;
    expect(asked(rig)).toHaveLength(2);
  });

  test('is busy from the moment that Dify has named it', async () => {
    await using rig = await openRuns();
    const held = holdAnswers(rig, 1);
    const first = await rig.ask();
    await until(first, () => first.state.conversationId !== null);
    await expect(rig.ask(next('two'))).rejects.toEqual(refusal('CONVERSATION_BUSY'));
    held.release(0);
    await first.ended;
    const again = holdAnswers(rig, 1);
    const second = await rig.ask(next('two'));
    again.release(0);
    await second.ended;
    expect(second.state.status).toBe('SUCCEEDED');
  });

  test('does not stand in the way of another viewer who names it', async () => {
    await using rig = await openRuns();
    const held = holdAnswers(rig, 2);
    const first = await rig.ask(next('one'));
    await held.asked(1);
    const second = await rig.ask(next('two'), 'eve');
    await held.asked(2);
    held.release(1);
    await second.ended;
    expect(second.state.status).toBe('SUCCEEDED');
    expect(await rig.runs.answering('eve', 'assistant', conversationId)).toBeUndefined();
    expect(await rig.runs.answering('ann', 'assistant', conversationId)).toBe(first);
    held.release(0);
    await first.ended;
  });

  test('lets the same key be asked again, and finds its run', async () => {
    await using rig = await openRuns();
    const held = holdAnswers(rig, 1);
    const question = newQuestion({ ...next('one'), idempotencyKey: 'k' });
    const starts = await Promise.all(Array.from({ length: 20 }, () => rig.runs.start('ann', question)));
    expect(new Set(starts.map(({ run }) => run)).size).toBe(1);
    held.release(0);
    await starts[0]!.run.ended;
    expect(await rig.runs.answering('ann', 'assistant', conversationId)).toBeUndefined();
    expect(asked(rig)).toEqual(['one']);
  });

  test('is stopped also by who comes before its run is written', async () => {
    class HastyLog extends MemoryLog {
      override async claim(...header: Parameters<MemoryLog['claim']>): ReturnType<MemoryLog['claim']> {
        const claimed = await super.claim(...header);
        this.markStopping(...header);
        return claimed;
      }
    }
    await using rig = await openRuns({ log: new HastyLog() });
    holdAnswers(rig, 1);
    const run = await rig.ask(next('one'));
    await run.ended;
    expect(run.state.status).toBe('STOPPED');
    expect(await rig.runs.answering('ann', 'assistant', conversationId)).toBeUndefined();
  });

  test('is not held up by a key that was used for something else', async () => {
    await using rig = await openRuns();
    const held = holdAnswers(rig, 2);
    const one = newQuestion({ query: 'one', conversationId: null, idempotencyKey: 'k' });
    const other = newQuestion({ ...next('other'), idempotencyKey: 'k' });
    const [kept, refused] = await Promise.allSettled([rig.runs.start('ann', one), rig.runs.start('ann', other)]);
    expect([kept.status, refused.status]).toEqual(['fulfilled', 'rejected']);
    held.release(0);
    if (kept.status === 'fulfilled') await kept.value.run.ended;
    const free = await rig.ask(next('free'));
    held.release(1);
    await free.ended;
    expect(asked(rig)).toEqual(['one', 'free']);
  });
});

describe('questions that queue', () => {
  test('are asked one after the other, in the order they came, and told how many come first', async () => {
    await using rig = await openRuns();
    const held = holdAnswers(rig, 4);
    const runs = [];
    for (const query of ['one', 'two', 'three', 'four']) runs.push(await rig.ask(next(query, 'QUEUE')));
    expect(texts(runs)).toEqual(['one: RUNNING', 'two: QUEUED', 'three: QUEUED', 'four: QUEUED']);
    expect(await rig.runs.answering('ann', 'assistant', conversationId)).toBe(runs[0]);
    await standsAt(runs[3]!, 3);
    for (const [index, run] of runs.entries()) {
      await held.asked(index + 1);
      expect(asked(rig)).toHaveLength(index + 1);
      held.release(index);
      await run.ended;
    }
    expect(asked(rig)).toEqual(['one', 'two', 'three', 'four']);
    expect(texts(runs)).toEqual(['one', 'two', 'three', 'four'].map((query) => `${query}: SUCCEEDED`));
    expect(await Promise.all(runs.map(positions))).toEqual([[], [1, 0], [2, 1, 0], [3, 2, 1, 0]]);
    expect(runs.map(({ state }) => state.turnAt === null)).toEqual([true, false, false, false]);
  });

  test('are refused where too many wait already', async () => {
    await using rig = await openRuns({ limits: new Map([['assistant', { maxQueued: 2 }]]) });
    const held = holdAnswers(rig, 3);
    const runs = [];
    for (const query of ['one', 'two', 'three']) runs.push(await rig.ask(next(query, 'QUEUE')));
    const refused = rig.ask(next('four', 'QUEUE'));
    await expect(refused).rejects.toEqual(refusal('QUEUE_FULL'));
    await expect(refused).rejects.toMatchObject({ retryable: true, retryAfterMs: expect.any(Number) });
    for (const index of [0, 1, 2]) held.release(index);
    await Promise.all(runs.map(({ ended }) => ended));
    expect(asked(rig)).toEqual(['one', 'two', 'three']);
  });

  test('stop what comes before them, if they are to, and are asked when it has ended', async () => {
    await using rig = await openRuns({ pace: 0.25, stopMs: 10_000 });
    const first = await rig.ask({ query: '!echo hello' });
    await first.ended;
    const conversation = { conversationId: first.state.conversationId };
    const answering = await rig.ask({ ...conversation, query: '!long:2000' });
    await until(answering, () => answering.state.text !== '');
    const waiting = await rig.ask({ ...conversation, query: '!echo waiting', onBusy: 'QUEUE' });
    const last = await rig.ask({ ...conversation, query: '!echo last', onBusy: 'INTERRUPT' });
    await last.ended;
    expect(texts([answering, waiting, last])).toEqual([
      '!long:2000: STOPPED',
      '!echo waiting: STOPPED',
      '!echo last: SUCCEEDED',
    ]);
    expect(asked(rig)).toEqual(['!echo hello', '!long:2000', '!echo last']);
    expect((await rig.request('/stop')).path).toContain(answering.state.taskId);
    expect(answering.state.finishedAt).toBeLessThanOrEqual(last.state.turnAt ?? 0);
  });

  test('do not wait, nor stop anything, when the conversation is free', async () => {
    await using rig = await openRuns();
    for (const onBusy of ['QUEUE', 'INTERRUPT'] as const) {
      const held = holdAnswers(rig, 1);
      const run = await rig.ask(next(onBusy, onBusy));
      expect(run.state.status).toBe('RUNNING');
      held.release(0);
      expect(await positions(run)).toEqual([]);
    }
    expect(rig.requests.filter(({ path }) => path.endsWith('/stop'))).toEqual([]);
  });
});
