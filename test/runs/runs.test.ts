import { describe, expect, test } from 'vitest';
import type { GatewayError } from '../../src/errors.ts';
import type { Question } from '../../src/runs/question.ts';
import { message, messageEnd, sse } from './dify-frames.ts';
import { newQuestion, openRuns, over, textIs, type RunsRig } from './open-runs.ts';

const keyed = (over: Partial<Question> = {}) => newQuestion({ idempotencyKey: 'k1', ...over });

/** Lets the assistant say `a` and nothing more until the returned function is called. */
function holdBack(rig: RunsRig, app = 'assistant'): () => void {
  const held = Promise.withResolvers<void>();
  rig.script(app, { write: sse(message('a')) }, { until: held.promise }, { write: sse(messageEnd()) });
  return held.resolve;
}

function refusal(code: string) {
  return expect.objectContaining({ code } satisfies Partial<Record<keyof GatewayError, string>>) as unknown;
}

describe('an idempotency key', () => {
  test('asks Dify once, however often it comes at the same time', async () => {
    await using rig = await openRuns();
    const release = holdBack(rig);
    const starts = await Promise.all(Array.from({ length: 100 }, () => rig.runs.start('ann', keyed())));
    expect(starts.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
    const ids = new Set(starts.map(({ run }) => run.state.header.id));
    expect(ids.size).toBe(1);
    release();
    await over(rig, starts[0]!.run);
    expect(rig.questions()).toHaveLength(1);
  });

  test.each(['SUCCEEDED', 'FAILED'])('finds its run also after it has %s', async (status) => {
    await using rig = await openRuns();
    const query = status === 'FAILED' ? '!error' : 'hello';
    const { run } = await rig.runs.start('ann', keyed({ query }));
    await over(rig, run);
    expect(run.state.status).toBe(status);
    const again = await rig.runs.start('ann', keyed({ query }));
    expect(again.deduplicated).toBe(true);
    expect(again.run.state.header.id).toBe(run.state.header.id);
    expect(rig.questions()).toHaveLength(1);
  });

  test('finds its run whatever the order of its inputs', async () => {
    await using rig = await openRuns();
    const { run } = await rig.runs.start('ann', keyed({ inputs: { a: 1, b: { c: [1, 2], d: null } } }));
    const again = await rig.runs.start('ann', keyed({ inputs: { b: { d: null, c: [1, 2] }, a: 1 } }));
    expect([again.run, again.deduplicated]).toEqual([run, true]);
    await over(rig, run);
  });

  test.each<[string, Partial<Question>]>([
    ['query', { query: 'Why not?' }],
    ['inputs', { inputs: { guest: 'Ann' } }],
    ['order in a list of inputs', { inputs: { list: [2, 1] } }],
    ['app', { app: 'thinker' }],
    ['conversation', { conversationId: 'c0de0000-0001-4000-8000-000000000009' }],
    ['wish for a name', { autoName: true }],
  ])('is refused with another %s', async (_, other) => {
    await using rig = await openRuns();
    const first = 'inputs' in other ? { inputs: { list: [1, 2] } } : {};
    const { run } = await rig.runs.start('ann', keyed(first));
    await expect(rig.runs.start('ann', keyed({ ...first, ...other }))).rejects.toEqual(refusal('IDEMPOTENCY_CONFLICT'));
    await over(rig, run);
    expect(run.state.status).toBe('SUCCEEDED');
  });

  test('is refused with another content also when both come at once', async () => {
    await using rig = await openRuns();
    const starts = await Promise.allSettled([
      rig.runs.start('ann', keyed()),
      rig.runs.start('ann', keyed({ query: 'Why not?' })),
    ]);
    expect(starts.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(starts[1]).toMatchObject({ reason: refusal('IDEMPOTENCY_CONFLICT') });
  });

  test('of another viewer is another run, and asks for that viewer', async () => {
    await using rig = await openRuns();
    const runs = await Promise.all(['ann', 'bob'].map((viewer) => rig.runs.start(viewer, keyed())));
    const [anns, bobs] = runs.map(({ run }) => run);
    expect(runs.map(({ deduplicated }) => deduplicated)).toEqual([false, false]);
    expect(anns?.state.header.id).not.toBe(bobs?.state.header.id);
    await Promise.all([anns?.ended, bobs?.ended]);
    const users = rig.questions().map(({ body }) => (body as { user: string }).user);
    expect(users.toSorted()).toEqual(['ann', 'bob']);
    expect(await rig.runs.find('bob', anns!.state.header.id)).toBeUndefined();
    expect(await rig.runs.list('bob')).toEqual([bobs]);
  });

  test('is not needed: then every question is one of its own', async () => {
    await using rig = await openRuns();
    const runs = await Promise.all([rig.ask(), rig.ask(), rig.ask()]);
    await Promise.all(runs.map(({ ended }) => ended));
    expect(rig.questions()).toHaveLength(3);
    expect((await rig.runs.list('ann')).map(({ state }) => state.header.id).toSorted()).toEqual(
      runs.map(({ state }) => state.header.id).toSorted(),
    );
  });

  test('gives its run an id that tells nothing of it and is a UUID', async () => {
    await using rig = await openRuns();
    const run = await rig.ask({ idempotencyKey: 'k1' });
    expect(run.state.header.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('a question', () => {
  test.each<[string, Partial<Question>]>([
    ['a workflow with chat', { app: 'summarize' }],
    ['a chat as a workflow', { kind: 'WORKFLOW' }],
    ['a chatflow as a workflow', { kind: 'WORKFLOW', app: 'concierge' }],
    ['a text generator with chat', { app: 'copywriter' }],
    ['a text generator as a workflow', { kind: 'WORKFLOW', app: 'copywriter' }],
  ])('that asks %s is refused before there is a run', async (_, question) => {
    await using rig = await openRuns();
    await expect(rig.ask(question)).rejects.toEqual(refusal('WRONG_APP_MODE'));
    expect(await rig.runs.list('ann')).toEqual([]);
    expect(rig.questions()).toEqual([]);
  });

  test('to an app that is not served is refused', async () => {
    await using rig = await openRuns();
    await expect(rig.ask({ app: 'nobody' })).rejects.toEqual(refusal('APP_NOT_FOUND'));
  });

  test('reaches Dify as it was asked, for its viewer, in streaming mode and without a name to be made', async () => {
    await using rig = await openRuns();
    const first = await rig.ask({ query: 'hello', inputs: { x: [1] }, autoName: true }, 'Zoë ✨');
    await first.ended;
    const { conversationId } = first.state;
    const second = await rig.ask({ query: 'and then?', conversationId }, 'Zoë ✨');
    await second.ended;
    const asked = { user: 'Zoë ✨', response_mode: 'streaming', auto_generate_name: false };
    expect(rig.questions().map(({ body }) => body)).toEqual([
      { ...asked, query: 'hello', inputs: { x: [1] } },
      { ...asked, query: 'and then?', inputs: {}, conversation_id: conversationId },
    ]);
    expect(second.state).toMatchObject({ status: 'SUCCEEDED', conversationId });
  });
});

describe('a stop', () => {
  test('may be asked for again and again: Dify is asked once', async () => {
    await using rig = await openRuns({ stopMs: 10_000 });
    const release = holdBack(rig);
    const run = await rig.ask();
    await textIs(run, 'a');
    expect(await rig.runs.stop(run, 0)).toBe(false);
    expect(run.state.status).toBe('STOPPING');
    const stopping = [rig.runs.stop(run, 10_000), rig.runs.stop(run, 10_000)];
    await rig.request('/stop');
    release();
    expect(await Promise.all(stopping)).toEqual([true, true]);
    await over(rig, run);
    expect(run.state.status).toBe('STOPPED');
    expect(await rig.runs.stop(run, 10_000)).toBe(true);
    expect(rig.requests.filter(({ path }) => path.endsWith('/stop'))).toHaveLength(1);
  });

  test('of a run that has ended changes nothing', async () => {
    await using rig = await openRuns();
    const run = await rig.ask();
    await over(rig, run);
    expect(await rig.runs.stop(run, 0)).toBe(true);
    expect(run.state.status).toBe('SUCCEEDED');
    expect(rig.requests.filter(({ path }) => path.endsWith('/stop'))).toEqual([]);
  });

  test('waits no longer than it is told, nor than its caller does', async () => {
    await using rig = await openRuns({ stopMs: 10_000 });
    const release = holdBack(rig);
    const run = await rig.ask();
    expect(await rig.runs.stop(run, 30)).toBe(false);
    const caller = new AbortController();
    const waiting = rig.runs.ended(run, 60_000, caller.signal);
    caller.abort();
    expect(await waiting).toBe(false);
    expect(await rig.runs.ended(run, 60_000, caller.signal)).toBe(false);
    release();
    expect(await rig.runs.ended(run, 60_000)).toBe(true);
  });
});

describe('draining', () => {
  test('refuses new questions, finds running ones and lets them finish', async () => {
    await using rig = await openRuns();
    const release = holdBack(rig);
    const { run } = await rig.runs.start('ann', keyed());
    await textIs(run, 'a');
    const draining = rig.runs.drain(60_000);
    await expect(rig.runs.start('ann', keyed({ idempotencyKey: 'k2' }))).rejects.toEqual(refusal('DRAINING'));
    await expect(rig.ask()).rejects.toEqual(refusal('DRAINING'));
    expect(await rig.runs.start('ann', keyed())).toEqual({ run, deduplicated: true });
    release();
    await draining;
    await over(rig, run);
    expect(run.state.status).toBe('SUCCEEDED');
  });

  test('gives up what does not finish in time: it fails, may be asked again, and its socket is closed', async () => {
    await using rig = await openRuns();
    holdBack(rig);
    const run = await rig.ask();
    await textIs(run, 'a');
    await rig.runs.drain(30);
    const { closed } = await over(rig, run);
    expect(closed).toEqual(['gone']);
    expect(run.state).toMatchObject({ status: 'FAILED', text: 'a', error: { code: 'DRAINING', retryable: true } });
  });

  test('has time for nothing when it is given none', async () => {
    await using rig = await openRuns();
    holdBack(rig);
    const run = await rig.ask();
    await rig.runs.drain(0);
    expect(run.state.error?.code).toBe('DRAINING');
    await rig.runs.drain(0);
  });

  test('does not wait for a stream that Dify leaves open after its end', async () => {
    await using rig = await openRuns({ lingerMs: 60_000 });
    rig.script('assistant', { write: sse(message('a'), messageEnd()) }, { hang: true });
    const run = await rig.ask();
    await run.ended;
    await rig.runs.drain(0);
    expect((await over(rig, run)).closed).toEqual(['gone']);
    expect(run.state.status).toBe('SUCCEEDED');
  });

  test('refuses a question that was being looked at when it began', async () => {
    await using rig = await openRuns();
    const asking = rig.ask();
    await rig.runs.drain(0);
    await expect(asking).rejects.toEqual(refusal('DRAINING'));
    expect(rig.questions()).toEqual([]);
    expect(await rig.runs.list('ann')).toEqual([]);
  });

  test('is over at once where nothing runs', async () => {
    await using rig = await openRuns();
    const run = await rig.ask();
    await over(rig, run);
    const startedAt = performance.now();
    await rig.runs.drain(60_000);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
