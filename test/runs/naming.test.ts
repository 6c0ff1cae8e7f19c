import { describe, expect, test } from 'vitest';
import type { Question } from '../../src/runs/question.ts';
import { message, messageEnd, sse, workflowFinished, workflowStarted } from './dify-frames.ts';
import { openRuns, textIs, type RunsRig } from './open-runs.ts';

const names = (rig: RunsRig) => rig.requests.filter(({ path }) => path.endsWith('/name'));

describe('a new conversation', () => {
  test('is named by Dify after its first answer, once, at the cost of no delay', async () => {
    await using rig = await openRuns();
    const run = await rig.ask({ query: 'hello', autoName: true });
    const naming = await rig.request('/name');
    expect(run.state.status).toBe('SUCCEEDED');
    expect(naming.method).toBe('POST');
    expect(naming.path).toBe(`/v1/conversations/${run.state.conversationId}/name`);
    expect(naming.body).toEqual({ user: 'ann', auto_generate: true });
    expect(rig.questions()[0]?.body).toMatchObject({ auto_generate_name: false });
    await naming.done;
    expect(names(rig)).toHaveLength(1);
  });

  test('is named after an answer that was stopped', async () => {
    await using rig = await openRuns({ stopMs: 10_000 });
    rig.script(
      'assistant',
      { write: sse(message('a')) },
      { until: rig.request('/stop') },
      { write: sse(messageEnd()) },
    );
    const run = await rig.ask({ autoName: true });
    await textIs(run, 'a');
    await rig.runs.stop(run, 10_000);
    await rig.request('/name');
    expect(run.state.status).toBe('STOPPED');
  });

  test('is named after a chatflow that succeeded in spite of exceptions', async () => {
    await using rig = await openRuns();
    const frames = [workflowStarted(), message('a'), workflowFinished('partial-succeeded'), messageEnd()];
    rig.script('concierge', { write: sse(...frames) });
    const run = await rig.ask({ app: 'concierge', autoName: true });
    await rig.request('/name');
    expect(run.state.status).toBe('PARTIAL_SUCCEEDED');
  });

  test.each<[string, Partial<Question>]>([
    ['after an answer that failed', { query: '!error', autoName: true }],
    ['for those who do not wish it', { autoName: false }],
    [
      'where it is not new',
      { app: 'concierge', conversationId: 'c0de0000-0001-4000-8000-000000000001', autoName: true },
    ],
    ['where there is none', { kind: 'WORKFLOW', app: 'summarize', inputs: { text: 'One. Two.' }, autoName: true }],
  ])('is not named %s', async (_, question) => {
    await using rig = await openRuns();
    // Its conversation is one of a script: the sandbox would refuse one that it does not know.
    if (question.conversationId) rig.script('concierge', { write: sse(message('a'), messageEnd()) });
    const run = await rig.ask(question);
    await run.ended;
    expect(run.state.status).toBe(question.query === '!error' ? 'FAILED' : 'SUCCEEDED');
    // A name that is asked for later has come: one that was asked for before would have come, too.
    const other = await rig.ask({ query: 'hello', autoName: true });
    expect((await rig.request('/name')).path).toContain(other.state.conversationId);
    expect(names(rig)).toHaveLength(1);
  });

  test('does without a name where Dify has none', async () => {
    await using rig = await openRuns();
    // The sandbox does not know the conversation of a script, and refuses to name it.
    rig.script('assistant', { write: sse(message('a'), messageEnd()) });
    const run = await rig.ask({ autoName: true });
    const naming = await rig.request('/name');
    expect(await naming.done).toBe('ended');
    expect(run.state.status).toBe('SUCCEEDED');
  });
});
