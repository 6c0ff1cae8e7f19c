import type { Followed } from '../runs/follow.ts';
import type { KeptRun } from '../runs/run-log.ts';
import type { Question } from '../runs/runs.ts';
import { checkedWait } from './ask.ts';
import type { Context } from './context.ts';
import { followRun, type FollowArgs } from './follow.ts';

/** What a call that waits returns, whatever it asked. */
export interface Answered {
  readonly run: KeptRun;
  readonly deduplicated: boolean;
  readonly complete: boolean;
}

/** Asks and waits for the end, `waitMs` at most. */
export async function answered(
  question: Question,
  waitMs: number | null | undefined,
  context: Context,
): Promise<Answered> {
  const { runs, viewer, signal } = context;
  const limit = checkedWait('input.waitMs', waitMs, 55_000);
  const { run, deduplicated } = await runs.start(viewer, question);
  return { run, deduplicated, complete: await runs.ended(run, limit, signal) };
}

/** Asks, or attaches to what the same key asked before, and follows. */
export async function streamed(
  question: Question,
  args: FollowArgs,
  { runs, viewer }: Context,
): Promise<AsyncIterableIterator<Followed>> {
  const { run } = await runs.start(viewer, question);
  return followRun(run, args);
}
