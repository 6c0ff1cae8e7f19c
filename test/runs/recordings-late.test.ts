import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isMarker, marker, openStage, recorded, type Stage } from './replaying.ts';
import { RunReader } from './run-reader.ts';
import { framesOf } from './wire-frames.ts';
import { toldBy } from './wire-model.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const names = [
  'agent/03-two-tools',
  'chat-errors/11-stream-error-mid',
  'chatflow/09-llm-think',
  'workflow/15-iter-parallel',
];
const some = recorded.filter(({ name }) => names.includes(name));

/** A client that has read a run up to event `seq` and no further. */
function knowing({ events }: RunReader, seq: number): RunReader {
  const reader = new RunReader();
  for (const event of events) if (event.seq <= seq) reader.apply(event);
  return reader;
}

/** From one before the first number to one after the last. */
function positions(lastSeq: number): number[] {
  return Array.from({ length: lastSeq + 3 }, (_, index) => index - 1);
}

describe.concurrent('a reader that comes late', () => {
  test.each(some)('gets the rest of an ended run, whatever `after` it names: $name', async ({ kind, body }) => {
    const first = await stage.play({ kind, steps: [{ write: body }] });
    const { text, reasoning } = toldBy(framesOf(body), { kind });
    await Promise.all(
      [null, ...positions(first.seq)].map(async (after) => {
        const isKnown = after !== null && after >= 0 && after <= first.seq;
        const reader = await stage.follow(first.runId, after, isKnown ? knowing(first, after) : new RunReader());
        const attached = reader.events.findLast(({ __typename }) => __typename === 'RunAttached');
        expect(attached?.['mode']).toBe(after === null ? 'SNAPSHOT' : isKnown ? 'RESUME' : 'GAP');
        expect(reader).toMatchObject({ text, reasoning, seq: first.seq, jumps: 0, faults: [] });
        expect(reader.finished).toEqual(first.finished);
      }),
    );
  });

  test.each(some)(
    'gets the rest of a run that is under way, whatever `after` it names: $name',
    async ({ kind, body }) => {
      const half = body.indexOf('\n\n', body.length / 2) + 2;
      const [held, goOn] = [Promise.withResolvers<RunReader>(), Promise.withResolvers<void>()];
      const steps = [
        { write: body.subarray(0, half) },
        { write: marker },
        { until: goOn.promise },
        { write: body.subarray(half) },
      ];
      const playing = stage.play({ kind, steps }, (event, reader) => {
        if (isMarker(event)) held.resolve(reader);
      });
      const early = await held.promise;
      const { seq, runId } = early;
      const late = [null, ...positions(seq)].map((after) => {
        const isKnown = after !== null && after >= 0 && after <= seq;
        return { after, reader: isKnown ? knowing(early, after) : new RunReader() };
      });
      let attached = 0;
      const reading = late.map(({ after, reader }) =>
        stage.follow(runId, after, reader, ({ __typename }) => {
          if (__typename === 'RunAttached' && (attached += 1) === late.length) goOn.resolve();
        }),
      );
      const first = await playing;
      const { text, reasoning } = toldBy(framesOf(body), { kind });
      for (const reader of [first, ...(await Promise.all(reading))]) {
        expect(reader).toMatchObject({ text, reasoning, seq: first.seq, jumps: 0, faults: [] });
        expect(reader.finished).toEqual(first.finished);
      }
    },
  );
});
