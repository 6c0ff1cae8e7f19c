import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from '../rig.ts';

/** Streams of newer versions, composed after their sources, and how each is meant to be read. */
const folder = new URL('../fixtures/dify/traces/', import.meta.url);
const expected = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8')) as Record<string, Expected>;

interface Expected {
  readonly mode: string;
  readonly outcome: string;
  readonly [field: string]: any;
}

const apps: Readonly<Record<string, string>> = {
  chat: 'assistant',
  'agent-chat': 'researcher',
  'advanced-chat': 'concierge',
  workflow: 'summarize',
  completion: 'copywriter',
};
const outcomes: Readonly<Record<string, readonly [status: string, code?: string]>> = {
  succeeded: ['SUCCEEDED'],
  failed: ['FAILED'],
  stopped: ['STOPPED'],
  interrupted: ['FAILED', 'STREAM_INTERRUPTED'],
  paused: ['PAUSED'],
};
const SHOWN = `status lastSeq error { code message difyCode difyStatus } usage { totalTokens totalPrice }
  forms { id title answerable fields { name } actions { id } }
  ... on ChatRun { answer reasoning message { rawAnswer agentSteps { position tool observation files } files { id } } chatNodes: nodes { id } }
  ... on WorkflowRun { workflowRunId text outputs nodes { id nodeId type status retries round parentNodeId } }`;
const ASK: Readonly<Record<string, string>> = {
  workflow: `mutation ($app: ID) { asked: runWorkflow(input: { app: $app, inputs: { text: "t" }, waitMs: 0 }) { run { id } } }`,
  completion: `mutation ($app: ID) { asked: complete(input: { app: $app, inputs: { product: "p" }, waitMs: 0 }) { run { id } } }`,
};
const CHAT = `mutation ($app: ID) { asked: chat(input: { app: $app, query: "q", waitMs: 0 }) { run { id } } }`;

/** The run as it stands after the stream, or after its end. */
async function read(rig: Rig, name: string): Promise<Record<string, any>> {
  const { mode, outcome } = expected[name] as Expected;
  const app = apps[mode] as string;
  const bytes = readFileSync(new URL(name, folder));
  const stop = Promise.withResolvers<void>();
  // Cut after the first whole event, so that a stop finds a task.
  const first = bytes.indexOf('\n\n', bytes.indexOf('data:')) + 2;
  const rest = outcome === 'stopped' ? [{ until: stop.promise }] : [];
  const steps = [{ write: bytes.subarray(0, first) }, ...rest, { write: bytes.subarray(first) }];
  rig.sandbox.script(app, { steps: outcome === 'interrupted' ? [...steps, { reset: true }] : steps });
  const { data, errors } = await rig.query(ASK[mode] ?? CHAT, { app });
  expect(errors).toBeUndefined();
  const { id } = (data as any).asked.run;
  const look = async () => {
    const result = await rig.query(`query ($id: ID!) { run(id: $id) { ${SHOWN} } }`, { id });
    return (result.data as any).run;
  };
  if (outcome === 'stopped') {
    await expect.poll(async () => (await look()).lastSeq).toBeGreaterThan(0);
    const stopped = rig.query('mutation ($id: ID!) { stopRun(runId: $id) { confirmed } }', { id });
    await expect.poll(() => rig.requests.some(({ path }) => path.endsWith('/stop'))).toBe(true);
    stop.resolve();
    await stopped;
  }
  await expect.poll(async () => (await look()).status).toBe(outcomes[outcome]?.[0]);
  return look();
}

describe('a stream of a newer version', () => {
  test.each(Object.keys(expected))('%s is read as it is meant', async (name) => {
    await using rig = await openRig({ checkInputs: false });
    const meant = expected[name] as Expected;
    const run = await read(rig, name);
    const [status, code] = outcomes[meant.outcome] ?? [];
    expect(run['status']).toBe(status);
    if (code) expect(run['error'].code).toBe(code);
    if (meant['answer'] !== undefined) expect(run['message']?.rawAnswer ?? run['answer']).toBe(meant['answer']);
    if (meant['answer_partial'] !== undefined) expect(run['answer']).toBe(meant['answer_partial']);
    if (meant['answer_without_think'] !== undefined) expect(run['answer']).toBe(meant['answer_without_think']);
    if (meant['reasoning_text'] !== undefined) expect(run['reasoning']).toBe(meant['reasoning_text']);
    if (meant['reasoning'] !== undefined) expect(run['reasoning']).toBe(Object.values(meant['reasoning']).join('\n\n'));
    if (meant['text'] !== undefined) expect(run['text']).toBe(meant['text']);
    if (meant['outputs'] !== undefined) expect(run['outputs']).toEqual(meant['outputs']);
    if (meant['thoughts'] !== undefined) expect(run['message'].agentSteps).toHaveLength(meant['thoughts']);
    if (meant['files'] !== undefined) expect(run['message'].files).toHaveLength(meant['files']);
    if (meant['workflow_run_id'] && meant.mode === 'workflow')
      expect(run['workflowRunId']).toBe(meant['workflow_run_id']);
    if (meant['retries'] !== undefined) {
      const own = run['nodes'].filter(({ type }: any) => type !== 'iteration' && type !== 'loop');
      expect(own.reduce((sum: number, node: any) => sum + node.retries, 0)).toBe(meant['retries']);
      expect(own).toHaveLength(6);
      expect(new Set(own.filter(({ round }: any) => round !== null).map(({ round }: any) => round))).toEqual(
        new Set([0, 1]),
      );
    }
    if (typeof meant['error'] === 'string') expect(run['error'].message).toContain(meant['error'].slice(0, 40));
    else if (meant['error'])
      expect(run['error']).toMatchObject({ difyCode: meant['error'].code, difyStatus: meant['error'].status });
    if (meant['form_token']) {
      expect(run['forms']).toMatchObject([{ answerable: true, actions: [{ id: 'approve' }, { id: 'reject' }] }]);
      expect(JSON.stringify(run) + rig.logged.join('')).not.toContain(meant['form_token']);
    }
    expect(rig.generations()).toHaveLength(1);
  });

  test('C71 08b tells again what was told, and each node is there once', async () => {
    await using rig = await openRig({ checkInputs: false });
    const { nodes } = await read(rig, '08b-human-input-resumed.sse');
    expect(new Set(nodes.map(({ id }: any) => id)).size).toBe(nodes.length);
    expect(nodes.every(({ status }: any) => status === 'SUCCEEDED')).toBe(true);
  });

  test('C38 11 goes on speaking after message_end: each piece decoded by itself makes the whole', async () => {
    await using rig = await openRig({ checkInputs: false });
    rig.sandbox.script('copywriter', { steps: [{ write: readFileSync(new URL('11-completion-tts.sse', folder)) }] });
    const results = await rig.collect(
      `subscription { completionStream(input: { app: "copywriter", inputs: {}, idempotencyKey: "k" }) {
        __typename ... on TextDelta { text } ... on AudioChunk { base64 final } ... on RunFinished { status } } }`,
    );
    const events = results.map(({ data }) => (data as any).completionStream);
    const audio = events.filter(({ __typename }) => __typename === 'AudioChunk');
    expect(Buffer.concat(audio.map(({ base64 }) => Buffer.from(base64, 'base64')))).toHaveLength(125);
    expect([audio.at(-1).final, events.at(-1)]).toEqual([true, { __typename: 'RunFinished', status: 'SUCCEEDED' }]);
    expect(events.map(({ text }) => text ?? '').join('')).toBe('Guten Tag, Welt. Bis bald!');
  });
});
