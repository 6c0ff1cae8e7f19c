import { describe, expect, test } from 'vitest';
import { Translator } from '../../src/runs/translator.ts';
import { newHeader, type Question } from '../../src/runs/question.ts';
import type { RunEvent } from '../../src/runs/run-event.ts';
import type { KeptRun } from '../../src/runs/run-log.ts';
import type { RunHeader, RunKey } from '../../src/runs/run-state.ts';
import type { RunsOptions } from '../../src/runs/runs.ts';
import type { ScriptedReply } from '../../src/sandbox/script.ts';
import {
  agentThought,
  conversationId,
  inGraph,
  message,
  messageEnd,
  messageReplace,
  node,
  sse,
  taskId,
  wire,
  workflowFinished,
  workflowStarted,
  type DifyFrame,
} from './dify-frames.ts';
import { openFaulty, type FaultyDify, type Faults } from './faulty-dify.ts';
import { newQuestion } from './open-runs.ts';
import { readToEnd } from './reading.ts';

const patient = { settleMs: 3_000 };
const says = (...frames: readonly DifyFrame[]): ScriptedReply => ({ steps: [{ write: sse(...frames) }] });
const nobodyAsks = (): ScriptedReply => {
  throw new Error('nobody may ask again');
};
const stored = {
  id: message('')['message_id'],
  conversation_id: conversationId,
  query: 'Why?',
  answer: 'half whole',
  status: 'normal',
  created_at: Math.ceil(Date.now() / 1000) + 60,
};
const form = {
  form_id: 'f1',
  node_id: 'ask',
  node_title: 'Ask',
  form_content: 'Well?',
  inputs: [],
  actions: [{ id: 'yes', title: 'Yes' }],
  form_token: 'secret-token',
};
const paused = [workflowStarted(), inGraph('human_input_required', form), inGraph('workflow_paused', { reasons: [] })];

/** A run as a process has left it that is gone: asked so, and told so far. */
async function leftBy(
  dify: FaultyDify,
  question: Partial<Question>,
  frames: readonly DifyFrame[],
  header: Partial<RunHeader> = {},
): Promise<KeptRun> {
  const { run } = await dify.log.claim({ ...newHeader('ann', newQuestion(question)), ...header });
  dify.log.append(run.state.header, new Translator().translate(wire(...frames), Date.now()));
  return run;
}

async function takenOver(dify: FaultyDify, run: KeptRun): Promise<readonly RunEvent[]> {
  dify.log.writer.takeOver(run);
  await run.ended;
  const events = await readToEnd(run.read(0));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ type }) => type === 'RunFinished')).toEqual(events.slice(-1));
  return events;
}

const open = (faults: Omit<Faults, 'answer'> & Partial<Faults>, waits: RunsOptions = {}) =>
  openFaulty({ answer: nobodyAsks, ...faults }, { ...patient, ...waits });

describe('a run whose writer is gone', () => {
  test('of an app that is not served any more ends it, with what was said', async () => {
    await using dify = await open({});
    const run = await leftBy(dify, { app: 'gone' }, [message('half')]);
    const events = await takenOver(dify, run);
    expect(run.state).toMatchObject({
      status: 'FAILED',
      text: 'half',
      settledBy: 'WATCHDOG',
      error: { code: 'APP_NOT_FOUND' },
    });
    expect(events.map(({ type }) => type)).toEqual(['RunStarted', 'TextDelta', 'RunFinished']);
  });

  test('goes on where it was: what was told is not told again', async () => {
    const begun = [workflowStarted(), node('started', '1'), node('finished', '1'), message('half ')];
    const again = [workflowStarted(), messageReplace('half '), node('started', '1'), node('finished', '1')];
    const more = [node('started', '2'), message('whole'), node('finished', '2'), messageEnd()];
    const events = () => says(...again, ...more, workflowFinished('succeeded'));
    await using dify = await open({ events, message: () => stored });
    const run = await leftBy(dify, { app: 'chatflow' }, begun);
    const before = run.state.lastSeq;
    const told = await takenOver(dify, run);
    expect(told.slice(before).map(({ type }) => type)).toEqual([
      'UpstreamRecovered',
      'NodeChanged',
      'TextDelta',
      'NodeChanged',
      'RunFinished',
    ]);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'half whole', settledBy: 'STREAM', reconnects: 1 });
    expect(run.state.progress).toMatchObject({ started: 2, finished: 2 });
  });

  test('goes on thinking and stepping', async () => {
    const begun = [agentThought('t1', { thought: 'a' }), message('<think>one</think>half ')];
    const kept = {
      ...stored,
      answer: '<think>one</think>half whole',
      agent_thoughts: [{ id: 't1', position: 1, thought: 'a' }],
    };
    await using dify = await open({ version: '1.13.0', message: () => kept });
    const run = await leftBy(dify, { app: 'chat' }, begun);
    const events = await takenOver(dify, run);
    expect(run.state).toMatchObject({
      status: 'SUCCEEDED',
      text: 'half whole',
      reasoning: 'one',
      settledBy: 'HISTORY',
    });
    expect(events.map(({ type }) => type).filter((type) => type === 'AgentStepChanged')).toHaveLength(1);
    expect(events.map(({ type }) => type)).not.toContain('TextReplaced');
  });

  test('is asked if it was in a queue, and still is', async () => {
    await using dify = await open({ answer: () => says(message('asked'), messageEnd()) });
    const run = await leftBy(dify, { app: 'chat' }, [], { queued: true });
    expect(run.state.status).toBe('QUEUED');
    await takenOver(dify, run);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'asked' });
    expect(dify.requests('/chat-messages')).toBe(1);
  });

  test('fails, and may be asked again, if it may have been asked and nobody knows', async () => {
    await using dify = await open({});
    const run = await leftBy(dify, { app: 'chat' }, []);
    await takenOver(dify, run);
    expect(run.state).toMatchObject({ status: 'FAILED', error: { code: 'STREAM_INTERRUPTED', retryable: true } });
    expect(dify.requests('/chat-messages')).toBe(0);
  });

  test('has its answer if the conversation has one to the same question since', async () => {
    await using dify = await open({ version: '1.13.0', message: () => stored });
    const run = await leftBy(dify, { app: 'chat', conversationId }, []);
    await takenOver(dify, run);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'half whole', messageId: stored.id });
  });

  test('has no answer from a question that was asked before', async () => {
    await using dify = await open({ version: '1.13.0', message: () => ({ ...stored, created_at: 1 }) });
    const run = await leftBy(dify, { app: 'chat', conversationId }, []);
    await takenOver(dify, run);
    expect(run.state).toMatchObject({ status: 'FAILED', text: '', messageId: null });
  });

  test('is stopped if that was asked for, again through Dify', async () => {
    await using dify = await open({});
    const run = await leftBy(dify, { app: 'chat' }, [message('half')]);
    dify.log.markStopping(run.state.header);
    await takenOver(dify, run);
    expect(run.state).toMatchObject({ status: 'STOPPED', text: 'half' });
    await expect.poll(() => dify.requests(`/${taskId}/stop`)).toBe(1);
  });

  test('is stopped as Dify says, where Dify tells', async () => {
    const finished = workflowFinished('stopped', { outputs: {}, error: 'Stopped by user.' });
    await using dify = await open({ events: () => says(finished) });
    const run = await leftBy(dify, { app: 'workflow', kind: 'WORKFLOW' }, [workflowStarted()]);
    dify.log.markStopping(run.state.header);
    await takenOver(dify, run);
    expect(run.state).toMatchObject({ status: 'STOPPED', settledBy: 'STREAM' });
  });

  test('waits on for the person it waited for, and takes the answer', async () => {
    const record = { id: workflowStarted()['workflow_run_id'], status: 'paused', outputs: {} };
    const held = Promise.withResolvers<void>();
    const events = () => ({
      steps: [{ until: held.promise }, { write: sse(workflowStarted(), workflowFinished('succeeded')) }],
    });
    await using dify = await open({ events, run: () => record });
    const run = await leftBy(dify, { app: 'workflow', kind: 'WORKFLOW' }, paused);
    expect(run.state.status).toBe('PAUSED');
    dify.log.writer.takeOver(run);
    const answering = dify.runs.answer('ann', 'f1', { action: 'yes', inputs: {} });
    held.resolve();
    await answering;
    await run.ended;
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', forms: new Map() });
    expect(dify.requests('/secret-token')).toBe(1);
    const resumed = expect.objectContaining({ type: 'RunResumed', formId: 'f1' }) as RunEvent;
    expect(await readToEnd(run.read(0))).toContainEqual(resumed);
  });

  test('goes on at once if the person has answered meanwhile', async () => {
    const record = { id: workflowStarted()['workflow_run_id'], status: 'running', outputs: {} };
    const events = () => says(workflowStarted(), workflowFinished('succeeded'));
    await using dify = await open({ events, run: () => record }, { pollMs: 600_000 });
    const run = await leftBy(dify, { app: 'workflow', kind: 'WORKFLOW' }, paused);
    await takenOver(dify, run);
    expect(run.state.status).toBe('SUCCEEDED');
  });
});

describe('a run that another process writes', () => {
  test('takes the answer to its form through any: its writer is told', async () => {
    await using dify = await open({});
    const run = await leftBy(dify, { app: 'workflow', kind: 'WORKFLOW' }, paused);
    const told = new Promise((resolve) => (dify.log.writer.answered = resolve));
    await dify.runs.answer('ann', 'f1', { action: 'yes', inputs: {} });
    expect(await told).toMatchObject({ id: run.state.header.id });
    expect(dify.requests('/secret-token')).toBe(1);
  });

  test('is let go at once: its socket closes, and nothing is written any more', async () => {
    const answer = (): ScriptedReply => ({ steps: [{ write: sse(message('half')) }, { hang: true }] });
    await using dify = await open({ answer });
    const run = await dify.ask('chat');
    await expect.poll(() => run.state.text).toBe('half');
    const { lastSeq } = run.state;
    dify.log.writer.lost(run.state.header);
    await dify.runs.drain(5_000);
    await dify.silence();
    expect(run.state).toMatchObject({ status: 'RUNNING', lastSeq });
  });

  test('may come back before all of it was let go', async () => {
    const answer = (): ScriptedReply => ({ steps: [{ write: sse(message('half')) }, { hang: true }] });
    await using dify = await open({ answer, version: '1.13.0', message: () => stored });
    const run = await dify.ask('chat');
    await expect.poll(() => run.state.text).toBe('half');
    dify.log.writer.lost(run.state.header);
    dify.log.writer.takeOver(run);
    await run.ended;
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'half whole', reconnects: 1 });
    expect(dify.requests('/chat-messages')).toBe(1);
  });

  test('is not taken by a server that is shutting down', async () => {
    await using dify = await open({});
    await dify.runs.drain(0);
    const given: RunKey[] = (dify.log.given = []);
    const run = await leftBy(dify, { app: 'chat' }, [message('half')]);
    dify.log.writer.takeOver(run);
    await expect.poll(() => given).toEqual([run.state.header]);
    expect(run.state).toMatchObject({ status: 'RUNNING', text: 'half' });
  });
});
