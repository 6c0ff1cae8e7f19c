import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from '../rig.ts';
import { dataOf } from './answers.ts';

const FORM = 'id title content fields { name type options default } actions { id title } answerable expiresAt';
const STREAM = `
subscription ($input: RunWorkflowInput!) {
  workflowStream(input: $input) {
    __typename seq runId
    ... on RunPaused { forms { ${FORM} } }
    ... on RunResumed { formId action timedOut }
    ... on NodeChanged { node { id nodeId status } }
    ... on RunFinished { status error { code message } run { ... on WorkflowRun { outputs forms { id } nodes { id nodeId type status } } } }
  }
}`;
const ANSWER = `mutation ($input: SubmitHumanInputInput!) { submitHumanInput(input: $input) { run { id status } } }`;

interface Event {
  readonly __typename: string;
  readonly seq: number;
  readonly runId: string;
  readonly [field: string]: any;
}

/** Runs the approval workflow and answers each form that it asks, as `answer` says. */
async function approve(rig: Rig, text: string, answer: (form: any, nth: number) => Promise<void> | void) {
  const client = rig.client({ connectionParams: { user: 'ann' } });
  const events: Event[] = [];
  let forms = 0;
  const variables = { input: { app: 'approval', inputs: { topic: text }, idempotencyKey: crypto.randomUUID() } };
  for await (const { data, errors } of client.iterate<{ workflowStream: Event }>({ query: STREAM, variables })) {
    if (!data) throw new Error(errors?.[0]?.message);
    const event = data.workflowStream;
    events.push(event);
    if (event.__typename === 'RunPaused') for (const form of event['forms']) await answer(form, (forms += 1));
  }
  await client.dispose();
  return events;
}

async function submit(rig: Rig, formId: string, action: string, inputs: object, user = 'ann') {
  return rig.query(ANSWER, { input: { formId, action, inputs } }, user);
}

describe.each(['1.14.2', '1.15.0', '1.16.2'])('a workflow of Dify %s that asks a person', (version) => {
  test('pauses, goes on when the form is answered, and ends once', async () => {
    await using rig = await openRig({ sandbox: { version } });
    const events = await approve(rig, 'Cake', async ({ id, actions, fields, answerable }) => {
      expect(answerable).toBe(true);
      expect(actions.map((action: any) => action.id)).toEqual(['approve', 'reject']);
      expect(fields.map((field: any) => field.name)).toEqual(expect.arrayContaining(['comment', 'channel']));
      const [option] = fields.find((field: any) => field.name === 'channel').options;
      const pending = await rig.query('{ pendingForms { id runId } }', {}, 'ann');
      expect(pending.data?.['pendingForms']).toMatchObject([{ id }]);
      expect((await rig.query('{ pendingForms { id } }', {}, 'bob')).data).toEqual({ pendingForms: [] });
      expect((await submit(rig, id, 'approve', {}, 'bob')).errors?.[0]?.extensions).toMatchObject({
        code: 'FORM_EXPIRED',
      });
      expect((await submit(rig, id, 'dance', {})).errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
      const { data, errors } = await submit(rig, id, 'approve', { comment: 'Fine by me', channel: option });
      expect(errors).toBeUndefined();
      expect(data).toMatchObject({ submitHumanInput: { run: { id: expect.any(String) } } });
    });
    const kinds = events.map((event) => event.__typename);
    expect(kinds.filter((kind) => kind === 'RunPaused')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'RunResumed')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'RunFinished')).toHaveLength(1);
    const numbered = events.slice(1).map((event) => event.seq);
    expect(numbered).toEqual(numbered.map((_, i) => (numbered[0] ?? 0) + i));
    const last = events.at(-1);
    expect(last).toMatchObject({ __typename: 'RunFinished', status: 'SUCCEEDED', error: null, run: { forms: [] } });
    expect(last?.['run'].outputs).toMatchObject({ decision: 'approve', comment: 'Fine by me' });
    expect(new Set(last?.['run'].nodes.map((node: any) => node.id)).size).toBe(last?.['run'].nodes.length);
    expect(last?.['run'].nodes.every((node: any) => node.status === 'SUCCEEDED')).toBe(true);
    expect(JSON.stringify(events) + rig.logged.join('')).not.toMatch(/form_token|tok_/);
    expect(rig.generations()).toHaveLength(1);
  });

  test('asks twice in a row under one run', async () => {
    await using rig = await openRig({ sandbox: { version } });
    const events = await approve(rig, 'Cake !twice', async ({ id, fields }) => {
      const inputs = Object.fromEntries(
        fields
          .filter((field: any) => field.type !== 'file')
          .map((field: any) => [field.name, field.options?.[0] ?? 'yes']),
      );
      expect((await submit(rig, id, 'approve', inputs)).errors).toBeUndefined();
    });
    expect(events.filter((event) => event.__typename === 'RunPaused')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ __typename: 'RunFinished', status: 'SUCCEEDED' });
  });

  test('goes on when its time is over', async () => {
    await using rig = await openRig({ sandbox: { version }, waits: { pollMs: 50 } });
    const events = await approve(rig, 'Cake !formtimeout:1', () => undefined);
    expect(events.find((event) => event.__typename === 'RunResumed')).toMatchObject({ timedOut: true });
    expect(events.at(-1)).toMatchObject({ __typename: 'RunFinished', status: 'SUCCEEDED' });
  });

  test('cannot be answered here when it asks by mail only, and can be stopped', async () => {
    await using rig = await openRig({ sandbox: { version }, waits: { stopMs: 100 } });
    const events = await approve(rig, 'Cake !mailform', async ({ id, answerable }) => {
      expect(answerable).toBe(false);
      expect((await submit(rig, id, 'approve', {})).errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
      const { data } = await rig.query('{ runs(first: 1) { nodes { id status } } }', {}, 'ann');
      const [{ id: runId, status }] = (data as any).runs.nodes;
      expect(status).toBe('PAUSED');
      await rig.query('mutation ($id: ID!) { stopRun(runId: $id) { confirmed } }', { id: runId }, 'ann');
    });
    expect(events.at(-1)).toMatchObject({ __typename: 'RunFinished', status: 'STOPPED' });
  });

  test('keeps waiting when an answer is refused, and takes the next', async () => {
    await using rig = await openRig({ sandbox: { version } });
    const events = await approve(rig, 'Cake', async ({ id, fields }) => {
      expect((await submit(rig, id, 'approve', {})).errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
      const inputs = Object.fromEntries(
        fields
          .filter((field: any) => field.type !== 'file')
          .map((field: any) => [field.name, field.options?.[0] ?? 'yes']),
      );
      expect((await submit(rig, id, 'reject', inputs)).errors).toBeUndefined();
    });
    expect(events.at(-1)).toMatchObject({ status: 'SUCCEEDED', run: { outputs: { decision: 'reject' } } });
  });
});

describe('who waits for the end of a run that asks a person', () => {
  const WAIT = `mutation ($input: RunWorkflowInput!) {
    runWorkflow(input: $input) { complete deduplicated status outputs run { status forms { id } } }
  }`;

  test('hears of the pause at once, and of the end with the same key afterwards', async () => {
    await using rig = await openRig({ sandbox: { version: '1.15.0' } });
    const input = { app: 'approval', inputs: { topic: 'Cake' }, idempotencyKey: 'k', waitMs: 600_000 };
    for (const deduplicated of [false, true]) {
      const { runWorkflow } = dataOf(await rig.query(WAIT, { input }, 'ann'));
      expect(runWorkflow).toMatchObject({ complete: false, deduplicated, status: 'PAUSED', outputs: null });
      expect(runWorkflow.run.forms).toHaveLength(1);
    }
    const { pendingForms } = dataOf(await rig.query('{ pendingForms { id } }', {}, 'ann'));
    dataOf(await submit(rig, pendingForms[0].id, 'approve', { comment: 'Yes', channel: 'mail' }));
    // The answer is in; the run may still be on its way out of the pause.
    const end = async () => dataOf(await rig.query(WAIT, { input }, 'ann'))['runWorkflow'];
    await expect.poll(end).toMatchObject({ complete: true, status: 'SUCCEEDED', outputs: { decision: 'approve' } });
    expect(rig.generations()).toHaveLength(1);
  });

  test('gets what a chatflow has said so far', async () => {
    await using rig = await openRig({ sandbox: { version: '1.15.0' } });
    const chat =
      'mutation ($input: ChatInput!) { chat(input: $input) { complete answer run { status forms { id title } } } }';
    const input = { app: 'concierge', query: 'Please book a room', waitMs: 600_000 };
    const { chat: payload } = dataOf(await rig.query(chat, { input }, 'ann'));
    expect(payload).toMatchObject({ complete: false, run: { status: 'PAUSED' } });
    expect(payload.answer).toContain('front desk');
    expect(payload.run.forms).toMatchObject([{ title: 'Confirm the booking' }]);
  });
});

test('Dify 1.16.0 stops a workflow that goes on after a form: that is told as a failure of Dify, not as a stop', async () => {
  await using rig = await openRig({ sandbox: { version: '1.16.0' } });
  const events = await approve(rig, 'Cake', async ({ id, fields }) => {
    const inputs = Object.fromEntries(
      fields
        .filter((field: any) => field.type !== 'file')
        .map((field: any) => [field.name, field.options?.[0] ?? 'yes']),
    );
    await submit(rig, id, 'approve', inputs);
  });
  expect(events.at(-1)).toMatchObject({ status: 'FAILED', error: { code: 'UPSTREAM_ERROR' } });
});
