import { afterAll, beforeAll, describe, test } from 'vitest';
import type { ScriptStep } from '../../src/sandbox/sandbox.ts';
import { openStage, recorded, type Recorded, type Stage } from './replaying.ts';
import { expectAsTold } from './shown.ts';
import { framesOf } from './wire-frames.ts';
import { toldBy } from './wire-model.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

/** The longest wait between two reads, in ms: the recording's own proportions, much faster. */
const longestMs = 8;

function asReceived({ reads }: Recorded): ScriptStep[] {
  const waits = reads.map(({ atMs }, index) => atMs - (reads[index - 1]?.atMs ?? 0));
  const scale = longestMs / Math.max(...waits);
  return reads.flatMap(({ bytes }, index) => [{ waitMs: Math.round((waits[index] ?? 0) * scale) }, { write: bytes }]);
}

function byteByByte({ body }: Recorded): ScriptStep[] {
  return Array.from(body, (byte) => ({ write: Uint8Array.of(byte) }));
}

describe.concurrent('a recorded stream', { timeout: 60_000 }, () => {
  test.each(recorded)('says what its bytes say, sent as it was received: $name', async (recording) => {
    const { kind, body, cut } = recording;
    const reader = await stage.play({ kind, steps: asReceived(recording), ...(cut ? { end: 'reset' } : {}) });
    expectAsTold(toldBy(framesOf(body), { kind }), reader, await stage.look(reader.runId));
  });

  test.each(recorded)('says the same sent byte by byte: $name', async (recording) => {
    const { kind, body } = recording;
    const reader = await stage.play({ kind, steps: byteByByte(recording) });
    expectAsTold(toldBy(framesOf(body), { kind }), reader, await stage.look(reader.runId));
  });
});
