import { describe, expect, test } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, type Json } from './client.ts';

async function talk(sandbox: Sandbox): Promise<[Client, string]> {
  const client = new Client(sandbox, 'concierge');
  const events = await (await client.ask('When is breakfast?', { inputs: { guest: 'Ann' } })).events();
  return [client, `/conversations/${String(last(events)['conversation_id'])}/variables`];
}

const rows = async (client: Client, path: string, query = {}) => {
  const { json } = await client.get(path, query);
  return json['data'] as Json[];
};

describe('the variables of a conversation', () => {
  test('are text, lists and objects as Python writes them', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.14.2' });
    const [client, path] = await talk(sandbox);
    expect((await rows(client, path)).map(({ name, value_type, value }) => [name, value_type, value])).toEqual([
      ['questions', 'number', '1'],
      ['last_question', 'string', 'When is breakfast?'],
      ['guest', 'object', "{'name': 'Ann', 'vip': False}"],
      ['topics', 'array[string]', "['breakfast']"],
    ]);
  });

  test('are found by a part of their name, in any case; up to 1.12 that fails', async () => {
    await using sandbox = await openSandbox({ pace: 0, version: '1.14.2' });
    const [client, path] = await talk(sandbox);
    const named = await rows(client, path, { variable_name: 'QUESTION' });
    expect(named.map(({ name }) => name)).toEqual(['questions', 'last_question']);
    expect((await client.get(path, { variable_name: 'a b' })).status).toBe(400);
    await using older = await openSandbox({ pace: 0 });
    const [asker, theirs] = await talk(older);
    expect((await asker.get(theirs, { variable_name: 'guest' })).status).toBe(500);
  });

  test('are paged, oldest first', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const [client, path] = await talk(sandbox);
    const [first, second] = await rows(client, path, { limit: '2' });
    const rest = await client.get(path, { last_id: String(second?.['id']), limit: '2' });
    expect(first?.['name']).toBe('questions');
    expect((rest.json['data'] as Json[]).map(({ name }) => name)).toEqual(['guest', 'topics']);
    expect(rest.json['has_more']).toBe(false);
    const unknown = await client.get(path, { last_id: '0516cbb8-e06a-49ef-9091-46a03e4a80b7' });
    expect([unknown.status, unknown.json]).toEqual([400, { code: 'invalid_param', message: '', status: 400 }]);
  });

  test('take values of their type, which the next question finds', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const [client, path] = await talk(sandbox);
    const put = async (name: string, value: unknown) => {
      const found = (await rows(client, path)).find((row) => row['name'] === name);
      return client.call('PUT', `${path}/${String(found?.['id'])}`, { user: 'ann', value });
    };
    expect((await put('questions', 41)).json).toMatchObject({ name: 'questions', value: '41' });
    expect((await put('guest', { name: null, vip: true })).json['value']).toBe("{'name': None, 'vip': True}");
    expect((await put('topics', ['a', 'b'])).json['value']).toBe("['a', 'b']");
    expect((await put('topics', [])).json['value']).toBe('[]');
    expect((await put('topics', [1])).json['message']).toBe(
      "Type mismatch: variable 'topics' expects array[string], but got array[number] type",
    );
    const conversation_id = path.split('/')[2];
    await (await client.ask('When does the sauna open?', { conversation_id })).events();
    expect((await rows(client, path)).map(({ value }) => value)).toEqual([
      '42',
      'When does the sauna open?',
      "{'name': None, 'vip': True}",
      "['pool']",
    ]);
  });
});
