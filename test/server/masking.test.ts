import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
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

  describe('of one field', () => {
    beforeAll(() => {
      vi.spyOn(Date.prototype, 'toISOString').mockImplementation(() => {
        throw new TypeError(secret);
      });
    });
    afterAll(() => void vi.restoreAllMocks());

    test.each(Object.entries(doors))('leaves the rest of the answer: %s', async (_, door) => {
      await using rig = await openRig();
      const query =
        'mutation { chat(input: { query: "a", autoGenerateName: false }) { answer run { id finishedAt } } }';
      const [result] = await door(rig, { query });
      const chat = { answer: expect.any(String), run: { id: expect.any(String), finishedAt: null } };
      expect(result?.data).toEqual({ chat });
      const path = ['chat', 'run', 'finishedAt'];
      expect(result?.errors).toMatchObject([{ path, extensions: { code: 'INTERNAL' } }]);
      const { errorId } = result?.errors?.[0]?.extensions ?? {};
      expect(logLine(rig, errorId)).toMatchObject({ path: path.join('.') });
      expect(JSON.stringify(result)).not.toContain(secret);
    });

    test.each(Object.entries(streamingDoors))('leaves the other events: %s', async (_, door) => {
      await using rig = await openRig();
      const results = await door(rig, {
        query: `subscription { chatStream(input: { query: "a", idempotencyKey: "k" }) {
          __typename ... on RunFinished { status run { finishedAt } }
        } }`,
      });
      expect(results.slice(0, -1).flatMap(({ errors }) => errors ?? [])).toEqual([]);
      const last = results.at(-1);
      const finished = { __typename: 'RunFinished', status: 'SUCCEEDED', run: { finishedAt: null } };
      expect(last?.data).toEqual({ chatStream: finished });
      expect(last?.errors?.[0]?.extensions).toMatchObject({ code: 'INTERNAL', errorId: expect.any(String) });
    });
  });
});
