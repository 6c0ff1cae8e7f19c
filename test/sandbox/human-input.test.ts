import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, outline, textOf, type Json } from './client.ts';
import { approve, dataIn, pause, snapshot } from './pause.ts';
import { pixel, uploaded } from './upload.ts';

describe('a run that needs a person', () => {
  test('pauses with a form, and its stream ends', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const { client, run, token, events } = await pause(sandbox, 'approval');
    expect(outline(events).slice(-2)).toEqual(['human_input_required', 'workflow_paused']);
    const form = dataIn(events, 'human_input_required');
    expect(form).toMatchObject({
      node_title: 'Review',
      inputs: [{ type: 'paragraph' }, { type: 'select' }, { type: 'file' }],
      actions: [{ id: 'approve' }, { id: 'reject' }],
      display_in_ui: true,
      resolved_default_values: { comment: expect.stringContaining('cake') as string },
    });
    expect(dataIn(events, 'workflow_paused')).toMatchObject({
      workflow_run_id: run,
      paused_nodes: ['review'],
      status: 'paused',
      reasons: [{ TYPE: 'human_input_required', form_token: token }],
    });
    expect((await client.get(`/workflows/run/${run}`)).json).toMatchObject({ status: 'paused', outputs: {} });
    const shown = await client.get(`/form/human_input/${token}`);
    expect(Object.keys(shown.json)).toEqual([
      'form_content',
      'inputs',
      'resolved_default_values',
      'user_actions',
      'expiration_time',
    ]);
    // Raw UTF-8, unlike all other replies.
    expect(shown.text).toContain('🍰');
    expect(shown.json).toMatchObject({ form_content: form['form_content'], user_actions: form['actions'] });
    await using older = await openSandbox({ pace: 0, version: '1.14.2' });
    const { inputs } = dataIn((await pause(older, 'approval')).events, 'human_input_required');
    expect((inputs as Json[]).map(({ type }) => type)).toEqual(['paragraph', 'select']);
  });

  test('goes on when it is answered: snapshot, then what is new, then, once over, its end alone', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const { client, run, token, events: before } = await pause(sandbox, 'approval');
    expect((await client.post(`/form/human_input/${token}`, approve)).text).toBe('{}\n');
    const stream = await client.follow(run, snapshot);
    expect(stream.response.headers.get('cache-control')).toBe('no-cache');
    const events = await stream.events();
    expect(new Set(events.map(({ task_id }) => task_id))).toEqual(new Set([before[0]?.['task_id']]));
    const started = events.filter(({ event }) => event === 'workflow_started').map(({ data }) => data as Json);
    expect(started.map(({ reason }) => reason)).toEqual(['initial', 'resumption']);
    const live = events.slice(events.findLastIndex(({ event }) => event === 'workflow_started'));
    expect(live.map(({ event }) => event).slice(0, 4)).toEqual([
      'workflow_started',
      'node_started',
      'human_input_form_filled',
      'node_finished',
    ]);
    const nodes = events.filter(({ data }) => (data as Json)['node_id'] === 'review' && 'id' in (data as Json));
    expect(new Set(nodes.map(({ data }) => (data as Json)['id'])).size).toBe(1);
    expect(dataIn(live, 'human_input_form_filled')).toMatchObject({
      action_id: 'approve',
      action_text: 'Approve',
      rendered_content: expect.stringContaining('Better so.\n\nSend it by mail') as string,
      submitted_data: { comment: 'Better so.', channel: 'mail', attachment: null },
    });
    expect(dataIn(live, 'node_finished')['outputs']).toMatchObject({
      __action_id: 'approve',
      __action_value: 'Approve',
    });
    const outputs = {
      decision: 'approve',
      text: 'Better so.',
      comment: 'Better so.',
      channel: 'mail',
      attachment: null,
    };
    expect(last(live)).toMatchObject({ event: 'workflow_finished', data: { status: 'succeeded', outputs } });

    const replay = await (await client.follow(run)).response.text();
    expect(replay).toMatch(/^data: \{"event": "workflow_finished", "task_id": "[^"]+", [\x20-\x7e]+\n\n$/);
    const end = JSON.parse(replay.slice('data: '.length)) as Json;
    expect(end).toMatchObject({ task_id: run, workflow_run_id: run, data: { status: 'succeeded', outputs } });
  });

  test('takes one answer only, and a good one', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const { client, token } = await pause(sandbox, 'approval');
    const path = `/form/human_input/${token}`;
    const bad = async (body: Json) => {
      const { status, json } = await client.post(path, body);
      return [status, json['code'], json['message']];
    };
    expect(await bad({ ...approve, action: 'x' })).toEqual([400, 'invalid_form_data', 'Invalid action: x']);
    expect(await bad({ inputs: { channel: 'mail' }, action: 'approve' })).toEqual([
      400,
      'invalid_form_data',
      'Missing required inputs: comment',
    ]);
    expect((await bad({ ...approve, inputs: { comment: 1, channel: 'mail' } }))[1]).toBe('invalid_form_data');
    expect((await bad({ ...approve, inputs: { comment: 'a', channel: 'fax' } }))[1]).toBe('invalid_form_data');
    const wrongFile = {
      comment: 'a',
      channel: 'mail',
      attachment: { transfer_method: 'local_file', upload_file_id: 'x' },
    };
    expect((await bad({ ...approve, inputs: wrongFile }))[1]).toBe('invalid_form_data');
    expect((await client.call('POST', path, approve)).json['message']).toBe('Arg user must be provided.');
    const other = new Client(sandbox, 'approval', 'bob');
    expect((await other.post(path, approve)).status).toBe(200);
    expect(await client.post(path, approve)).toMatchObject({
      status: 412,
      json: { code: 'human_input_form_submitted' },
    });
    expect((await client.get(path)).status).toBe(412);
    expect((await client.get('/form/human_input/none')).status).toBe(404);
    expect((await new Client(sandbox, 'concierge').get(path)).status).toBe(404);
  });

  test('may be given a file', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const { client, run, token } = await pause(sandbox, 'approval');
    const id = await uploaded(sandbox, 'approval', new File([pixel], 'stamp.png', { type: 'image/png' }));
    const attachment = { type: 'image', transfer_method: 'local_file', upload_file_id: id };
    await client.post(`/form/human_input/${token}`, { ...approve, inputs: { ...approve.inputs, attachment } });
    const { outputs } = dataIn(await (await client.follow(run, snapshot)).events(), 'workflow_finished');
    expect(outputs).toMatchObject({ attachment: { filename: 'stamp.png', related_id: id } });
  });

  test('ends without an answer when the time is up', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0', formTimeoutMs: 100 });
    const { client, run, token } = await pause(sandbox, 'approval');
    const events = await (await client.follow(run)).events();
    expect(dataIn(events, 'human_input_form_timeout')).toMatchObject({ node_id: 'review' });
    expect(dataIn(events, 'node_finished')['outputs']).toMatchObject({ __action_id: '' });
    expect(last(events)['data']).toMatchObject({ status: 'succeeded', outputs: { decision: 'timeout' } });
    expect(await client.get(`/form/human_input/${token}`)).toMatchObject({
      status: 412,
      json: { code: 'human_input_form_expired' },
    });
  });

  test('may have a time of its own, and a form that goes by mail only', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const { client, run, events } = await pause(sandbox, 'approval', '!formtimeout:0.1 !mailform');
    expect(dataIn(events, 'human_input_required')['form_token']).toBeNull();
    expect(last(await (await client.follow(run)).events())['data']).toMatchObject({ outputs: { decision: 'timeout' } });
  });

  test('may need two, one after the other', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const { client, run, token } = await pause(sandbox, 'approval', '!twice');
    await client.post(`/form/human_input/${token}`, approve);
    const between = await (await client.follow(run, snapshot)).events();
    expect(outline(between).slice(-2)).toEqual(['human_input_required', 'workflow_paused']);
    const second = String(dataIn(between, 'human_input_required')['form_token']);
    expect(second).not.toBe(token);
    await client.post(`/form/human_input/${second}`, { inputs: { reason: 'Fine.' }, action: 'reject' });
    const end = last(await (await client.follow(run, snapshot)).events());
    expect(end['data']).toMatchObject({ outputs: { decision: 'reject', reason: 'Fine.', comment: 'Better so.' } });
  });

  test('answers a blocking request with the pause', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const approval = await new Client(sandbox, 'approval').post('/workflows/run', { inputs: { topic: 'cake' } });
    expect(approval.json['data']).toMatchObject({ status: 'paused', finished_at: null, paused_nodes: ['review'] });
    const concierge = new Client(sandbox, 'concierge');
    const asked = { query: 'Book a room', inputs: {}, auto_generate_name: false };
    const { status, json } = await concierge.post('/chat-messages', asked);
    expect([status, json]).toMatchObject([
      200,
      {
        event: 'workflow_paused',
        mode: 'advanced-chat',
        data: { status: 'paused', reasons: [{ node_id: 'booking' }] },
      },
    ]);
    const [reason] = (json['data'] as { reasons: Json[] }).reasons;
    const answer = { inputs: { name: 'Ann', room: 'suite' }, action: 'confirm' };
    await concierge.post(`/form/human_input/${String(reason?.['form_token'])}`, answer);
    const events = await (await concierge.follow(json['workflow_run_id'])).events();
    expect(textOf(events)).toContain('**suite**, in the name of Ann');
  });

  test('is not there before 1.14', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.13.2' });
    const client = new Client(sandbox, 'concierge');
    expect(outline(await (await client.ask('Book a room')).events())).toContain('workflow_finished');
    expect((await client.get('/form/human_input/x')).text).toMatch(/^<!doctype html>/);
    expect((await client.follow('x')).response.status).toBe(404);
  });
});

describe('a booking with the concierge', () => {
  test('continues its answer after the pause, and the message keeps form and answer', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.15.0' });
    const { client, run, token, events: before } = await pause(sandbox, 'concierge');
    const conversation_id = String(before[0]?.['conversation_id']);
    const message = async () => {
      const { json } = await client.get('/messages', { conversation_id });
      return (json['data'] as Json[])[0];
    };
    expect(outline(before)).not.toContain('message_end');
    expect(await message()).toMatchObject({
      status: 'paused',
      answer: textOf(before).trim(),
      extra_contents: [{ type: 'human_input', submitted: false, form_definition: { form_token: token } }],
    });
    const answer = { inputs: { name: 'Ann', room: 'double' }, action: 'confirm' };
    await client.post(`/form/human_input/${token}`, answer);
    const events = await (await client.follow(run, snapshot)).events();
    expect(events.find(({ event }) => event === 'message_replace')).toMatchObject({
      answer: textOf(before),
      reason: '',
    });
    expect(Object.keys(events[0] ?? {}).slice(-3)).toEqual(['conversation_id', 'message_id', 'created_at']);
    expect(outline(events).slice(-2)).toEqual(['message_end', 'workflow_finished']);
    expect(await message()).toMatchObject({
      status: 'normal',
      answer: (textOf(before) + textOf(events)).trim(),
      extra_contents: [{ submitted: true, form_definition: null, form_submission_data: { action_id: 'confirm' } }],
    });
  });

  test('may be refused, or ask for more', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.16.0' });
    const first = await pause(sandbox, 'concierge');
    const values = { name: 'Ann', room: 'double' };
    await first.client.post(`/form/human_input/${first.token}`, { inputs: values, action: 'cancel' });
    expect(textOf(await (await first.client.follow(first.run)).events())).toContain('was not confirmed');
    const second = await pause(sandbox, 'concierge', '!twice');
    await second.client.post(`/form/human_input/${second.token}`, { inputs: values, action: 'confirm' });
    const between = await (await second.client.follow(second.run)).events();
    const token = String(dataIn(between, 'human_input_required')['form_token']);
    await second.client.post(`/form/human_input/${token}`, { inputs: { payment: 'card' }, action: 'confirm' });
    expect(textOf(await (await second.client.follow(second.run)).events())).toContain('paid by card');
  });
});

describe('1.16.0', () => {
  test('stops a resumed workflow, and tells of no answer', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.16.0' });
    const { client, run, token } = await pause(sandbox, 'approval');
    await client.post(`/form/human_input/${token}`, approve);
    const events = await (await client.follow(run, snapshot)).events();
    expect(outline(events)).not.toContain('human_input_form_filled');
    expect(last(events)).toMatchObject({
      event: 'workflow_finished',
      data: { status: 'stopped', error: 'Stopped by user.' },
    });
    const booking = await pause(sandbox, 'concierge');
    const answer = { inputs: { name: 'Ann', room: 'double' }, action: 'confirm' };
    await booking.client.post(`/form/human_input/${booking.token}`, answer);
    const resumed = await (await booking.client.follow(booking.run, snapshot)).events();
    expect(outline(resumed)).not.toContain('human_input_form_filled');
    expect(last(resumed)['data']).toMatchObject({ status: 'succeeded' });
  });
});
