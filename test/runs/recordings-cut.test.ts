import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScriptStep } from '../../src/sandbox/sandbox.ts';
import { atOnce, openStage, recorded, type Recorded, type Stage } from './replaying.ts';
import type { RunReader } from './run-reader.ts';
import { expectAsTold } from './shown.ts';
import { frameEnds, framesOf } from './wire-frames.ts';
import { toldBy } from './wire-model.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const marker = `data: ${JSON.stringify({ event: 'marker' })}\n\n`;

/**
 * Plays the first bytes of a recording, then an event that no Dify sends, and goes on once a client has seen that, or the
 * end: what came before has then been read.
 */
async function playUpTo({ kind, body }: Recorded, bytes: number, then: ScriptStep): Promise<RunReader> {
  const seen = Promise.withResolvers<void>();
  const steps = [{ write: body.subarray(0, bytes) }, { write: marker }, { until: seen.promise }, then];
  return stage.play({ kind, steps }, ({ __typename }) => {
    if (__typename === 'UnknownEvent' || __typename === 'RunFinished') seen.resolve();
  });
}

describe.concurrent('a recorded stream that', () => {
  test.each(recorded)('breaks off keeps what was said, after each event: $name', async (recording) => {
    const { kind, body } = recording;
    await atOnce(8, [0, ...frameEnds(body)], async (bytes) => {
      const reader = await playUpTo(recording, bytes, { reset: true });
      const told = toldBy(framesOf(body.subarray(0, bytes)), { kind });
      expectAsTold(told, reader, await stage.look(reader.runId));
    });
  });

  test.each(recorded)('stays open after its end is ended after a grace: $name', async (recording) => {
    const { kind, body } = recording;
    await atOnce(8, frameEnds(body), async (bytes) => {
      const told = toldBy(framesOf(body.subarray(0, bytes)), { kind });
      if (told.error?.code === 'STREAM_INTERRUPTED') return;
      const reader = await playUpTo(recording, bytes, { hang: true });
      expectAsTold(told, reader, await stage.look(reader.runId));
    });
  });
});

test('every question was asked once, and every connection let go', async () => {
  const asked = stage.rig.generations();
  expect(new Set(asked.map(({ body }) => JSON.stringify(body))).size).toBe(asked.length);
  await Promise.all(asked.map(({ done }) => done));
  expect(stage.rig.sandbox.open).toBe(0);
});
