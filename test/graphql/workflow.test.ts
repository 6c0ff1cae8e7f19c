import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openRig } from '../rig.ts';
import { codesOf, dataOf, eventsOf, outlineOf } from './answers.ts';

const runWorkflow = `
  mutation ($input: RunWorkflowInput!) {
    runWorkflow(input: $input) {
      status
      complete
      deduplicated
      outputs
      usage { totalTokens }
      run {
        id
        kind
        status
        workflowRunId
        inputs
        outputs
        text
        progress { started finished failed current }
        nodes { nodeId title type status error retries parentNodeId round elapsedSeconds startedAt finishedAt }
        error { code message nodeId retryable }
      }
    }
  }`;

const text = 'Rivers are long. Lakes are deep. Seas are wide.';

describe('runWorkflow', () => {
  test('returns the outputs and what every node did', async () => {
    await using rig = await openRig();
    const input = { app: 'summarize', inputs: { text, tone: 'formal', sentences: 2 } };
    const { runWorkflow: payload } = dataOf(await rig.query(runWorkflow, { input }));
    expect(payload).toMatchObject({ status: 'SUCCEEDED', complete: true, deduplicated: false });
    expect(payload.outputs).toMatchObject({ summary: expect.any(String), sentences: expect.any(Number) });
    expect(payload.usage.totalTokens).toBeGreaterThan(0);
    const { run } = payload;
    expect(run).toMatchObject({
      kind: 'WORKFLOW',
      status: 'SUCCEEDED',
      inputs: input.inputs,
      outputs: payload.outputs,
    });
    expect(run.text).toBe(payload.outputs.summary);
    expect(run.progress).toEqual({ started: 9, finished: 9, failed: 0, current: [] });
    const nodes: Record<string, unknown>[] = run.nodes;
    expect(nodes.map(({ nodeId, status, round }) => [nodeId, status, round])).toEqual([
      ['start', 'SUCCEEDED', null],
      ['split', 'SUCCEEDED', null],
      ['each', 'SUCCEEDED', null],
      ['gist', 'SUCCEEDED', 0],
      ['gist', 'SUCCEEDED', 1],
      ['gist', 'SUCCEEDED', 2],
      ['guide', 'SUCCEEDED', null],
      ['summary', 'SUCCEEDED', null],
      ['end', 'SUCCEEDED', null],
    ]);
    expect(nodes.filter(({ parentNodeId }) => parentNodeId === 'each')).toHaveLength(3);
    expect(nodes.find(({ nodeId }) => nodeId === 'guide')).toMatchObject({ type: 'http-request', retries: 1 });
    for (const { startedAt, finishedAt } of nodes) {
      expect(startedAt).toMatch(/Z$/);
      expect(finishedAt).toMatch(/Z$/);
    }
  });

  test('fails as data, with the node that failed', async () => {
    await using rig = await openRig();
    const input = { app: 'summarize', inputs: { text: `!fail ${text}` } };
    const { runWorkflow: payload } = dataOf(await rig.query(runWorkflow, { input }));
    expect(payload).toMatchObject({ status: 'FAILED', complete: true });
    expect(payload.run.error).toMatchObject({ code: 'UPSTREAM_ERROR', nodeId: 'summary', retryable: true });
    const failed = payload.run.nodes.filter(({ status }: { status: string }) => status === 'FAILED');
    expect(failed).toEqual([expect.objectContaining({ nodeId: 'summary', error: expect.stringContaining('!fail') })]);
    expect(payload.run.progress).toMatchObject({ failed: 1, current: [] });
  });

  test.each([
    ['an input that is missing', { tone: 'formal' }, 'text is required in input form'],
    ['an input that is none of the options', { text, tone: 'rude' }, 'tone in input form must be one of'],
  ])('fails as data where Dify refuses %s', async (_, inputs, says) => {
    await using rig = await openRig({ checkInputs: false });
    const { runWorkflow: payload } = dataOf(await rig.query(runWorkflow, { input: { app: 'summarize', inputs } }));
    expect(payload).toMatchObject({ status: 'FAILED', run: { error: { code: 'BAD_USER_INPUT', retryable: false } } });
    expect(payload.run.error.message).toContain(says);
  });

  test('asks once for all calls with one key, and refuses the key with other inputs', async () => {
    await using rig = await openRig();
    const input = { app: 'summarize', inputs: { text }, idempotencyKey: randomUUID() };
    const results = await Promise.all(Array.from({ length: 20 }, () => rig.query(runWorkflow, { input })));
    const payloads = results.map((result) => dataOf(result)['runWorkflow']);
    expect(new Set(payloads.map(({ run }) => run.id)).size).toBe(1);
    expect(payloads.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
    expect(rig.generations()).toHaveLength(1);
    const other = await rig.query(runWorkflow, { input: { ...input, inputs: { text, tone: 'formal' } } });
    expect(codesOf(other)).toEqual(['IDEMPOTENCY_CONFLICT']);
  });

  test('returns a live run when it may not wait', async () => {
    await using rig = await openRig();
    const input = { app: 'summarize', inputs: { text: `!slow:60 ${text}` }, waitMs: 0 };
    const { runWorkflow: payload } = dataOf(await rig.query(runWorkflow, { input }));
    expect(payload).toMatchObject({ complete: false, status: 'RUNNING', outputs: null });
  });

  test.each([
    ['inputs that are no object', { app: 'summarize', inputs: ['a'] }, 'BAD_USER_INPUT'],
    ['a wait below zero', { app: 'summarize', inputs: {}, waitMs: -5 }, 'BAD_USER_INPUT'],
    ['an empty key', { app: 'summarize', inputs: {}, idempotencyKey: '' }, 'BAD_USER_INPUT'],
    ['an app that is not served', { app: 'x', inputs: {} }, 'APP_NOT_FOUND'],
    ['a chat app, also when it is the default', { inputs: {} }, 'WRONG_APP_MODE'],
    ['a text generator', { app: 'copywriter', inputs: {} }, 'WRONG_APP_MODE'],
  ])('refuses %s before Dify hears of it', async (_, input, code) => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(runWorkflow, { input }))).toEqual([code]);
    expect(rig.generations()).toEqual([]);
  });
});

describe('workflowStream', () => {
  const subscription = `
    subscription ($input: RunWorkflowInput!) {
      workflowStream(input: $input) {
        __typename
        seq
        ... on NodeChanged { node { nodeId status } progress { started finished failed current } }
        ... on RoundStarted { nodeId round title }
        ... on RunFinished { status usage { totalTokens } run { ... on WorkflowRun { outputs } } }
      }
    }`;

  test('needs a key', async () => {
    await using rig = await openRig();
    const [result = {}] = await rig.collect(subscription, { input: { app: 'summarize', inputs: { text } } });
    expect(codesOf(result)).toEqual(['IDEMPOTENCY_KEY_REQUIRED']);
    expect(rig.generations()).toEqual([]);
  });

  test('shows the nodes as they come and go, the rounds and the text, then the end', async () => {
    await using rig = await openRig();
    const input = { app: 'summarize', inputs: { text }, idempotencyKey: randomUUID() };
    const events = eventsOf(await rig.collect(subscription, { input }), 'workflowStream');
    expect(outlineOf(events)).toEqual([
      'RunAttached',
      'RunStarted',
      'NodeChanged',
      ...Array<string[]>(3).fill(['RoundStarted', 'NodeChanged']).flat(),
      'TextDelta',
      'NodeChanged',
      'RunFinished',
    ]);
    const rounds = events.filter(({ __typename }) => __typename === 'RoundStarted');
    expect(rounds.map(({ nodeId, round, title }) => [nodeId, round, title])).toEqual(
      [0, 1, 2].map((round) => ['each', round, 'Each sentence']),
    );
    const guide = events.filter(({ node }) => node?.nodeId === 'guide').map(({ node }) => node.status);
    expect(guide).toEqual(['RUNNING', 'RETRYING', 'SUCCEEDED']);
    const finished = events.flatMap(({ progress }) => (progress ? [progress.finished as number] : []));
    expect(finished).toEqual(finished.toSorted((a, b) => a - b));
    expect(events.at(-1)).toMatchObject({ status: 'SUCCEEDED', run: { outputs: { summary: expect.any(String) } } });
    const seqs = events.slice(1).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });
});
