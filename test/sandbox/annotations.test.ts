import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, outline, textOf, type Json } from './client.ts';
import { recording } from './recordings.ts';

const setting = { score_threshold: 0.9, embedding_provider_name: 'a/b/c', embedding_model_name: 'small' };
const note = { question: 'What is up?', answer: 'All is well.' };

describe('annotations', () => {
  test('are created, listed, changed and deleted as recorded', async () => {
    await using sandbox = await openSandbox();
    const client = new Client(sandbox, 'assistant');
    const created = await client.call('POST', '/apps/annotations', note);
    const recorded = JSON.parse(recording('annotations/01-create').body) as Json;
    expect([created.status, Object.keys(created.json)]).toEqual([201, Object.keys(recorded)]);
    const path = `/apps/annotations/${String(created.json['id'])}`;
    const changed = await client.call('PUT', path, { ...note, answer: 'Changed.' });
    expect(changed.json).toEqual({ ...created.json, answer: 'Changed.' });
    await client.call('POST', '/apps/annotations', { question: 'two', answer: 'zwei' });
    const list = await client.get('/apps/annotations', { limit: '2' });
    // The page is full, so there seems to be more.
    expect(list.json).toMatchObject({ has_more: true, limit: 2, total: 2, page: 1 });
    expect((list.json['data'] as Json[]).map(({ question }) => question)).toEqual(['two', 'What is up?']);
    expect((await client.get('/apps/annotations', { keyword: 'CHANGED' })).json).toMatchObject({ total: 1, limit: 20 });
    expect((await client.get('/apps/annotations', { limit: '500' })).json).toMatchObject({ limit: 100 });
    const deleted = await client.call('DELETE', path);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    expect((await client.call('DELETE', path)).status).toBe(404);
    expect((await client.call('POST', '/apps/annotations', { question: 'x' })).status).toBe(400);
  });

  test('answer when a job has turned them on, and no more when one has turned them off', async () => {
    await using sandbox = await openSandbox({ pace: 0.2 });
    const client = new Client(sandbox, 'assistant');
    await client.call('POST', '/apps/annotations', note);
    const answer = async () => textOf(await (await client.ask('what is UP !fast')).events());
    const turn = async (action: string) => {
      const { json } = await client.call('POST', `/apps/annotation-reply/${action}`, setting);
      expect(json).toEqual({ job_id: expect.any(String) as string, job_status: 'waiting' });
      const path = `/apps/annotation-reply/${action}/status/${String(json['job_id'])}`;
      const seen = new Set<unknown>();
      while (!seen.has('completed')) seen.add((await client.get(path)).json['job_status']);
      expect([...seen]).toEqual(['waiting', 'completed']);
    };
    expect(await answer()).not.toBe(note.answer);
    await turn('enable');
    expect((await client.get('/parameters')).json['annotation_reply']).toMatchObject({
      enabled: true,
      score_threshold: 0.9,
    });
    const asked = 'what is UP';
    const events = await (await client.ask(asked)).events();
    expect(outline(events)).toEqual(['message', 'message_end']);
    expect(events).toHaveLength(2);
    expect(textOf(events)).toBe(note.answer);
    const { annotation_reply: reply } = last(events)['metadata'] as Json;
    expect(reply).toMatchObject({ id: expect.any(String) as string, account: { name: 'sandbox' } });
    const { json } = await client.get('/apps/annotations');
    expect((json['data'] as Json[])[0]).toMatchObject({ hit_count: 1 });
    await turn('disable');
    expect(textOf(await (await client.ask(asked)).events())).not.toBe(note.answer);
  });

  test('of a chatflow answer without a run', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'concierge');
    await client.call('POST', '/apps/annotations', note);
    await client.call('POST', '/apps/annotation-reply/enable', setting);
    const events = await (await client.ask(note.question)).events();
    expect(outline(events)).toEqual(['message', 'message_end']);
    expect(Object.keys(last(events)['metadata'] as Json)).toEqual(['retriever_resources', 'usage']);
  });

  test('have no job by another name', async () => {
    await using sandbox = await openSandbox();
    const client = new Client(sandbox, 'assistant');
    const unknown = '0516cbb8-e06a-49ef-9091-46a03e4a80b7';
    expect((await client.get(`/apps/annotation-reply/enable/status/${unknown}`)).json).toMatchObject({
      code: 'invalid_param',
      message: 'The job does not exist.',
    });
    expect((await client.call('POST', '/apps/annotation-reply/maybe', setting)).status).toBe(404);
  });
});
