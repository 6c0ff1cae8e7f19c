import { describe, expect, test } from 'vitest';
import { message, messageEnd, ping, sse, taskId, type DifyFrame } from './dify-frames.ts';
import { openRuns, over, textIs, textBegins } from './open-runs.ts';

const hang = { hang: true } as const;
const write = (...frames: readonly DifyFrame[]) => ({ write: sse(...frames) });
const pings = Array.from({ length: 400 }, () => [{ write: ping }, { waitMs: 5 }]).flat();

describe('a stop', () => {
  test('ends an answer that would go on for ever, through Dify', async () => {
    // At this pace the answer would take 20 s: it is stopped at its first word.
    await using rig = await openRuns({ pace: 0.25, stopMs: 10_000 });
    const run = await rig.ask({ query: '!long:2000' });
    await textBegins(run);
    expect(await rig.runs.stop(run, 5_000)).toBe(true);
    const { closed } = await over(rig, run);
    expect(closed).toEqual(['ended']);
    expect(run.state).toMatchObject({ status: 'STOPPED', error: null });
    expect(run.state.text).not.toBe('');
    expect((await rig.request('/stop')).path).toBe(`/v1/chat-messages/${run.state.taskId}/stop`);
  });

  test('ends a workflow through Dify', async () => {
    await using rig = await openRuns({ pace: 0.25, stopMs: 10_000 });
    const inputs = { text: 'One sentence. Another one. A third. A fourth one. The fifth. '.repeat(20), sentences: 50 };
    const run = await rig.ask({ kind: 'WORKFLOW', app: 'summarize', query: null, inputs });
    await textBegins(run);
    expect(await rig.runs.stop(run, 5_000)).toBe(true);
    await over(rig, run);
    expect(run.state).toMatchObject({ status: 'STOPPED', error: null });
    expect((await rig.request('/stop')).path).toBe(`/v1/workflows/tasks/${run.state.taskId}/stop`);
    expect([...run.state.nodes.values()].map(({ status }) => status)).not.toContain('RUNNING');
  });

  test('C101 before the task has a name is sent as soon as it has one', async () => {
    await using rig = await openRuns({ stopMs: 10_000 });
    const asked = Promise.withResolvers<void>();
    const stopped = rig.request('/stop');
    rig.script(
      'assistant',
      { write: ping },
      { until: asked.promise },
      write(message('a')),
      { until: stopped },
      write(messageEnd()),
    );
    const run = await rig.ask();
    const stopping = rig.runs.stop(run, 5_000);
    expect(run.state.status).toBe('STOPPING');
    asked.resolve();
    expect(await stopping).toBe(true);
    await over(rig, run);
    expect(run.state).toMatchObject({ status: 'STOPPED', text: 'a', error: null });
    expect((await stopped).path).toContain(taskId);
  });

  test.each([
    ['says nothing at all', [hang]],
    ['has only sent pings', pings],
  ])('C101 ends a run whose Dify %s, and closes its socket', async (_, steps) => {
    await using rig = await openRuns();
    rig.script('assistant', ...steps);
    const run = await rig.ask();
    await rig.request('/chat-messages');
    expect(await rig.runs.stop(run, 5_000)).toBe(true);
    const { closed } = await over(rig, run);
    expect(closed).toEqual(['gone']);
    expect(run.state).toMatchObject({ status: 'STOPPED', text: '', error: null });
  });

  test('that Dify ignores ends the run by itself, keeps its text and closes the socket', async () => {
    await using rig = await openRuns({ stopMs: 60, lingerMs: 60 });
    const words = Array.from({ length: 400 }, (_, i) => [write(message(`${i} `)), { waitMs: 5 }]).flat();
    rig.script('assistant', ...words);
    const run = await rig.ask();
    await textBegins(run);
    expect(await rig.runs.stop(run, 5_000)).toBe(true);
    const text = run.state.text;
    const { closed } = await over(rig, run);
    expect(closed).toEqual(['gone']);
    expect(run.state).toMatchObject({ status: 'STOPPED', text, error: null });
    expect(rig.requests.filter(({ path }) => path.endsWith('/stop'))).toHaveLength(1);
  });

  test('C54 whose answer just breaks off is a stop, not a failure', async () => {
    await using rig = await openRuns({ stopMs: 10_000 });
    rig.script('assistant', write(message('a')), { until: rig.request('/stop') });
    const run = await rig.ask();
    await textIs(run, 'a');
    expect(await rig.runs.stop(run, 5_000)).toBe(true);
    await over(rig, run);
    expect(run.state).toMatchObject({ status: 'STOPPED', text: 'a', error: null });
  });
});
