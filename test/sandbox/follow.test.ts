import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, outline, type Json } from './client.ts';
import { dataIn, pause, snapshot } from './pause.ts';

describe('following a run', () => {
  test('over its pauses ends with it, or, without a snapshot, with silence', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0', pingMs: 50, relayIdleMs: 400 });
    const { client, run, token, events } = await pause(sandbox, 'concierge', '!twice');
    const over = { continue_on_pause: 'TRUE' };
    const whole = await client.follow(run, { ...snapshot, ...over });
    const bare = await client.follow(run, over);
    const reading = Promise.all([whole.events(), bare.events()]);
    await client.post(`/form/human_input/${token}`, { inputs: { name: 'A', room: 'single' }, action: 'confirm' });
    const second = await secondToken(client, String(events[0]?.['conversation_id']));
    await client.post(`/form/human_input/${second}`, { inputs: { payment: 'card' }, action: 'confirm' });
    const [known, unknown] = await reading;
    expect(known.filter(({ event }) => event === 'workflow_paused')).toHaveLength(2);
    expect(last(known)['event']).toBe('workflow_finished');
    expect(outline(unknown)).toEqual(expect.arrayContaining(['workflow_paused', 'message_end', 'workflow_finished']));
  });

  test('over its pauses also shows what comes after the end: the error of a failed chatflow', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0', relayIdleMs: 400 });
    const client = new Client(sandbox, 'concierge');
    // Slow, so that there is time to follow it before it fails.
    const { workflow_run_id: run } = await (await client.ask('!slow:0.3 !fail')).until(() => true);
    const events = await (await client.follow(run, { continue_on_pause: 'true' })).events();
    expect(outline(events).slice(-2)).toEqual(['workflow_finished', 'error']);
  });

  test('is for the user who started it', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const { client, run } = await pause(sandbox, 'approval');
    expect((await new Client(sandbox, 'approval', 'bob').follow(run)).response.status).toBe(404);
    expect((await new Client(sandbox, 'concierge').follow(run)).response.status).toBe(404);
    expect((await new Client(sandbox, 'assistant').follow(run)).response.status).toBe(400);
    expect((await client.call('GET', `/workflow/${run}/events`)).status).toBe(400);
  });

  test('with a snapshot shows a pause at once, and ends', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.16.0' });
    const { client, run } = await pause(sandbox, 'approval');
    const events = await (await client.follow(run, snapshot)).events();
    expect(outline(events).slice(-3)).toEqual(['node_finished', 'human_input_required', 'workflow_paused']);
    expect(dataIn(events, 'human_input_required')).toHaveProperty('approval_channels', []);
    expect(events.findLast(({ event }) => event === 'node_finished')?.['data']).toMatchObject({
      node_type: 'human-input',
      status: 'paused',
      outputs: null,
      index: 3,
    });
  });
});

/** The token of the second form, as soon as there is one. */
async function secondToken(client: Client, conversation_id: string): Promise<string> {
  for (;;) {
    const { json } = await client.get('/messages', { conversation_id });
    const [message] = json['data'] as { extra_contents: { form_definition: Json | null }[] }[];
    const token = message?.extra_contents[1]?.form_definition?.['form_token'];
    if (typeof token === 'string') return token;
  }
}
