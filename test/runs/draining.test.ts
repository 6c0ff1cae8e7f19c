import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/runs/run-event.ts';
import type { RunHeader, RunKey } from '../../src/runs/run-state.ts';
import { message, messageEnd, inGraph, sse, workflowStarted } from './dify-frames.ts';
import { openFaulty, SharedLog } from './faulty-dify.ts';

/** A log that is as slow as a test wants it to be. */
class SlowLog extends SharedLog {
  written: Promise<void> = Promise.resolve();
  claimed: Promise<void> = Promise.resolve();
  writing = 0;
  most = 0;

  override async claim(header: RunHeader) {
    const claimed = await super.claim(header);
    await this.claimed;
    return claimed;
  }

  override append(run: RunKey, events: readonly RunEvent[]): void {
    return this.#append(run, events) as never;
  }

  async #append(run: RunKey, events: readonly RunEvent[]): Promise<void> {
    this.writing += 1;
    this.most = Math.max(this.most, this.writing);
    await this.written;
    super.append(run, events);
    this.writing -= 1;
  }
}

const half = { steps: [{ write: sse(message('half')) }, { hang: true as const }] };
const paused = {
  steps: [
    { write: sse(workflowStarted(), inGraph('human_input_required', { form_id: 'f', node_id: 'n', actions: [] })) },
    { write: sse(inGraph('workflow_paused', { reasons: [] })) },
  ],
};
const waiting = { run: () => ({ id: workflowStarted()['workflow_run_id'], status: 'paused' }) };

describe('draining', () => {
  test('ends a paused run at once where it cannot be kept, and says that it is lost', async () => {
    await using dify = await openFaulty({ answer: () => paused, ...waiting });
    const run = await dify.ask('workflow');
    await expect.poll(() => run.state.status).toBe('PAUSED');
    const startedAt = performance.now();
    await dify.runs.drain(60_000);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(run.state).toMatchObject({ status: 'FAILED', error: { code: 'DRAINING', retryable: true } });
    expect(run.state.error?.message).toContain('lost');
  });

  test('gives a paused run away at once where another process can have it', async () => {
    await using dify = await openFaulty({ answer: () => paused, ...waiting });
    const given: RunKey[] = (dify.log.given = []);
    const run = await dify.ask('workflow');
    await expect.poll(() => run.state.status).toBe('PAUSED');
    await dify.runs.drain(60_000);
    expect(given).toEqual([run.state.header]);
    expect(run.state.status).toBe('PAUSED');
  });

  test('lets a run go on for its time, then gives it away unended, and closes its socket', async () => {
    await using dify = await openFaulty({ answer: () => half });
    const given: RunKey[] = (dify.log.given = []);
    const run = await dify.ask('chat');
    await expect.poll(() => run.state.text).toBe('half');
    await dify.runs.drain(50);
    await dify.silence();
    expect(given).toEqual([run.state.header]);
    expect(run.state).toMatchObject({ status: 'RUNNING', text: 'half' });
  });

  test('that begins while a run is being claimed ends it before it is asked', async () => {
    const log = new SlowLog();
    const claimed = Promise.withResolvers<void>();
    log.claimed = claimed.promise;
    await using dify = await openFaulty({ answer: () => half }, {}, {}, log);
    const asking = dify.ask('chat');
    await expect.poll(async () => (await log.list('ann')).length).toBe(1);
    await dify.runs.drain(0);
    claimed.resolve();
    const run = await asking;
    await run.ended;
    expect(run.state).toMatchObject({ status: 'FAILED', error: { code: 'DRAINING' } });
    expect(dify.requests('/chat-messages')).toBe(0);
  });
});

describe('a log that takes its time', () => {
  test('is given one step after another, also when a run is stopped meanwhile', async () => {
    const log = new SlowLog();
    const written = Promise.withResolvers<void>();
    log.written = written.promise;
    const answer = () => ({ steps: [{ write: sse(message('a')) }, { waitMs: 20 }, { write: sse(message('b')) }] });
    await using dify = await openFaulty({ answer }, { stopMs: 30 }, {}, log);
    const run = await dify.ask('chat');
    await expect.poll(() => log.writing).toBe(1);
    expect(await dify.runs.stop(run, 100)).toBe(false);
    written.resolve();
    await run.ended;
    expect(log.most).toBe(1);
    expect(run.state).toMatchObject({ status: 'STOPPED', text: 'a' });
  });

  test('and then refuses has the run given up, and Dify let go', async () => {
    const log = new SlowLog();
    log.written = Promise.reject(new Error('not this one'));
    log.written.catch(() => {});
    await using dify = await openFaulty({ answer: () => half }, {}, {}, log);
    const run = await dify.ask('chat');
    await expect.poll(() => dify.requests('/chat-messages')).toBe(1);
    await dify.silence();
    await dify.runs.drain(60_000);
    expect(run.state).toMatchObject({ status: 'RUNNING', lastSeq: 0 });
  });
});

describe('a stop', () => {
  test('reaches Dify also if the task is named after the run has been ended here', async () => {
    const named = Promise.withResolvers<void>();
    const answer = () => ({
      steps: [{ write: ': \n\n' }, { until: named.promise }, { write: sse(message('late')) }, { hang: true as const }],
    });
    await using dify = await openFaulty({ answer }, { stopMs: 30, lingerMs: 1, namelessMs: 10_000 });
    const run = await dify.ask('chat');
    expect(await dify.runs.stop(run, 5_000)).toBe(true);
    expect(run.state).toMatchObject({ status: 'STOPPED', text: '', settledBy: 'WATCHDOG' });
    expect(dify.requests('/stop')).toBe(0);
    // Longer than a run lingers whose task has a name.
    await sleep(50);
    named.resolve();
    await expect.poll(() => dify.requests('/stop')).toBe(1);
    await dify.silence();
    expect(run.state).toMatchObject({ status: 'STOPPED', text: '' });
  });

  test('of an answer that Dify then stores as empty keeps its text', async () => {
    const stopped = Promise.withResolvers<void>();
    const answer = () => ({
      steps: [{ write: sse(message('half')) }, { until: stopped.promise }, { write: sse(messageEnd()) }],
    });
    const emptied = { id: message('')['message_id'], answer: '', status: 'normal' };
    await using dify = await openFaulty({ answer, message: () => emptied }, { stopMs: 10_000 });
    const run = await dify.ask('chat');
    await expect.poll(() => run.state.text).toBe('half');
    const stopping = dify.runs.stop(run, 10_000);
    await expect.poll(() => dify.requests('/stop')).toBe(1);
    stopped.resolve();
    expect(await stopping).toBe(true);
    expect(run.state).toMatchObject({ status: 'STOPPED', text: 'half', settledBy: 'STREAM' });
  });
});
