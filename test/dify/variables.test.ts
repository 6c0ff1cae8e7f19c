import { expect, it } from 'vitest';
import { answers, replays } from './answering.ts';
import { client } from './fake-server.ts';

const user = 'u';
const conversationId = 'c';
const variableId = 'v';

it('C95 leaves the value of a variable as it is written', async () => {
  const value = "{'a': None, 'b': [1, True]}";
  const variable = { id: 'v', name: 'n', value_type: 'object', value, description: '', created_at: 7, updated_at: 8 };
  await using server = await answers([200, { limit: 20, has_more: true, data: [variable] }]);
  await using dify = client(server.baseUrl);
  expect(await dify.one.variables.list({ user, conversationId, limit: 20 })).toEqual({
    items: [{ id: 'v', name: 'n', valueType: 'object', value, description: '', createdAt: 7, updatedAt: 8 }],
    hasMore: true,
  });
});

it('reads a variable without value, description and times', async () => {
  const bare = { id: 'v', name: 'n', value: null };
  await using server = await answers([200, { data: [bare] }]);
  await using dify = client(server.baseUrl);
  const nothing = { value: null, description: null, createdAt: null, updatedAt: null };
  expect(await dify.one.variables.list({ user, conversationId, limit: 20 })).toEqual({
    items: [{ id: 'v', name: 'n', valueType: 'string', ...nothing }],
    hasMore: false,
  });
});

it.each([[null], [0], [false], [''], [undefined]])('sets a variable to %j', async (value) => {
  await using server = await answers([200, { id: 'v', name: 'n', value: 'None' }]);
  await using dify = client(server.baseUrl);
  expect(await dify.one.variables.set({ user, conversationId, variableId, value })).toMatchObject({ value: 'None' });
  expect(JSON.parse(server.requests[0]!.body)).toEqual({ user, value: value ?? null });
});

it('does not set a variable twice when the answer is lost', async () => {
  await using server = await answers([502]);
  await using dify = client(server.baseUrl);
  const set = dify.one.variables.set({ user, conversationId, variableId, value: 1 });
  await expect(set).rejects.toMatchObject({ difyStatus: 502 });
  expect(server.requests).toHaveLength(1);
});

it('tells why a value does not fit', async () => {
  await using server = await replays('chatflow/21-variable-put-bad-type');
  await using dify = client(server.baseUrl);
  const set = dify.one.variables.set({ user, conversationId, variableId, value: { a: 1 } });
  await expect(set).rejects.toMatchObject({ code: 'UPSTREAM_REJECTED', message: /expects string, but got object/ });
});

it('fails on 1.12.1 when variables are asked for by name', async () => {
  await using server = await replays('chatflow/19-variables-by-name');
  await using dify = client(server.baseUrl);
  const asked = dify.one.variables.list({ user, conversationId, limit: 20, name: 'counter' });
  await expect(asked).rejects.toMatchObject({ code: 'UPSTREAM_ERROR', difyStatus: 500 });
  expect(server.requests).toHaveLength(1);
});

it.each(['', '..'])('does not let the id %j name another path', async (id) => {
  await using server = await answers([200, {}]);
  await using dify = client(server.baseUrl);
  const absent = { code: 'NOT_FOUND' };
  await expect(dify.one.variables.set({ user, conversationId, variableId: id, value: 1 })).rejects.toMatchObject(
    absent,
  );
  await expect(dify.one.variables.list({ user, conversationId: id, limit: 1 })).rejects.toMatchObject(absent);
  expect(server.requests).toEqual([]);
});
