import { lineOf, type SeenEvent } from './event.ts';
import { readAll } from './event-source.ts';
import type { Account, Ledger } from './ledger.ts';
import { Reader } from './reader.ts';
import type { Replica } from './replica.ts';

const AT_ONCE = 12;

/** Reads every run once more, through every replica, and holds what was seen against what is kept. */
export async function judge(ledger: Ledger, replicas: readonly Replica[]): Promise<void> {
  const runs = [...ledger.byRun.values()].filter(({ runId }) => runId !== 'none of theirs');
  const work = runs[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const account of work) await judgeRun(account, ledger, replicas);
    }),
  );
  for (const [first, second] of ledger.pairs) judgePair(first, second, ledger);
}

async function judgeRun(account: Account, ledger: Ledger, replicas: readonly Replica[]): Promise<void> {
  const { question, runId } = account;
  const tellings = await Promise.all(
    replicas.map(({ url }) => readAll(url, question.viewer, runId ?? '').catch(() => null)),
  );
  const missing = tellings.filter((events) => events === null).length;
  if (missing > 0)
    ledger.violate('not kept', account, `${missing} of ${tellings.length} replicas do not have ${runId}`);
  const [events = []] = tellings.filter((telling) => telling !== null);
  const texts = tellings.filter((telling) => telling !== null).map(contentOf);
  if (new Set(texts).size > 1) ledger.violate('told differently', account, 'by the replicas, at the end');

  const reader = new Reader(account, 'log', ledger, { merges: question.leastMs === 0 });
  for (const event of events) reader.take(event);
  reader.over();
  const ends = events.filter(({ __typename }) => __typename === 'RunFinished');
  if (ends.length !== 1 || events.at(-1)?.__typename !== 'RunFinished')
    ledger.violate('not one end', account, `${ends.length} RunFinished among ${events.length} events`);
  const [hole] = account.holes;
  if (hole !== undefined && !account.mayMiss) ledger.violate('lost and not told', account, hole);
  judgeEnd(account, ends[0], ledger);
  judgeSeen(account, events, ledger);
}

/** What all replicas tell alike. */
function contentOf(events: readonly SeenEvent[]): string {
  const told = events.filter(({ __typename }) => __typename !== 'RunAttached');
  return JSON.stringify(told.map((event) => ({ ...event, run: null })));
}

function judgeEnd(account: Account, end: SeenEvent | undefined, ledger: Ledger): void {
  const { posts, askedAt, upstreamCut, stopAsked } = account;
  const { status = 'none' } = end ?? {};
  const error = end?.run?.error ?? null;
  ledger.count(`ended: ${status}${error ? ` ${error.code}` : ''}`);
  if (status === 'SUCCEEDED' && posts.length !== 1)
    ledger.violate('not asked', account, `succeeded after ${posts.length} posts`);
  if (status === 'SUCCEEDED' || (status === 'STOPPED' && stopAsked)) return;
  if (status === 'STOPPED') return ledger.violate('stopped by itself', account, 'nobody asked for a stop');
  const wasCut = posts.length === 0 && ledger.namelessCuts.some((at) => at >= askedAt);
  const excused =
    upstreamCut || wasCut || ledger.excuses(askedAt, Date.parse(end?.at ?? ''), 'kill', 'freeze', 'redis', 'drain');
  if (!excused || error === null || error.code === 'INTERNAL')
    ledger.violate('failed for no reason', account, `${status} ${error?.code}: ${error?.message}`);
}

/** Of what anybody saw, all is kept, unless a writer was lost before it was stored. */
function judgeSeen(account: Account, events: readonly SeenEvent[], ledger: Ledger): void {
  const kept = new Set(events.map(lineOf));
  const readers = [...account.seen].filter(([label]) => !label.includes('merges'));
  const strange = readers.flatMap(([label, lines]) =>
    lines.filter((line) => /^\d+ (?!RunAttached)/.test(line) && !kept.has(line)).map((line) => `${label}: ${line}`),
  );
  if (strange.length === 0 || account.question.leastMs === 0) return;
  ledger.count('events seen and not kept', strange.length);
  const lossy = ledger.isStrict ? [] : (['kill', 'redis'] as const);
  const endedAt = Date.parse(events.at(-1)?.at ?? '');
  if (!ledger.excuses(account.askedAt, endedAt, 'freeze', ...lossy))
    ledger.violate('seen and not kept', account, strange.slice(0, 3).join(' | '));
}

/** One after the other, in the order in which they were asked. */
function judgePair(first: Account, second: Account, ledger: Ledger): void {
  const [one, other] = [first.posts[0], second.posts[0]];
  ledger.count('pairs in one conversation');
  if (!other) return;
  if (!one) {
    if (first.end?.status === 'SUCCEEDED') ledger.violate('out of order', second, `before ${first.question.key}`);
    return;
  }
  if (other.at < one.at) ledger.violate('out of order', second, `asked before ${first.question.key}`);
  const least = one.at + first.question.leastMs;
  if (first.end?.status === 'SUCCEEDED' && other.at < least)
    ledger.violate(
      'two at once',
      second,
      `asked ${least - other.at} ms before ${first.question.key} can have been answered`,
    );
}
