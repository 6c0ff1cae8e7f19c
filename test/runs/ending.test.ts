import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { defaultGraces, Ending } from '../../src/runs/ending.ts';
import type { RunKind } from '../../src/runs/run-state.ts';
import {
  error,
  inGraph,
  message,
  messageEnd,
  node,
  relayError,
  tts,
  wire,
  workflowFinished,
  workflowStarted,
  type DifyFrame,
} from './dify-frames.ts';

const { messageEnd: forMessageEnd, workflowEnd: forWorkflowEnd, audio: forAudio, trailing } = defaultGraces;

interface Seen {
  readonly kind?: RunKind;
  readonly speaks?: boolean;
  /** How many of the frames had come when the gateway asked for a stop. */
  readonly stopAfter?: number;
}

/** An ending that has seen these frames, none of them after it was final. */
function after(frames: readonly DifyFrame[], { kind = 'CHAT', speaks = false, stopAfter }: Seen = {}): Ending {
  const ending = new Ending(kind, () => speaks);
  for (const [index, event] of wire(...frames).entries()) {
    if (index === stopAfter) ending.stopAsked = true;
    expect([ending.final, index]).toEqual([null, index]);
    ending.see(event);
  }
  if (stopAfter === frames.length) ending.stopAsked = true;
  return ending;
}

const succeeded = { status: 'SUCCEEDED', error: null };
const stopped = { status: 'STOPPED', error: null };
const rateLimit = error('rate_limit_error', 429, 'Rate limit reached');
const reset = new GatewayError('STREAM_INTERRUPTED', 'The stream from Dify broke off before its end');

describe('a chat', () => {
  test('C40 is over at message_end, whether or not the stream is', () => {
    expect(after([message('a'), messageEnd()]).final).toEqual(succeeded);
  });

  test('C41 fails at an error event, with what Dify says of it', () => {
    expect(after([message('a'), rateLimit]).final).toEqual({
      status: 'FAILED',
      error: {
        code: 'UPSTREAM_RATE_LIMITED',
        message: 'Rate limit reached',
        retryable: true,
        retryAfterMs: 2_000,
        difyCode: 'rate_limit_error',
        difyStatus: 429,
        nodeId: null,
      },
    });
  });

  test('C43 is interrupted when the stream ends before it has begun', () => {
    const ending = after([]);
    expect([ending.final, ending.graceMs]).toEqual([null, null]);
    expect(ending.close({ by: 'eof' })).toMatchObject({
      status: 'FAILED',
      error: { code: 'STREAM_INTERRUPTED', retryable: true },
    });
  });

  test('C54 is stopped when its message_end follows a stop of ours, for Dify does not tell', () => {
    expect(after([message('a'), messageEnd()], { stopAfter: 1 }).final).toEqual(stopped);
  });

  test('C54 is stopped when the stream just ends after a stop of ours', () => {
    expect(after([message('a')], { stopAfter: 1 }).close({ by: 'eof' })).toEqual(stopped);
  });

  test('C55 is interrupted when its stream breaks off', () => {
    const ending = after([message('a')]);
    expect(ending.close({ by: 'failed', error: reset })).toMatchObject({
      status: 'FAILED',
      error: { code: 'STREAM_INTERRUPTED', message: reset.message },
    });
  });

  test('C56 times out when its stream falls silent', () => {
    const silence = new GatewayError('UPSTREAM_TIMEOUT', 'Dify has sent nothing');
    expect(after([message('a')]).close({ by: 'failed', error: silence }).error?.code).toBe('UPSTREAM_TIMEOUT');
  });

  test('keeps its outcome however the stream ends', () => {
    const ending = after([message('a'), messageEnd()]);
    expect(ending.close({ by: 'failed', error: reset })).toEqual(succeeded);
    expect(after([rateLimit]).close({ by: 'closed' }).error?.code).toBe('UPSTREAM_RATE_LIMITED');
  });

  test('fails at an error even after a stop of ours', () => {
    expect(after([message('a'), rateLimit], { stopAfter: 1 }).final?.status).toBe('FAILED');
  });
});

describe('a chat that speaks', () => {
  test('is over at tts_message_end, not at message_end', () => {
    const ending = after([message('a'), tts('AAAA'), messageEnd()]);
    expect([ending.final, ending.graceMs]).toEqual([null, forAudio]);
    for (const event of wire(tts('BBBB'))) ending.see(event);
    expect([ending.final, ending.graceMs]).toEqual([null, forAudio]);
    for (const event of wire(tts(''))) ending.see(event);
    expect(ending.final).toEqual(succeeded);
  });

  test('waits for audio that has not begun if the app is known to speak', () => {
    const ending = after([message('a'), messageEnd()], { speaks: true });
    expect([ending.final, ending.graceMs]).toEqual([null, forAudio]);
  });

  test('is over when no more audio comes', () => {
    const ending = after([message('a'), tts('AAAA'), messageEnd()]);
    ending.settle();
    expect(ending.final).toEqual(succeeded);
  });

  test('is over when the stream ends', () => {
    expect(after([tts('AAAA'), messageEnd()]).close({ by: 'eof' })).toEqual(succeeded);
  });

  test('is over at message_end if the audio was over before', () => {
    expect(after([message('a'), tts('AAAA'), tts(''), messageEnd()], { speaks: true }).final).toEqual(succeeded);
  });

  test('does not wait for audio after a stop of ours', () => {
    expect(after([message('a'), tts('AAAA'), messageEnd()], { speaks: true, stopAfter: 2 }).final).toEqual(stopped);
  });
});

describe('a workflow', () => {
  const kind = 'WORKFLOW';

  test('C42 fails at the relay’s error, which has neither code nor task', () => {
    const { final } = after([relayError('worker died')], { kind });
    expect(final).toMatchObject({
      status: 'FAILED',
      error: { code: 'UPSTREAM_ERROR', message: 'worker died', difyCode: null, difyStatus: 500 },
    });
  });

  test('C42 takes the relay’s complaint about the form for bad input', () => {
    expect(after([relayError('topic is required in input form')], { kind }).final?.error).toMatchObject({
      code: 'BAD_USER_INPUT',
      retryable: false,
    });
  });

  test.each([
    ['succeeded', 'SUCCEEDED'],
    ['C50 partial-succeeded', 'PARTIAL_SUCCEEDED'],
    ['C51 failed', 'FAILED'],
    ['stopped', 'STOPPED'],
  ])('%s is over at workflow_finished', (named, status) => {
    const finished = workflowFinished(named.replace(/^C\d+ /, ''), { exceptions_count: 1 });
    const ending = after([workflowStarted(), node('started', '1'), finished], { kind });
    expect(ending.final?.status).toBe(status);
  });

  test('C51 fails with the error text as it is, JSON in it included', () => {
    const text = 'PluginInvokeError: {"args":{"description":"[models] Error: invalid api key"}}';
    const { final } = after([workflowStarted(), workflowFinished('failed', { error: text })], { kind });
    expect(final?.error).toMatchObject({ code: 'UPSTREAM_ERROR', message: text });
  });

  test.each([null, ''])('fails with words of its own where Dify has none (%j)', (nothing) => {
    const { final } = after([workflowStarted(), workflowFinished('failed', { error: nothing })], { kind });
    expect(final?.error?.message).toBe('The workflow failed.');
  });

  test.each([
    ['C52 after a stop of ours', { stopAfter: 1 }],
    ['C53 without one', {}],
  ])('is stopped when Dify calls it failed and means aborted: %s', (_, how) => {
    for (const text of ['Aborted: User requested stop', 'Run failed: Aborted: x', 'Stopped by user.']) {
      const frames = [workflowStarted(), workflowFinished('failed', { error: text })];
      expect(after(frames, { kind, ...how }).final).toEqual(stopped);
    }
  });

  test('fails when its failure only mentions the word', () => {
    const frames = [workflowStarted(), workflowFinished('failed', { error: 'The upload was Aborted' })];
    expect(after(frames, { kind }).final?.status).toBe('FAILED');
  });

  test('succeeds when it was done before the stop took effect', () => {
    const frames = [workflowStarted(), workflowFinished('succeeded')];
    expect(after(frames, { kind, stopAfter: 1 }).final).toEqual(succeeded);
  });

  test('C59 is not over at a message_end between its pause and its end', () => {
    const ending = after([workflowStarted(), inGraph('workflow_paused', { reasons: [] })]);
    expect([ending.paused, ending.final]).toEqual([true, null]);
    ending.goOn(false);
    for (const event of wire(messageEnd())) ending.see(event);
    expect([ending.paused, ending.final]).toEqual([false, null]);
    for (const event of wire(workflowFinished('succeeded'))) ending.see(event);
    expect(ending.final).toEqual(succeeded);
  });

  test('C58 is not over when it waits for a person', () => {
    const paused = inGraph('workflow_paused', { reasons: [{ TYPE: 'human_input_required' }], paused_nodes: ['n'] });
    const asked = inGraph('human_input_required', { form_id: 'f', form_token: 'secret' });
    const ending = after([workflowStarted(), asked, paused], { kind });
    expect([ending.paused, ending.final, ending.graceMs]).toEqual([true, null, null]);
  });

  test('waits for the rest of its audio if it speaks', () => {
    const ending = after([workflowStarted(), tts('AAAA'), workflowFinished('succeeded')], { kind });
    expect([ending.final, ending.graceMs]).toEqual([null, forAudio]);
    expect(ending.close({ by: 'eof' })).toEqual(succeeded);
  });

  test.each(['failed', 'stopped'])('does not wait for audio when it %s', (status) => {
    expect(
      after([workflowStarted(), tts('AAAA'), workflowFinished(status)], { kind, speaks: true }).final,
    ).not.toBeNull();
  });
});

describe('a chatflow', () => {
  const begun = [workflowStarted(), node('started', '1'), message('a')];

  test('C44 succeeds at workflow_finished after message_end (from 1.13)', () => {
    const ending = after([...begun, messageEnd()]);
    expect([ending.final, ending.graceMs]).toEqual([null, forWorkflowEnd]);
    for (const event of wire(workflowFinished('succeeded'))) ending.see(event);
    expect(ending.final).toEqual(succeeded);
  });

  test('C45 succeeds at message_end after workflow_finished (up to 1.12)', () => {
    expect(after([...begun, workflowFinished('succeeded'), messageEnd()]).final).toEqual(succeeded);
  });

  test.each(['succeeded', 'partial-succeeded'])('C46 that %s waits for message_end, but not for ever', (status) => {
    const ending = after([...begun, workflowFinished(status)]);
    expect([ending.final, ending.graceMs]).toEqual([null, forMessageEnd]);
    ending.settle();
    expect(ending.final?.status).toBe(status === 'succeeded' ? 'SUCCEEDED' : 'PARTIAL_SUCCEEDED');
  });

  test('C46 succeeds when the stream ends instead', () => {
    expect(after([...begun, workflowFinished('succeeded')]).close({ by: 'eof' })).toEqual(succeeded);
  });

  test('C47 fails once, with the error of workflow_finished, which the error event only repeats', () => {
    const frames = [
      ...begun,
      workflowFinished('failed', { error: 'the model is down' }),
      error('invalid_param', 400, 'Run failed: the model is down'),
    ];
    expect(after(frames).final).toMatchObject({
      status: 'FAILED',
      error: { code: 'UPSTREAM_ERROR', message: 'the model is down', difyCode: null },
    });
  });

  test.each(['failed', 'stopped'])('C48 that %s waits a second at most', (status) => {
    const ending = after([...begun, workflowFinished(status)], { speaks: true });
    expect([ending.final, ending.graceMs]).toEqual([null, trailing]);
    expect(trailing).toBeLessThanOrEqual(1_000);
    ending.settle();
    expect(ending.final?.status).toBe(status.toUpperCase());
  });

  test('C49 succeeds at message_end when no graph has run: an annotation or a moderation answered', () => {
    expect(after([message('annotated'), messageEnd()]).final).toEqual(succeeded);
  });

  test.each(['stopped', 'failed'])('C52 stays stopped when message_end follows a workflow that %s', (status) => {
    const finished = workflowFinished(status, { error: 'Aborted: User requested stop' });
    expect(after([...begun, finished, messageEnd()], { stopAfter: 2 }).final).toEqual(stopped);
  });

  test('has the status of its workflow when message_end came first', () => {
    expect(after([...begun, messageEnd(), workflowFinished('partial-succeeded')]).final?.status).toBe(
      'PARTIAL_SUCCEEDED',
    );
    expect(after([...begun, messageEnd(), workflowFinished('stopped')]).final).toEqual(stopped);
  });

  test('is one also when its workflow_started was lost', () => {
    const ending = after([node('started', '1'), message('a'), messageEnd()]);
    expect([ending.final, ending.graceMs]).toEqual([null, forWorkflowEnd]);
    ending.settle();
    expect(ending.final).toEqual(succeeded);
  });

  test('is not over because its audio is', () => {
    const ending = after([...begun, tts('AAAA'), tts('')]);
    expect([ending.final, ending.graceMs]).toEqual([null, null]);
  });

  test('waits for its audio after both ends', () => {
    const ending = after([...begun, tts('AAAA'), workflowFinished('succeeded'), messageEnd()]);
    expect([ending.final, ending.graceMs]).toEqual([null, forAudio]);
    for (const event of wire(tts(''))) ending.see(event);
    expect(ending.final).toEqual(succeeded);
  });
});

test('has nothing to settle before the outcome is known', () => {
  const ending = after([message('a')]);
  ending.settle();
  expect(ending.final).toBeNull();
});
