import { describe, expect, test } from 'vitest';
import type { ScriptedReply } from '../../src/sandbox/sandbox.ts';
import {
  conversationId,
  error,
  message,
  messageEnd,
  node,
  ping,
  relayError,
  sse,
  taskId,
  tts,
  workflowFinished,
  workflowStarted,
  type DifyFrame,
} from './dify-frames.ts';
import { openRuns, over, textIs } from './open-runs.ts';

const hang = { hang: true } as const;
const write = (...frames: readonly DifyFrame[]) => ({ write: sse(...frames) });
const pings = Array.from({ length: 400 }, () => [{ write: ping }, { waitMs: 5 }]).flat();
const json = { 'Content-Type': 'application/json' };

describe('a question that Dify does not take', () => {
  test('fails when nobody is there', async () => {
    await using rig = await openRuns({ dify: { readMs: 50 } });
    await rig.sandbox.close();
    const run = await rig.ask();
    await over(rig, run);
    expect(run.state).toMatchObject({ status: 'FAILED', error: { code: 'UPSTREAM_UNREACHABLE', retryable: true } });
  });

  const page = '<html><title>502 Bad Gateway</title></html>';
  const unauthorized = { code: 'unauthorized', message: 'Access token is invalid', status: 401 };
  const tooMany = { code: 'too_many_requests', message: 'Too many requests.', status: 429 };

  test.each<[string, ScriptedReply, string, boolean]>([
    [
      '401',
      { status: 401, headers: json, steps: [{ write: JSON.stringify(unauthorized) }] },
      'UPSTREAM_UNAUTHORIZED',
      false,
    ],
    ['429', { status: 429, headers: json, steps: [{ write: JSON.stringify(tooMany) }] }, 'UPSTREAM_RATE_LIMITED', true],
    [
      '502 with the page of a proxy',
      { status: 502, headers: { 'Content-Type': 'text/html' }, steps: [{ write: page }] },
      'UPSTREAM_ERROR',
      true,
    ],
    [
      '200 with JSON',
      { headers: json, steps: [{ write: '{"event":"message","answer":"blocking"}' }] },
      'UPSTREAM_PROTOCOL',
      false,
    ],
    [
      '200 with a page',
      { headers: { 'Content-Type': 'text/html' }, steps: [{ write: page }] },
      'UPSTREAM_PROTOCOL',
      false,
    ],
    ['a closed connection', { steps: [{ reset: true }] }, 'UPSTREAM_UNREACHABLE', true],
  ])('C24 fails at %s, asked once', async (_, reply, code, retryable) => {
    await using rig = await openRuns();
    rig.sandbox.script('assistant', reply);
    const run = await rig.ask();
    const { events } = await over(rig, run);
    expect(run.state).toMatchObject({ status: 'FAILED', text: '', error: { code, retryable } });
    expect(events).toHaveLength(1);
    expect(rig.questions()).toHaveLength(1);
  });

  /** What Dify answers with where it is not asked to stream, which this server never does (§4). */
  const blocking = {
    run: { id: 'w', workflow_id: 'v', outputs: {}, error: null, elapsed_time: 0.3, total_tokens: 0, total_steps: 2 },
    said: {
      event: 'message',
      task_id: taskId,
      message_id: 'm',
      conversation_id: conversationId,
      mode: 'advanced-chat',
    },
  };
  const pausedNodes = { status: 'paused', paused_nodes: ['1750000000042'], reasons: [], finished_at: null };

  test.each<[string, number, object, string, RegExp]>([
    [
      'C89 the failure of a chatflow, HTTP 400,',
      400,
      { code: 'invalid_param', message: 'Run failed: PluginInvokeError: the model is down', status: 400 },
      'UPSTREAM_ERROR',
      /^Run failed: PluginInvokeError: the model is down$/,
    ],
    [
      'C89 the failure of a workflow, HTTP 200,',
      200,
      { task_id: taskId, data: { ...blocking.run, status: 'failed', error: 'the model\nis down' } },
      'UPSTREAM_ERROR',
      /^the model is down$/,
    ],
    [
      'C90 the pause of a chatflow',
      200,
      { ...blocking.said, event: 'workflow_paused', answer: '', data: { ...blocking.run, ...pausedNodes, answer: '' } },
      'UPSTREAM_PROTOCOL',
      /sends not an event stream but only that the run waits for a person$/,
    ],
    [
      'C90 the pause of a workflow',
      200,
      { task_id: taskId, workflow_run_id: 'w', data: { ...blocking.run, ...pausedNodes } },
      'UPSTREAM_PROTOCOL',
      /sends not an event stream but only that the run waits for a person$/,
    ],
    [
      'C90 the whole answer of a chatflow',
      200,
      { ...blocking.said, answer: 'all of it', metadata: {} },
      'UPSTREAM_PROTOCOL',
      /sends not an event stream but a whole answer \(application\/json\)$/,
    ],
    [
      'C90 the whole result of a workflow',
      200,
      { task_id: taskId, data: { ...blocking.run, status: 'succeeded', outputs: { a: 1 } } },
      'UPSTREAM_PROTOCOL',
      /sends not an event stream but a whole answer \(application\/json\)$/,
    ],
  ])('%s sent instead of a stream ends the run, and says why', async (_, status, body, code, told) => {
    await using rig = await openRuns();
    rig.sandbox.script('concierge', { status, headers: json, steps: [{ write: JSON.stringify(body) }] });
    const run = await rig.ask({ app: 'concierge' });
    const { events } = await over(rig, run);
    const message = expect.stringMatching(told) as string;
    expect(run.state).toMatchObject({ status: 'FAILED', text: '', error: { code, message, difyStatus: status } });
    expect(events).toHaveLength(1);
    expect(rig.questions()).toHaveLength(1);
  });

  test('is given up at once when what comes instead of a stream never ends', async () => {
    await using rig = await openRuns();
    rig.sandbox.script('assistant', { headers: { 'Content-Type': 'text/html' }, steps: [{ write: '<p>' }, hang] });
    const run = await rig.ask();
    await over(rig, run);
    expect(run.state.error?.code).toBe('UPSTREAM_PROTOCOL');
  });

  test('fails when the headers do not come in time', async () => {
    await using rig = await openRuns({ dify: { headersMs: 60 } });
    rig.script('assistant', hang);
    const run = await rig.ask();
    await over(rig, run);
    expect(run.state.error?.code).toBe('UPSTREAM_TIMEOUT');
  });
});

describe('a stream that breaks off', () => {
  test.each([
    ['ends', { write: '' }],
    ['is cut', { reset: true } as const],
  ])('C43 that %s before its first event is interrupted', async (_, last) => {
    await using rig = await openRuns();
    rig.script('assistant', { write: ping }, last);
    const run = await rig.ask();
    const { events } = await over(rig, run);
    expect(events).toHaveLength(1);
    expect(run.state).toMatchObject({ status: 'FAILED', error: { code: 'STREAM_INTERRUPTED', retryable: true } });
  });

  test.each([
    ['ends', { write: '' }],
    ['is cut', { reset: true } as const],
  ])('C55 that %s within the answer is interrupted and keeps its text', async (_, last) => {
    await using rig = await openRuns();
    const cut = Promise.withResolvers<void>();
    rig.script('assistant', write(message('half ')), { until: cut.promise }, last);
    const run = await rig.ask();
    await textIs(run, 'half ');
    cut.resolve();
    await over(rig, run);
    expect(run.state).toMatchObject({
      status: 'FAILED',
      text: 'half ',
      conversationId,
      error: { code: 'STREAM_INTERRUPTED' },
    });
    expect(rig.questions()).toHaveLength(1);
  });

  test('C56 that falls silent times out, and its socket is closed', async () => {
    await using rig = await openRuns({ dify: { idleMs: 60 } });
    rig.script('assistant', write(message('half')), hang);
    const run = await rig.ask();
    const { closed } = await over(rig, run);
    expect(closed).toEqual(['gone']);
    expect(run.state).toMatchObject({ status: 'FAILED', text: 'half', error: { code: 'UPSTREAM_TIMEOUT' } });
  });

  test('that closes its workflow’s nodes', async () => {
    await using rig = await openRuns();
    rig.script('summarize', write(workflowStarted(), node('started', '1')));
    const run = await rig.ask({ kind: 'WORKFLOW', app: 'summarize', query: null });
    await over(rig, run);
    expect(run.state.nodes.get('1')?.status).toBe('STOPPED');
    expect(run.state.error?.code).toBe('STREAM_INTERRUPTED');
  });
});

describe('a run that takes too long', () => {
  test('C57 times out though pings come, and Dify is asked to stop what has a name', async () => {
    await using rig = await openRuns({ runMs: new Map([['assistant', 100]]) });
    rig.script('assistant', write(message('half')), ...pings);
    const run = await rig.ask();
    const { closed } = await over(rig, run);
    expect(closed).toEqual(['gone']);
    expect(run.state).toMatchObject({ status: 'FAILED', text: 'half', error: { code: 'UPSTREAM_TIMEOUT' } });
    const stop = await rig.request('/stop');
    expect([stop.path, stop.body]).toEqual([`/v1/chat-messages/${taskId}/stop`, { user: 'ann' }]);
  });

  test('C57 times out while nothing but pings has come', async () => {
    await using rig = await openRuns({ runMs: new Map([['summarize', 100]]) });
    rig.script('summarize', ...pings);
    const run = await rig.ask({ kind: 'WORKFLOW', app: 'summarize', query: null });
    const { events, closed } = await over(rig, run);
    expect([events.length, closed]).toEqual([1, ['gone']]);
    expect(run.state.error?.code).toBe('UPSTREAM_TIMEOUT');
  });

  test('times out before the headers have come', async () => {
    await using rig = await openRuns({ runMs: new Map([['assistant', 60]]) });
    rig.script('assistant', hang);
    const run = await rig.ask();
    const { closed } = await over(rig, run);
    expect(closed).toEqual(['gone']);
    expect(run.state.error?.code).toBe('UPSTREAM_TIMEOUT');
  });
});

describe('the end of a run', () => {
  test('C40 is told at once though the socket stays open, which is closed soon after', async () => {
    await using rig = await openRuns({ lingerMs: 100 });
    rig.script('assistant', write(message('a'), messageEnd()), hang);
    const run = await rig.ask();
    await run.ended;
    expect(rig.sandbox.open).toBe(1);
    const endedAt = performance.now();
    const { closed } = await over(rig, run);
    expect(closed).toEqual(['gone']);
    expect(performance.now() - endedAt).toBeGreaterThan(50);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'a' });
  });

  test('leaves the socket to Dify where Dify closes it', async () => {
    await using rig = await openRuns({ lingerMs: 10_000 });
    rig.script('assistant', write(message('a'), messageEnd()), { waitMs: 20 });
    const run = await rig.ask();
    expect((await over(rig, run)).closed).toEqual(['ended']);
  });

  test.each([
    ['C41 in the answer', [write(message('a'), error('rate_limit_error', 429, 'Slow down'))], 'UPSTREAM_RATE_LIMITED'],
    ['C42 before anything was said', [{ write: ping }, write(relayError('worker died'))], 'UPSTREAM_ERROR'],
  ])('closes the socket at once after an error, whatever pings may follow: %s', async (_, steps, code) => {
    await using rig = await openRuns({ lingerMs: 60_000 });
    rig.script('assistant', ...steps, ...pings);
    const run = await rig.ask();
    await run.ended;
    const endedAt = performance.now();
    const { closed } = await over(rig, run);
    expect(closed).toEqual(['gone']);
    expect(performance.now() - endedAt).toBeLessThan(1_000);
    expect(run.state).toMatchObject({ status: 'FAILED', error: { code } });
  });

  test.each([
    ['in the same read', [write(message('a'), messageEnd(), message('late'), error('x', 500, 'late'), messageEnd())]],
    ['later', [write(message('a'), messageEnd()), { waitMs: 10 }, write(message('late'), error('x', 500, 'late'))]],
  ])('C60 is followed by nothing, whatever Dify still sends %s', async (_, steps) => {
    await using rig = await openRuns({ lingerMs: 10_000 });
    rig.script('assistant', ...steps);
    const run = await rig.ask();
    const { events, closed } = await over(rig, run);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'a' });
    expect(events.map(({ type }) => type)).toEqual(['RunStarted', 'TextDelta', 'RunFinished']);
    expect(closed).toEqual(['ended']);
  });

  test('C46 of a chatflow comes without message_end, after its grace', async () => {
    await using rig = await openRuns();
    rig.script('concierge', write(workflowStarted(), message('a'), workflowFinished('succeeded')), ...pings);
    const run = await rig.ask({ app: 'concierge' });
    await over(rig, run);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: 'a', usage: { totalTokens: 50 } });
  });

  test('C45 of a chatflow waits for its message_end as long as something comes', async () => {
    await using rig = await openRuns({ graces: { messageEnd: 500, workflowEnd: 1, audio: 1, trailing: 1 } });
    // Longer than the grace in sum, but not from one to the next.
    const late = Array.from({ length: 5 }, () => [{ waitMs: 120 }, write(message('.'))]).flat();
    rig.script('concierge', write(workflowStarted(), workflowFinished('succeeded')), ...late, write(messageEnd()));
    const run = await rig.ask({ app: 'concierge' });
    await over(rig, run);
    expect(run.state).toMatchObject({ status: 'SUCCEEDED', text: '.....', usage: { totalTokens: 102 } });
  });

  test('of an answer that is spoken comes after its audio', async () => {
    await using rig = await openRuns({ graces: { messageEnd: 1, workflowEnd: 1, audio: 10_000, trailing: 1 } });
    rig.script(
      'assistant',
      write(message('a'), tts('AAAA'), messageEnd()),
      { waitMs: 30 },
      write(tts('BBBB'), tts('')),
      hang,
    );
    const run = await rig.ask();
    const { events } = await over(rig, run);
    expect(events.map(({ type }) => type)).toEqual([
      'RunStarted',
      'TextDelta',
      'AudioChunk',
      'AudioChunk',
      'AudioChunk',
      'RunFinished',
    ]);
    expect(run.state.status).toBe('SUCCEEDED');
  });

  test('does not wait for readers', async () => {
    await using rig = await openRuns();
    const run = await rig.ask({ query: '!long:500' });
    const asleep = run.read(0);
    await over(rig, run);
    expect(run.state.status).toBe('SUCCEEDED');
    expect(run.watchers).toBe(1);
    asleep.close();
  });
});
