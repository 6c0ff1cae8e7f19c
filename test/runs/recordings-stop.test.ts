import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStage, recorded, type Stage } from './replaying.ts';
import { stopping } from './run-document.ts';
import { expectAsTold } from './shown.ts';
import { frameEnds, framesOf, string } from './wire-frames.ts';
import { toldBy } from './wire-model.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const stopped = recorded.filter(({ name }) => name.startsWith('stop/') && !name.endsWith('other-user'));

describe.concurrent('a run that is stopped', () => {
  test.each(stopped)(
    'ends as STOPPED, though a stopped answer looks like a whole one: $name',
    async ({ kind, body }) => {
      const [firstEnd = 0] = frameEnds(body);
      const [first] = framesOf(body);
      const asked = stage.stopped(string(first?.['task_id']) ?? '');
      const steps = [{ write: body.subarray(0, firstEnd) }, { until: asked }, { write: body.subarray(firstEnd) }];
      let stop: ReturnType<typeof stage.rig.query> | undefined;
      const reader = await stage.play({ kind, steps }, ({ __typename, runId }) => {
        if (__typename === 'RunStarted') stop ??= stage.rig.query(stopping, { runId, waitMs: 5_000 });
      });
      const told = toldBy(framesOf(body), { kind, stopAskedAt: 1 });
      expect(told.status).toBe('STOPPED');
      expectAsTold(told, reader, await stage.look(reader.runId));
      expect(await stop).toEqual({ data: { stopRun: { confirmed: true } } });
    },
  );
});
