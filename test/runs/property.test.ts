import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answers, stepsOf, type Answer, type AnswerEnd } from './random-answer.ts';
import { act, plan, Witness, type Plan } from './random-client.ts';
import { openDirectly, openThroughSockets, type House } from './random-house.ts';
import type { ReadEvent, RunReader } from './run-reader.ts';
import type { Told } from './wire-model.ts';

interface Scenario {
  readonly answer: Answer;
  readonly clients: readonly Plan[];
  /** A stop is asked for when the witness has read so many events. */
  readonly stopAt: number | null;
}

const scenarios = (ends: readonly AnswerEnd[]): fc.Arbitrary<Scenario> =>
  fc.record({
    answer: answers(ends),
    clients: fc.array(plan, { maxLength: 4 }),
    stopAt: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat({ max: 30 }) }),
  });

let count = 0;

/** Plays a scenario, and checks all that is promised of it. */
async function hold(house: House, { answer, clients, stopAt }: Scenario): Promise<void> {
  const { kind, task, end } = answer;
  const [read, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const isHeld = end === 'stop' || end === 'silence';
  await using play = house.open(kind, `question ${(count += 1)}`, {
    steps: stepsOf(answer, { read: read.promise, stopped: stopped.promise }),
    task,
    stopped: stopped.resolve,
    // Where nothing more will come, there is nothing to wait for.
    graceMs: end === 'open' ? 10 : 5_000,
    stopMs: end === 'silence' ? 10 : 5_000,
  });
  const witness = new Witness();
  const stop = async () => play.stop(witness.reader.runId);
  const witnessed = witness.read(play.door().ask({ coalesceMs: 0 }), ({ __typename, name }) => {
    const isMarker = __typename === 'UnknownEvent' && name === 'marker';
    if (isMarker || __typename === 'RunFinished') read.resolve();
    if (isMarker && isHeld) void stop();
  });
  const stopping = isHeld || stopAt === null ? undefined : witness.reaches(Math.max(1, stopAt)).then(stop);
  const [readers] = await Promise.all([
    Promise.all(clients.map((one) => act(one, play.door(), witness))),
    witnessed,
    stopping,
  ]);
  checkWitness(witness.reader, answer, !isHeld && stopAt !== null);
  for (const [index, reader] of readers.entries()) check(reader, witness.reader, clients[index] as Plan);
  expect(play.questions()).toBe(1);
  if (play.watchers) expect(await play.watchers(witness.reader.runId)).toBe(0);
}

function checkWitness(reader: RunReader, { told }: Answer, mayBeStopped: boolean): void {
  expect(reader).toMatchObject({ text: told.text, reasoning: told.reasoning, faults: [] });
  if (reader.seq <= mostUnmerged) expect(reader.jumps).toBe(0);
  const { status, error, usage, rawText } = reader.finished as unknown as Told;
  const isStopped = mayBeStopped && status === 'STOPPED';
  expect({ status, code: error?.code }).toEqual(
    isStopped ? { status, code: undefined } : { status: told.status, code: told.error?.code },
  );
  // Where the figures come from is the gateway's to say.
  if (told.usage) expect(usage).toMatchObject(told.usage);
  else expect(usage).toBeNull();
  // Not a part of the event that clients get.
  if (rawText !== undefined) expect(rawText).toBe(told.rawText);
  const steps = reader.events
    .filter(({ __typename }) => __typename === 'AgentStepChanged')
    .map(({ step }) => step as Step);
  expect(byId(Object.values(Object.fromEntries(steps.map((step) => [step.id, step]))))).toEqual(
    byId(told.steps as Step[]),
  );
  const files = reader.events
    .filter(({ __typename }) => __typename === 'FileProduced')
    .map(({ file }) => (file as { id: string }).id);
  expect(files).toEqual(told.files.map((file) => (file as { id: string }).id));
}

interface Step {
  readonly id: string;
}

const byId = (steps: readonly Step[]) => steps.toSorted((a, b) => a.id.localeCompare(b.id));

/** Who has more to catch up on gets text merged, also without asking for it. */
const mostUnmerged = 256;

const isDelta = ({ __typename }: ReadEvent) => __typename === 'TextDelta' || __typename === 'ReasoningDelta';

function check(reader: RunReader, witness: RunReader, { coalesceMs }: Plan): void {
  const { text, reasoning, seq } = witness;
  expect(reader).toMatchObject({ text, reasoning, seq, faults: [] });
  expect(reader.finished).toEqual(witness.finished);
  // Merged pieces carry the number of the last; nothing else is left out, ever.
  if (coalesceMs === 0 && seq <= mostUnmerged) expect(reader.jumps).toBe(0);
  const views = viewsOf(witness);
  for (const [attached, ...events] of reader.subscriptions) {
    const from = attached?.seq ?? -1;
    if (seq <= mostUnmerged) expect(attached).toMatchObject(views.get(from) ?? { seq: 'a known one' });
    const last = events.at(-1)?.seq ?? from;
    const due = witness.events.filter((event) => event.seq > from && event.seq <= last && !isDelta(event));
    expect(events.filter((event) => !isDelta(event))).toEqual(due);
    const ends = events.filter(({ __typename }) => __typename === 'RunFinished');
    expect(ends.length).toBe(last === seq ? 1 : 0);
  }
}

/** Text and reasoning after each event, by its number. */
function viewsOf({ events }: RunReader): Map<number, { text: string; reasoning: string }> {
  let [text, reasoning] = ['', ''];
  const views = events.map((event) => {
    const { offset, text: piece } = event as unknown as { offset: number; text: string };
    if (event.__typename === 'TextDelta') text = text.slice(0, offset) + piece;
    if (event.__typename === 'TextReplaced') text = piece;
    if (event.__typename === 'ReasoningDelta') reasoning = reasoning.slice(0, offset) + piece;
    return [event.seq, { text, reasoning }] as const;
  });
  return new Map(views);
}

/** A failure prints its seed and path: FC_SEED=… FC_PATH=… with `-t` plays it again, FC_RUNS=… plays more or fewer. */
function parameters(standard: number): fc.Parameters<[Scenario]> {
  const { FC_PATH, FC_RUNS } = process.env;
  return {
    numRuns: FC_RUNS === undefined ? standard : Number(FC_RUNS),
    ...(FC_PATH === undefined ? {} : { path: FC_PATH }),
  };
}

const quickEnds: readonly AnswerEnd[] = ['eof', 'eof', 'reset', 'stop'];
/** With those that nothing but a timer ends. */
const everyEnd: readonly AnswerEnd[] = [...quickEnds, 'open', 'silence'];

describe.each([
  { through: 'runs, their log and a real upstream', runs: 2_000, open: openDirectly, ends: everyEnd },
  { through: 'the sockets of the whole server', runs: 350, open: openThroughSockets, ends: quickEnds },
])('whatever Dify says and clients do, through $through,', ({ runs, open, ends }) => {
  test('every client that stays has the whole answer, once, and its end', { timeout: 120_000 }, async () => {
    await using house = await open();
    const property = fc.asyncProperty(scenarios(ends), (one) => hold(house, one));
    // What hangs takes long to shrink: the seed is to be printed before the test's own limit.
    const limits = { timeout: 10_000, interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true };
    await fc.assert(property, { ...parameters(runs), ...limits });
  });
});
