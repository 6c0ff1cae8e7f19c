import { message, messageEnd, sse, conversationId as usual } from './dify-frames.ts';
import type { KeptRun } from '../../src/runs/run-log.ts';
import type { RunsRig } from './open-runs.ts';
import { next, readToEnd } from './reading.ts';

/** Answers that Dify begins with `a` and does not end by itself. */
export interface HeldAnswers {
  /** Lets the answer to the question that Dify was asked as number `index` (from 0) come to its end. */
  release(index: number): void;
  /** Resolves once Dify has been asked so often. */
  asked(count: number): Promise<void>;
}

/** The next `count` questions to an app are held. */
export function holdAnswers(rig: RunsRig, count: number, app = 'assistant', conversationId = usual): HeldAnswers {
  const held = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const text = sse({ ...message('a'), conversation_id: conversationId });
  const end = sse({ ...messageEnd(), conversation_id: conversationId });
  for (const { promise } of held) rig.script(app, { write: text }, { until: promise }, { write: end });
  return {
    release: (index) => held[index]!.resolve(),
    asked: (number) => rig.asked(() => rig.questions().length >= number),
  };
}

/** What Dify was asked, in order. */
export function asked(rig: RunsRig): unknown[] {
  return rig.questions().map(({ body }) => (body as { query?: unknown }).query);
}

/** How many a run was told that come first, one after the other, until its end. */
export async function positions(run: KeptRun): Promise<number[]> {
  const events = await readToEnd(run.read(0));
  return events.flatMap((event) => (event.type === 'RunQueued' ? [event.position] : []));
}

/** Waits until the run was told that so many come first. */
export async function standsAt(run: KeptRun, position: number): Promise<void> {
  const reader = run.read(0);
  for (;;) {
    const events = await next(reader);
    if (events === null || events === 'gap') throw new Error(`never at ${position}`);
    if (events.some((event) => event.type === 'RunQueued' && event.position === position)) break;
  }
  reader.close();
}
