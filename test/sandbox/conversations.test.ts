import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Conversations } from '../../src/sandbox/conversations.ts';
import { endUser } from '../../src/sandbox/ids.ts';
import { Client, last, type Json } from './client.ts';

const ids = (json: Json) => (json['data'] as Json[]).map(({ id }) => String(id));
const names = (json: Json) => (json['data'] as Json[]).map(({ name }) => name);

async function talk(client: Client, ...questions: readonly string[]): Promise<string[]> {
  const opened: string[] = [];
  for (const question of questions) {
    opened.push(String(last(await (await client.ask(question)).events())['conversation_id']));
  }
  return opened;
}

describe('conversations', () => {
  test('are listed newest first, and in any order asked for', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const [one = ''] = await talk(client, 'one', 'two', 'three');
    await (await client.ask('again', { conversation_id: one })).events();
    expect(names((await client.get('/conversations')).json)).toEqual(['one', 'three', 'two']);
    const sorted = async (sort_by: string) => names((await client.get('/conversations', { sort_by })).json);
    expect(await sorted('created_at')).toEqual(['one', 'two', 'three']);
    expect(await sorted('-created_at')).toEqual(['three', 'two', 'one']);
    expect(await sorted('updated_at')).toEqual(['two', 'three', 'one']);
    expect((await client.get('/conversations', { sort_by: 'name' })).json['code']).toBe('invalid_param');
    expect((await client.get('/conversations', { limit: '101' })).json['code']).toBe('invalid_param');
  });

  test('page after last_id, with an exact has_more', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    await talk(client, 'one', 'two', 'three', 'four');
    const page = async (more: Record<string, string>) =>
      (await client.get('/conversations', { sort_by: 'created_at', limit: '2', ...more })).json;
    const first = await page({});
    expect([names(first), first['has_more']]).toEqual([['one', 'two'], true]);
    const second = await page({ last_id: ids(first)[1] ?? '' });
    expect([names(second), second['has_more']]).toEqual([['three', 'four'], false]);
    const unknown = await client.get('/conversations', { last_id: '0516cbb8-e06a-49ef-9091-46a03e4a80b7' });
    expect(unknown.status).toBe(404);
  });

  test('of exactly the same time are skipped at the border of a page, as in Dify', async () => {
    const times = [1_000_000, 2_000_000, 2_000_000, 3_000_000];
    let at = 0;
    await using sandbox = await openSandbox({ pace: 0, clock: () => times[at] ?? 0 });
    const client = new Client(sandbox, 'assistant');
    for (; at < times.length; at += 1) await talk(client, `at ${at}`);
    at = 3;
    const query = { sort_by: 'created_at', limit: '2' };
    const first = (await client.get('/conversations', query)).json;
    expect([names(first), first['has_more']]).toEqual([['at 0', 'at 1'], true]);
    const second = (await client.get('/conversations', { ...query, last_id: ids(first)[1] ?? '' })).json;
    expect([names(second), second['has_more']]).toEqual([['at 3'], false]);
  });

  test('belong to one user of one app', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const [id = ''] = await talk(new Client(sandbox, 'assistant'), 'mine');
    const strangers = [new Client(sandbox, 'assistant', 'bob'), new Client(sandbox, 'thinker')];
    for (const stranger of strangers) {
      expect(ids((await stranger.get('/conversations')).json)).toEqual([]);
      expect((await stranger.get('/messages', { conversation_id: id })).status).toBe(404);
      expect((await stranger.call('DELETE', `/conversations/${id}`, { user: stranger.user })).status).toBe(404);
      expect((await stranger.ask('x', { conversation_id: id })).response.status).toBe(404);
    }
  });

  test('without a user are those of a shared default user', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant', 'DEFAULT-USER');
    await talk(client, 'whose?');
    expect(names((await client.call('GET', '/conversations')).json)).toEqual(['whose?']);
  });

  test('are renamed, by hand and by themselves', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const [id = ''] = await talk(client, 'how do I connect a real Dify, please?');
    const rename = (body: Json) => client.post(`/conversations/${id}/name`, body);
    expect((await rename({ name: 'Grüße 👋' })).json['name']).toBe('Grüße 👋');
    expect((await rename({ auto_generate: true })).json['name']).toBe('How do I connect a real Dify, please');
    expect((await rename({ name: ' ' })).json['code']).toBe('invalid_param');
  });

  test('are gone once they are deleted', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const [id = ''] = await talk(client, 'one');
    expect((await client.call('DELETE', `/conversations/${id}`)).status).toBe(415);
    const deleted = await client.call('DELETE', `/conversations/${id}`, { user: 'ann' });
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect(ids((await client.get('/conversations')).json)).toEqual([]);
    expect((await client.get('/messages', { conversation_id: id })).status).toBe(404);
  });

  test('are bounded: a thousand for each user, the oldest forgotten', () => {
    const store = new Conversations(() => 1);
    const ann = endUser('assistant', 'ann');
    const about = { name: 'x', inputs: {}, introduction: '' };
    const first = store.open('assistant', ann, about);
    for (let count = 0; count < 1_000; count += 1) store.open('assistant', ann, about);
    expect(store.of(ann)).toHaveLength(1_000);
    expect(store.find('assistant', ann, first.id)).toBeUndefined();
  });
});

describe('messages', () => {
  test('page backwards, each page in ascending order', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const [id = ''] = await talk(client, 'one');
    for (const more of ['two', 'three', 'four']) await (await client.ask(more, { conversation_id: id })).events();
    const page = async (more: Record<string, string>) =>
      (await client.get('/messages', { conversation_id: id, limit: '2', ...more })).json;
    const queries = (json: Json) => (json['data'] as Json[]).map(({ query }) => query);
    const newest = await page({});
    expect([queries(newest), newest['has_more']]).toEqual([['three', 'four'], true]);
    const before = await page({ first_id: ids(newest)[0] ?? '' });
    expect([queries(before), before['has_more']]).toEqual([['one', 'two'], false]);
    expect((await page({ conversation_id: '' }))['data']).toEqual([]);
    expect((await client.get('/messages', {})).json['message']).toContain('Field required [type=missing');
  });

  test('keep what was said, stripped', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const [id = ''] = await talk(client, '!echo   Grüße 👋 \n ');
    const { json } = await client.get('/messages', { conversation_id: id });
    expect(json['data']).toMatchObject([{ answer: 'Grüße 👋', status: 'normal', error: null, feedback: null }]);
  });

  test('take feedback, and give it back', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const end = last(await (await client.ask('rate me')).events());
    const rate = (body: Json) => client.post(`/messages/${String(end['message_id'])}/feedbacks`, body);
    const feedback = async () => {
      const { json } = await client.get('/messages', { conversation_id: String(end['conversation_id']) });
      return (json['data'] as Json[])[0]?.['feedback'];
    };
    expect((await rate({ rating: null })).json['code']).toBe('invalid_param');
    expect((await rate({ rating: 'like', content: 'good' })).text).toBe('{"result": "success"}\n');
    expect(await feedback()).toEqual({ rating: 'like' });
    await rate({ rating: null });
    expect(await feedback()).toBeNull();
    expect((await rate({ rating: 'meh' })).status).toBe(400);
    const stranger = new Client(sandbox, 'assistant', 'bob');
    const path = `/messages/${String(end['message_id'])}/feedbacks`;
    expect((await stranger.post(path, { rating: 'like' })).status).toBe(404);
  });

  test('suggest what to ask next, where the app does', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const suggested = async (app: string) => {
      const client = new Client(sandbox, app);
      const end = last(await (await client.ask('help')).events());
      return client.get(`/messages/${String(end['message_id'])}/suggested`);
    };
    expect((await suggested('assistant')).json).toEqual({
      result: 'success',
      data: ['What is this sandbox?', 'How do I connect a real Dify?', 'Thanks!'],
    });
    expect((await suggested('thinker')).json['code']).toBe('bad_request');
  });
});
