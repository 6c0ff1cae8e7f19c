import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig } from '../rig.ts';
import { eventsOf } from './answers.ts';

const secret = 'sk-of-a-tool';
const signed = '/files/tools/7001f11e-0003-4000-8000-000000000001.png?timestamp=1&nonce=2&sign=3';
const noted = {
  tool_name: 'weather',
  tool_call_args: { city: 'Köln', key: secret },
  output: { tool_response: `12 °C ${'and windy '.repeat(30)}`, files: [signed], link: 'https://weather.example/koeln' },
};

/** The log entries of a chatflow's agent, as a reader gets them. */
async function logged(rig: Rig, options: object = {}): Promise<Data[]> {
  const ids = { conversation_id: 'c', message_id: 'm', task_id: 't', created_at: 1 };
  const entry = { id: 'a1', label: 'CALL weather', status: 'success', node_id: 'n1', data: noted };
  const frames = [
    { event: 'workflow_started', workflow_run_id: 'w', data: { id: 'w' } },
    { event: 'agent_log', data: { ...entry, status: 'start', data: null } },
    { event: 'agent_log', data: entry },
    { event: 'message_end', metadata: {} },
    { event: 'workflow_finished', workflow_run_id: 'w', data: { id: 'w', status: 'succeeded' } },
  ];
  const write = frames.map((frame) => `data: ${JSON.stringify({ ...ids, ...frame })}\n\n`).join('');
  rig.sandbox.script('concierge', { steps: [{ write }] });
  const query = `subscription ($options: StreamOptions) {
    chatStream(input: { app: "concierge", query: "a", idempotencyKey: "k" }, after: 0, options: $options) {
      __typename ... on AgentLogged { id status data truncated }
    }
  }`;
  const events = eventsOf(await rig.collect(query, { options }), 'chatStream');
  return events.filter(({ __typename }) => __typename === 'AgentLogged');
}

describe('what an agent notes in its log', () => {
  test('is not shown, and not kept, unless the operator wants it', async () => {
    await using rig = await openRig();
    const entries = await logged(rig);
    expect(entries).toMatchObject([
      { id: 'a1', status: 'start', data: null, truncated: false },
      { id: 'a1', status: 'success', data: null, truncated: false },
    ]);
    expect(JSON.stringify(entries) + rig.logged.join('')).not.toContain(secret);
  });

  test('is shown as Dify has it where the operator wants it, without the addresses that Dify signed', async () => {
    await using rig = await openRig({ nodeData: true });
    const [start, success] = await logged(rig);
    expect(start).toMatchObject({ data: null, truncated: false });
    expect(success).toMatchObject({
      data: {
        ...noted,
        output: { ...noted.output, files: [expect.stringMatching(/^\/files\/concierge\/7001f11e-[^?]*\?ticket=/)] },
      },
      truncated: false,
    });
    expect(rig.logged.join('')).not.toContain(secret);
  });

  test('is cut to what the reader wants, and says so', async () => {
    await using rig = await openRig({ nodeData: true });
    const [start, success] = await logged(rig, { maxPayloadBytes: 300 });
    expect(start?.['truncated']).toBe(false);
    expect(success).toMatchObject({ truncated: true, data: { tool_name: 'weather' } });
    expect(Buffer.byteLength(JSON.stringify(success?.['data']))).toBeLessThanOrEqual(300);
  });

  test('is nothing where the reader wants none', async () => {
    await using rig = await openRig({ nodeData: true });
    expect((await logged(rig, { maxPayloadBytes: 0 })).at(-1)).toMatchObject({ data: null, truncated: true });
  });
});
