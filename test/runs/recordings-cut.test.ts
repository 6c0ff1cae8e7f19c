import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atOnce, openStage, recorded, shortWaits, type Stage } from './replaying.ts';
import { expectAsTold } from './shown.ts';
import { frameEnds, framesOf } from './wire-frames.ts';
import { toldBy } from './wire-model.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage(shortWaits);
});
afterAll(() => stage[Symbol.asyncDispose]());

describe.concurrent('a recorded stream that', { timeout: 60_000 }, () => {
  test.each(recorded)('breaks off keeps what was said, after each event: $name', async ({ kind, body }) => {
    await atOnce(8, [0, ...frameEnds(body)], async (bytes) => {
      const start = body.subarray(0, bytes);
      const reader = await stage.play({ kind, steps: [{ write: start }], end: 'reset' });
      const told = toldBy(framesOf(start), { kind });
      expectAsTold(told, reader, await stage.look(reader.runId));
    });
  });

  test.each(recorded)('stays open after its end is ended after a grace: $name', async ({ kind, body }) => {
    await atOnce(8, frameEnds(body), async (bytes) => {
      const start = body.subarray(0, bytes);
      const told = toldBy(framesOf(start), { kind });
      if (told.error?.code === 'STREAM_INTERRUPTED') return;
      const reader = await stage.play({ kind, steps: [{ write: start }], end: 'hang' });
      expectAsTold(told, reader, await stage.look(reader.runId));
    });
  });
});

// Sooner than a silent connection is given up.
test('every question was asked once, and every connection let go', { timeout: 5_000 }, async () => {
  const asked = stage.rig.generations();
  expect(new Set(asked.map(({ body }) => JSON.stringify(body))).size).toBe(asked.length);
  await Promise.all(asked.map(({ done }) => done));
  expect(stage.rig.sandbox.open).toBe(0);
});
