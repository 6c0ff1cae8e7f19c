import { describe, expect, test } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, outline, textOf, type Json } from './client.ts';

/** Starts a long answer, stops it after its first piece, and returns all of it. */
async function stopped(sandbox: Sandbox, app: string, by = 'ann'): Promise<Json[]> {
  const client = new Client(sandbox, app);
  const text = '!long:60';
  const stream =
    app === 'summarize' ? await client.run({ text }) : await client.ask(text, { inputs: { product: 'x' } });
  const path = app === 'summarize' ? '/workflows/tasks' : '/chat-messages';
  const events: Json[] = [];
  let asked = false;
  for await (const frame of stream) {
    const event = JSON.parse(frame.slice('data: '.length)) as Json;
    events.push(event);
    const said = ['message', 'agent_message', 'text_chunk'].includes(String(event['event']));
    if (!said || asked) continue;
    asked = true;
    const reply = await new Client(sandbox, app, by).post(`${path}/${String(event['task_id'])}/stop`);
    expect(reply.text).toBe('{"result": "success"}\n');
  }
  return events;
}

describe('a stop', () => {
  test('ends a chat with a plain message_end that counts nothing', async () => {
    await using sandbox = await openSandbox({ pace: 0.2 });
    const events = await stopped(sandbox, 'assistant');
    expect(outline(events)).toEqual(['message', 'message_end']);
    expect(events.length).toBeLessThan(50);
    expect(last(events)['metadata']).toMatchObject({
      usage: { total_tokens: 0, prompt_unit_price: '0.15', total_price: '0E-7', time_to_first_token: null },
    });
    const { json } = await new Client(sandbox, 'assistant').get('/messages', {
      conversation_id: String(last(events)['conversation_id']),
    });
    expect(json['data']).toMatchObject([{ answer: textOf(events).trim() }]);
  });

  test('ends an agent likewise', async () => {
    await using sandbox = await openSandbox({ pace: 0.2 });
    expect(outline(await stopped(sandbox, 'researcher'))).toEqual(['agent_thought', 'agent_message', 'message_end']);
  });

  test('ends a chatflow with workflow_finished and message_end, its node unfinished', async () => {
    await using sandbox = await openSandbox({ pace: 0.2 });
    const events = await stopped(sandbox, 'concierge');
    expect(outline(events).slice(-3)).toEqual(['message', 'workflow_finished', 'message_end']);
    expect(events.at(-2)).toMatchObject({ data: { status: 'stopped', error: 'Stopped by user.', outputs: {} } });
    expect(last(events)['metadata']).toMatchObject({ usage: { total_price: '0.0' }, retriever_resources: [] });
  });

  test('ends a workflow, whoever asks', async () => {
    await using sandbox = await openSandbox({ pace: 0.2 });
    const events = await stopped(sandbox, 'summarize', 'bob');
    expect(outline(events).slice(-2)).toEqual(['text_chunk', 'workflow_finished']);
    expect(last(events)).toMatchObject({ data: { status: 'stopped' } });
    const { json } = await new Client(sandbox, 'summarize').get(
      `/workflows/run/${String(last(events)['workflow_run_id'])}`,
    );
    expect(json).toMatchObject({ status: 'stopped', outputs: '{}', error: 'Stopped by user.' });
  });

  test('by another user changes nothing in a chat', async () => {
    await using sandbox = await openSandbox({ pace: 0.05 });
    const events = await stopped(sandbox, 'assistant', 'bob');
    expect(textOf(events)).toMatch(/60\s$/);
  });

  test('of the wrong kind is refused', async () => {
    await using sandbox = await openSandbox();
    const stop = async (app: string, path: string) =>
      (await new Client(sandbox, app).post(`${path}/x/stop`)).json['code'];
    expect(await stop('assistant', '/workflows/tasks')).toBe('not_workflow_app');
    expect(await stop('summarize', '/chat-messages')).toBe('not_chat_app');
    expect(await stop('assistant', '/completion-messages')).toBe('app_unavailable');
  });
});
