import { describe, expect, test } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, type Json } from './client.ts';
import { framesOf, recordedStreams, recording } from './recordings.ts';
import { shapeOf, shapesByKind, unlike } from './shapes.ts';

/** Every shape that was recorded of each kind. */
const recorded = shapesByKind(recordedStreams().flatMap((name) => framesOf(recording(name).body)));

/** What was never recorded from this version, or only in another family: from the source of Dify (§2.5). */
const unrecorded = new Set([
  'data of node_started question-classifier',
  'data of node_finished question-classifier',
  'completion tts_message',
  'completion tts_message_end',
]);

async function everything(sandbox: Sandbox): Promise<Json[]> {
  const ask = async (app: string, query: string) => (await new Client(sandbox, app).ask(query)).events();
  const run = async (text: string) => (await new Client(sandbox, 'summarize').run({ text })).events();
  const copy = (product: string) =>
    new Client(sandbox, 'copywriter').stream('/completion-messages', { inputs: { product } });
  const streams = await Promise.all([
    ask('assistant', 'hello'),
    ask('assistant', '!error'),
    ask('assistant', 'help !tts'),
    ask('thinker', 'hello'),
    ask('researcher', 'the moon and 1 + 1'),
    ask('concierge', 'When is breakfast, and is there a sauna?'),
    ask('concierge', '!fail'),
    run('One is here. Two is there.'),
    run('One. !fail'),
    copy('Tea').then((stream) => stream.events()),
    copy('Tea !tts').then((stream) => stream.events()),
  ]);
  return streams.flat();
}

describe('every event', () => {
  test('has the keys, in the order, of one that a real Dify sent', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const events = await everything(sandbox);
    expect(unlike(events, recorded, unrecorded)).toEqual([]);
    expect(shapesByKind(events).size).toBeGreaterThan(25);
  });
});

describe('a reply', () => {
  const shape = (text: string) => shapeOf(JSON.parse(text));

  test('of each kind has the keys, in the order, of the recorded one', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const assistant = new Client(sandbox, 'assistant');
    const asked = { query: 'hello', inputs: {}, auto_generate_name: false };
    const blocking = await assistant.post('/chat-messages', asked);
    const id = String(blocking.json['conversation_id']);
    const run = await new Client(sandbox, 'summarize').run({ text: 'One. !fail' });
    const runId = String(last(await run.events())['workflow_run_id']);
    const concierge = new Client(sandbox, 'concierge');
    const summarize = new Client(sandbox, 'summarize');
    const pairs = [
      ['chat/03-blocking', blocking],
      ['chatflow/03-hello-blocking', await concierge.post('/chat-messages', { ...asked, query: 'a joke' })],
      ['workflow/09-llm-blocking', await summarize.post('/workflows/run', { inputs: { text: 'One.' } })],
      ['chat/17-messages-limit1', await assistant.get('/messages', { conversation_id: id })],
      ['chat/19-conversations-sorted', await assistant.get('/conversations')],
      ['chat/21-rename-auto', await assistant.post(`/conversations/${id}/name`, { auto_generate: true })],
      ['app-info/01-chat-basic-info', await assistant.get('/info')],
      ['app-info/03-chat-basic-meta', await assistant.get('/meta')],
      ['workflow/03-run-detail', await summarize.get(`/workflows/run/${runId}`)],
      ['workflow/27-logs-failed', await summarize.get('/workflows/logs', { status: 'failed' })],
    ] as const;
    for (const [name, reply] of pairs) {
      const theirs = recording(name);
      expect([name, shape(reply.text)]).toEqual([name, shape(theirs.body)]);
      expect([name, reply.status, reply.headers.get('content-type')]).toEqual([
        name,
        theirs.status,
        theirs.headers['Content-Type'],
      ]);
      // The same JSON style: spaced, ASCII, and ended by a newline where theirs is.
      expect([name, reply.text.endsWith('\n')]).toEqual([name, theirs.body.endsWith('\n')]);
      expect(reply.text).toMatch(/^[\x20-\x7e]*\n?$/);
    }
  });

  test('to a deletion is empty, as recorded', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const id = String(last(await (await client.ask('x')).events())['conversation_id']);
    const { status, text, headers } = await client.call('DELETE', `/conversations/${id}`, { user: 'ann' });
    const theirs = recording('chat/23-delete-conversation');
    expect([status, text, headers.get('content-type')]).toEqual([theirs.status, '', theirs.headers['Content-Type']]);
  });
});
