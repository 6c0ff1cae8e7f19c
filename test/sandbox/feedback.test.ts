import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, type Json } from './client.ts';
import { recording } from './recordings.ts';

describe('feedback', () => {
  test('is listed for the whole app, newest first, with the keys of the recorded list', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const [ann, bob] = [new Client(sandbox, 'assistant'), new Client(sandbox, 'assistant', 'bob')];
    const list = async (query = {}) => (await ann.get('/app/feedbacks', query)).json['data'] as Json[];
    expect(await list()).toEqual([]);
    const ids: string[] = [];
    for (const client of [ann, bob]) {
      const end = last(await (await client.ask('hello')).events());
      ids.push(String(end['message_id']));
      await client.post(`/messages/${String(end['message_id'])}/feedbacks`, { rating: 'like', content: 'good' });
    }
    const all = await list();
    expect(all.map(({ message_id }) => message_id)).toEqual(ids.toReversed());
    const theirs = (JSON.parse(recording('chat/15-app-feedbacks').body) as { data: Json[] }).data[0];
    expect(Object.keys(all[0] ?? {})).toEqual(Object.keys(theirs ?? {}));
    expect(all[0]).toMatchObject({ rating: 'like', content: 'good', from_source: 'user', from_account_id: null });
    expect(all[0]?.['created_at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    expect((await list({ limit: '1', page: '2' })).map(({ message_id }) => message_id)).toEqual([ids[0]]);
    expect((await ann.get('/app/feedbacks', { limit: '102' })).status).toBe(400);
  });

  test('that is given again replaces rating and content, and null takes it back', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'copywriter');
    const { json } = await client.post('/completion-messages', { inputs: { product: 'Tea' } });
    const path = `/messages/${String(json['message_id'])}/feedbacks`;
    const list = async () => (await client.get('/app/feedbacks')).json['data'] as Json[];
    await client.post(path, { rating: 'like', content: 'good' });
    const [first] = await list();
    await client.post(path, { rating: 'dislike' });
    expect(await list()).toMatchObject([{ id: first?.['id'], rating: 'dislike', content: null }]);
    expect((await client.post(path, { rating: null })).text).toBe(recording('chat/13-feedback-null').body);
    expect(await list()).toEqual([]);
    expect((await client.post(path, { rating: null })).status).toBe(400);
  });
});

describe('an end user', () => {
  test('is known from the first request on, from 1.13 on', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.14.2' });
    const client = new Client(sandbox, 'summarize');
    const finished = last(await (await client.run({ text: 'One.' })).events())['data'] as Json;
    const { id } = finished['created_by'] as { id: string };
    expect((await client.get(`/end-users/${id}`)).json).toMatchObject({
      id,
      type: 'service-api',
      external_user_id: 'ann',
      session_id: 'ann',
      is_anonymous: false,
    });
    const other = await new Client(sandbox, 'assistant').get(`/end-users/${id}`);
    expect(other).toMatchObject({ status: 404, json: { code: 'end_user_not_found' } });
    await using older = await openSandbox();
    expect((await new Client(older, 'summarize').get(`/end-users/${id}`)).text).toMatch(/^<!doctype html>/);
  });
});
