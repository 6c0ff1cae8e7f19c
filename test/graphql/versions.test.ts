import { describe, expect, test } from 'vitest';
import { openRig } from '../rig.ts';

const ASK = `mutation ($input: ChatInput!) {
  chat(input: $input) { answer reasoning complete run { status error { code message } usage { totalTokens source } nodes { title status } } message { agentSteps { position } } }
}`;

describe.each(['1.12.1', '1.14.2', '1.15.0', '1.16.0', '1.16.2'])('Dify %s', (version) => {
  test('answers from every app that is asked, and ends each run', async () => {
    await using rig = await openRig({ sandbox: { version, relayIdleMs: 200 } });
    const chatting = rig.sandbox.apps.filter(({ mode }) => mode !== 'workflow' && mode !== 'completion');
    expect(chatting.length).toBeGreaterThanOrEqual(4);
    for (const { name } of chatting) {
      const { data, errors } = await rig.query(ASK, { input: { app: name, query: 'When is breakfast?' } });
      expect(errors, name).toBeUndefined();
      expect(data, name).toMatchObject({ chat: { complete: true, run: { status: 'SUCCEEDED', error: null } } });
      expect((data as any).chat.answer.length, name).toBeGreaterThan(10);
      expect((data as any).chat.run.usage.totalTokens, name).toBeGreaterThan(0);
    }
  });

  test('runs a workflow, fails a failing one, and refuses what its form refuses', async () => {
    await using rig = await openRig({ sandbox: { version, relayIdleMs: 200 }, checkInputs: false });
    const run = (text: string) =>
      rig.query(
        `mutation ($inputs: JSON!) { runWorkflow(input: { app: "summarize", inputs: $inputs }) { status outputs run { error { code } } } }`,
        {
          inputs: text === '' ? {} : { text },
        },
      );
    expect((await run('One. Two. Three.')).data).toMatchObject({ runWorkflow: { status: 'SUCCEEDED' } });
    expect((await run('One. Two. !fail')).data).toMatchObject({
      runWorkflow: { status: 'FAILED', run: { error: { code: 'UPSTREAM_ERROR' } } },
    });
    expect((await run('')).data).toMatchObject({
      runWorkflow: { status: 'FAILED', run: { error: { code: 'BAD_USER_INPUT' } } },
    });
  });

  test('keeps what was said when an answer is stopped half-way', async () => {
    await using rig = await openRig({ sandbox: { version, pace: 0.2 } });
    const client = rig.client();
    const query = `subscription ($input: ChatInput!) { chatStream(input: $input) { __typename runId ... on TextDelta { text } ... on RunFinished { status run { ... on ChatRun { answer } } } } }`;
    const variables = { input: { app: 'assistant', query: '!long:400', idempotencyKey: 'k' } };
    let last: any;
    let stopped = false;
    for await (const { data } of client.iterate<any>({ query, variables })) {
      last = data.chatStream;
      if (last.__typename === 'TextDelta' && !stopped) {
        stopped = true;
        void rig.query('mutation ($id: ID!) { stopRun(runId: $id) { confirmed } }', { id: last.runId });
      }
    }
    await client.dispose();
    expect(last).toMatchObject({ __typename: 'RunFinished', status: 'STOPPED' });
    expect(last.run.answer.length).toBeGreaterThan(0);
  });
});

test('a New Agent repeats its whole answer at the end, and it counts once', async () => {
  await using rig = await openRig({ sandbox: { version: '1.16.2' } });
  const { data } = await rig.query(ASK, { input: { app: 'companion', query: '!echo Grüße 👋 an alle' } });
  expect(data).toMatchObject({ chat: { answer: 'Grüße 👋 an alle', run: { status: 'SUCCEEDED' } } });
});
