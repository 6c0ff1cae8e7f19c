import { expect, test } from 'vitest';
import { openRig } from '../rig.ts';

const ids = { conversation_id: 'c', message_id: 'm', task_id: 't', workflow_run_id: 'r', created_at: 1_795_329_892 };
const node = { id: 'e1', node_id: 'n1', node_type: 'llm', title: 'LLM', index: 1, created_at: 1 };
const box = { id: 'i1', node_id: 'i1', node_type: 'iteration', title: 'Each' };
const loop = { id: 'l1', node_id: 'l1', node_type: 'loop', title: 'Until' };
const inLoop = { ...node, id: 'e2', loop_id: 'l1' };
const form = { form_id: 'f1', node_id: 'h1', node_title: 'Review', form_content: '', inputs: [], actions: [] };

/** Every event of Dify's catalogue → the types of the events that clients get of it, besides its ids. */
const catalogue: readonly (readonly [event: string, fields: object, types: readonly string[]])[] = [
  ['workflow_started', { data: { id: 'r', workflow_id: 'w', inputs: {} } }, ['RunStarted']],
  ['node_started', { data: node }, ['NodeChanged']],
  ['node_retry', { data: { ...node, status: 'retry', retry_index: 1, error: 'busy' } }, ['NodeChanged']],
  ['node_finished', { data: { ...node, status: 'succeeded', finished_at: 2 } }, ['NodeChanged']],
  ['iteration_started', { data: box }, ['NodeChanged']],
  ['iteration_next', { data: { ...box, index: 0 } }, ['RoundStarted']],
  ['iteration_completed', { data: { ...box, status: 'succeeded' } }, ['NodeChanged']],
  ['loop_started', { data: loop }, ['NodeChanged']],
  ['node_started', { data: inLoop }, ['RoundStarted', 'NodeChanged']],
  ['loop_next', { data: { ...loop, index: 1 } }, []],
  ['loop_completed', { data: { ...loop, status: 'succeeded' } }, ['NodeChanged']],
  ['message', { answer: 'Hello', from_variable_selector: ['n1', 'text'] }, ['TextDelta']],
  ['message_file', { answer: ', ' }, ['TextDelta']],
  ['agent_message', { answer: 'world' }, ['TextDelta']],
  ['text_chunk', { data: { text: '!', from_variable_selector: ['n1', 'text'] } }, ['TextDelta']],
  ['text_replace', { data: { text: 'Hi' } }, ['TextReplaced']],
  ['message_replace', { answer: 'Hello again', reason: 'output_moderation' }, ['TextReplaced']],
  ['reasoning_chunk', { data: { reasoning: 'Hm.', node_id: 'n1', is_final: false } }, ['ReasoningDelta']],
  ['agent_thought', { id: 'th', position: 1, thought: 'I look it up.', tool: 'search' }, ['AgentStepChanged']],
  ['agent_log', { data: { id: 'a1', label: 'CALL', status: 'success', node_id: 'n1', data: {} } }, ['AgentLogged']],
  ['message_file', { id: 'p1', type: 'image', belongs_to: 'assistant', url: 'https://x/y?sign=1' }, ['FileProduced']],
  ['tts_message', { audio: 'AAAA' }, ['AudioChunk']],
  ['tts_message_end', { audio: '' }, ['AudioChunk']],
  ['parallel_branch_started', { data: {} }, ['UnknownEvent']],
  ['invented_tomorrow', { data: { a: 1 } }, ['UnknownEvent']],
  ['human_input_required', { data: form }, []],
  ['human_input_form_filled', { data: { node_id: 'h1', action_id: 'ok' } }, ['RunResumed']],
  ['message_end', { metadata: {}, files: [] }, []],
  [
    'workflow_finished',
    { data: { id: 'r', status: 'succeeded', outputs: {}, total_tokens: 1 } },
    ['NodeChanged', 'RunFinished'],
  ],
];

/** These end a stream, each in its way. */
const endings: readonly (readonly [event: string, fields: object, types: readonly string[]])[] = [
  ['error', { code: 'rate_limit_error', status: 429, message: 'slow down' }, ['RunFinished']],
  ['workflow_paused', { data: { reasons: [{ TYPE: 'human_input_required', ...form }] } }, ['RunPaused']],
];

const QUERY = `subscription ($key: ID) {
  chatStream(input: { app: "concierge", query: "q", idempotencyKey: $key }) { __typename seq runId }
}`;
const frame = (event: string, fields: object) =>
  `event: ping\n\ndata: ${JSON.stringify({ event, ...ids, ...fields })}\n\n`;

test('every event of Dify’s reaches a client under a type of its own, one that was invented as UnknownEvent', async () => {
  await using rig = await openRig();
  rig.sandbox.script('concierge', { steps: catalogue.map(([event, fields]) => ({ write: frame(event, fields) })) });
  const results = await rig.collect(QUERY, { key: 'k' });
  const types = results.map(({ data }) => data?.['chatStream'].__typename);
  expect(types).toEqual(['RunAttached', ...catalogue.flatMap(([, , told]) => told)]);
  expect(JSON.stringify(results)).not.toContain('sign=');
});

test.each(endings)('%s reaches a client as what it means', async (event, fields, told) => {
  await using rig = await openRig({ sandbox: { version: '1.15.0' }, waits: { stopMs: 50 } });
  rig.sandbox.script('concierge', {
    steps: [{ write: frame('message', { answer: 'a' }) }, { write: frame(event, fields) }],
  });
  const client = rig.client();
  const types: string[] = [];
  for await (const { data } of client.iterate<Record<string, any>>({ query: QUERY, variables: { key: 'k' } })) {
    if (!data) continue;
    const { __typename: type, runId } = data['chatStream'];
    types.push(type);
    if (type === 'RunPaused')
      void rig.query('mutation ($id: ID!) { stopRun(runId: $id) { confirmed } }', { id: runId });
  }
  await client.dispose();
  expect(types).toEqual([
    'RunAttached',
    'RunStarted',
    'TextDelta',
    ...told,
    ...(told.includes('RunFinished') ? [] : ['RunFinished']),
  ]);
});
