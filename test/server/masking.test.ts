import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig, type RigOptions } from '../rig.ts';
import { program } from './carrying.ts';
import { doors, streamingDoors, type Door } from './doors.ts';

const secret = 'the disk is full of secrets';

function failing(): RigOptions {
  return {
    identify: () => {
      throw new TypeError(secret);
    },
  };
}

/** The one line of the log that has the id. */
function logLine(rig: Rig, errorId: unknown): Data {
  const lines = rig.logged.map((line) => JSON.parse(line) as Data).filter((line) => line['errorId'] === errorId);
  expect(lines).toHaveLength(1);
  return lines[0] ?? {};
}

function expectMasked(rig: Rig, results: Awaited<ReturnType<Door>>): Data {
  expect(results).toHaveLength(1);
  const [error, ...others] = results[0]?.errors ?? [];
  expect(others).toEqual([]);
  const errorId = error?.extensions?.['errorId'];
  expect(errorId).toMatch(/^[0-9a-f-]{36}$/);
  expect(error?.extensions).toEqual({ code: 'INTERNAL', errorId });
  expect(error?.message).toBe(`Something went wrong here. Report this id: ${String(errorId)}`);
  return logLine(rig, errorId);
}

describe('an unexpected error', () => {
  test.each(Object.entries(doors))('is masked and logged under its id: %s', async (_, door) => {
    await using rig = await openRig(failing());
    const results = await door(rig, { query: '{ viewer { id } }' });
    expect(JSON.stringify(results)).not.toContain(secret);
    expect(expectMasked(rig, results)).toMatchObject({ level: 50, err: { type: 'TypeError', message: secret } });
  });

  test.each(Object.entries(streamingDoors))('before a stream is masked too: %s', async (_, door) => {
    await using rig = await openRig(failing());
    const results = await door(rig, { query: 'subscription { runEvents(runId: "x") { seq } }' });
    expect(JSON.stringify(results)).not.toContain(secret);
    expect(expectMasked(rig, results)).toMatchObject({ err: { message: secret } });
  });

  test('of a promise is masked as well', async () => {
    await using rig = await openRig({ identify: () => Promise.reject(new Error(secret)) });
    for (const door of Object.values(doors)) {
      expectMasked(rig, await door(rig, { query: '{ viewer { id } }' }));
    }
  });

  test('answers HTTP with 500', async () => {
    await using rig = await openRig(failing());
    const response = await fetch(`${rig.url}?query={viewer{id}}`, {
      headers: { ...program, accept: 'application/json' },
    });
    expect(response.status).toBe(500);
  });

  test('has an id of its own each time', async () => {
    await using rig = await openRig(failing());
    const ids = new Set<unknown>();
    for (const door of Object.values(doors)) {
      const [result] = await door(rig, { query: '{ viewer { id } }' });
      ids.add(result?.errors?.[0]?.extensions?.['errorId']);
    }
    expect(ids.size).toBe(3);
  });

  // Dify may count more tokens than a GraphQL Int holds: whoever asked has done nothing wrong.
  const tooMany = 3_000_000_000;
  const frames = [
    { event: 'message', answer: 'Hi' },
    { event: 'message_end', metadata: { usage: { total_tokens: tooMany } } },
  ].map((frame) => `data: ${JSON.stringify({ task_id: 't', message_id: 'm', conversation_id: 'c', ...frame })}\n\n`);
  const query = 'chat(input: { query: "a", autoGenerateName: false }) { answer usage { totalTokens } }';

  test.each(Object.entries(doors))('within an answer leaves the rest of it: %s', async (_, door) => {
    await using rig = await openRig();
    rig.sandbox.script('assistant', { steps: frames.map((write) => ({ write })) });
    const [result] = await door(rig, { query: `mutation { ${query} }` });
    expect(result?.data).toEqual({ chat: { answer: 'Hi', usage: null } });
    expect(result?.errors?.[0]).toMatchObject({
      path: ['chat', 'usage', 'totalTokens'],
      extensions: { code: 'INTERNAL' },
    });
    const { errorId } = result?.errors?.[0]?.extensions ?? {};
    expect(logLine(rig, errorId)).toMatchObject({ path: 'chat.usage.totalTokens' });
    expect(JSON.stringify(result)).not.toContain(String(tooMany));
  });

  test.each(Object.entries(streamingDoors))('within an event leaves the other events: %s', async (_, door) => {
    await using rig = await openRig();
    rig.sandbox.script('assistant', { steps: frames.map((write) => ({ write })) });
    const results = await door(rig, {
      query: `subscription { chatStream(input: { query: "a", idempotencyKey: "k" }) {
        __typename ... on RunFinished { status usage { totalTokens } }
      } }`,
    });
    expect(results.slice(0, -1).flatMap(({ errors }) => errors ?? [])).toEqual([]);
    const last = results.at(-1);
    expect(last?.data).toEqual({ chatStream: { __typename: 'RunFinished', status: 'SUCCEEDED', usage: null } });
    expect(last?.errors?.[0]?.extensions).toMatchObject({ code: 'INTERNAL', errorId: expect.any(String) });
  });
});
