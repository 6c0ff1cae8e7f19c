import { describe, expect, test } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, type Json } from './client.ts';
import { trace, traceNames } from './recordings.ts';
import { shapesByKind, unlike } from './shapes.ts';

const known = shapesByKind(traceNames().flatMap(trace));

// A snapshot tells nothing of a model that it does not tell of any node.
for (const event of ['node_started', 'node_finished']) {
  for (const shape of known.get(`data of ${event} start`) ?? [])
    known.get(`data of ${event} llm`)?.add(shape.replace('extras', 'extras{}'));
}

/** What no composed stream has: as in 1.12, where it was recorded. */
const untraced = new Set([
  'data of node_started question-classifier',
  'data of node_finished question-classifier',
  'data of node_started if-else',
  'data of node_finished if-else',
  'data of node_started knowledge-retrieval',
  'data of node_finished knowledge-retrieval',
  'data of node_started assigner',
  'data of node_finished assigner',
  'data of node_started code',
  'data of node_finished code',
  'data of node_started http-request',
  'data of node_finished http-request',
  'data of node_started template-transform',
  'data of node_finished template-transform',
  'workflow reasoning_chunk',
  'chat tts_message',
  'chat tts_message_end',
]);

async function everything(sandbox: Sandbox): Promise<Json[]> {
  const ask = async (app: string, query: string) => (await new Client(sandbox, app).ask(query)).events();
  const run = async (text: string) => (await new Client(sandbox, 'summarize').run({ text })).events();
  const copy = new Client(sandbox, 'copywriter').stream('/completion-messages', { inputs: { product: 'Tea !tts' } });
  const streams = await Promise.all([
    ask('assistant', 'hello'),
    ask('assistant', '!error'),
    ask('thinker', 'hello'),
    ask('researcher', 'the moon and 1 + 1 !file'),
    ask('concierge', 'a joke !replace'),
    run('One is here. Two is there.'),
    run('One. !fail'),
    copy.then((stream) => stream.events()),
    paused(sandbox),
  ]);
  return streams.flat();
}

/** A run that waits for a person, and its end. */
async function paused(sandbox: Sandbox): Promise<Json[]> {
  const client = new Client(sandbox, 'approval');
  const events = await (await client.run({ topic: 'cake' })).events();
  const { form_token: token } = (events.at(-2) ?? {})['data'] as Json;
  const answer = { inputs: { comment: 'Yes.', channel: 'mail' }, action: 'approve' };
  await client.post(`/form/human_input/${String(token)}`, answer);
  const follow = await client.follow(last(events)['workflow_run_id'], { include_state_snapshot: 'true' });
  return [...events, ...(await follow.events())];
}

describe('every event of newer versions', () => {
  test('has the keys, in the order, of one that was composed from the source', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.16.2' });
    const events = await everything(sandbox);
    expect(unlike(events, known, untraced)).toEqual([]);
    expect(shapesByKind(events).size).toBeGreaterThan(30);
  });
});
