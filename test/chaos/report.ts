import type { Ledger } from './ledger.ts';
import type { Plan } from './plan.ts';

/** How many violations are told in full. */
const MOST = 3;

/** All that is known of the runs that something is wrong with. */
export function evidence({ violations, accounts }: Ledger): string {
  const suspects = [...new Set(violations.map(({ number }) => number))].map((number) => accounts.get(number));
  return JSON.stringify(
    suspects.map((account) => account && { ...account, seen: Object.fromEntries(account.seen) }),
    null,
    1,
  );
}

/** What happened, for people. */
export function report(
  ledger: Ledger,
  plan: Plan,
  cuts: { readonly clients: number; readonly upstream: number },
): string {
  const seconds = Math.round((Date.now() - ledger.startedAt) / 1000);
  const counts = [...ledger.counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `  ${what}: ${count}`);
  const byKind = Map.groupBy(ledger.violations, ({ what }) => what);
  const told = [...byKind].flatMap(([what, all]) => [
    `\n${what}: ${all.length}`,
    ...all.slice(0, MOST).map((one) => tell(one, ledger)),
  ]);
  return [
    `seed ${plan.seed}, durability ${plan.durability}, ${seconds} s, ${plan.people} people, ${plan.replicas} replicas`,
    `  connections of clients cut: ${cuts.clients}, upstream: ${cuts.upstream}`,
    ...counts,
    ...told,
    ledger.violations.length === 0
      ? 'Nothing was lost, doubled or reordered; every run ended once.'
      : `\n${ledger.violations.length} violations. Again with: CHAOS_SEED=${plan.seed} npm run test:chaos`,
  ].join('\n');
}

function tell({ number, detail }: Ledger['violations'][number], ledger: Ledger): string {
  const account = ledger.accounts.get(number);
  if (!account) return `- ${detail}`;
  const { question, runId, posts, seen, end, upstreamCut, stopAsked, askedAt } = account;
  const since = (at: number) => ((at - ledger.startedAt) / 1000).toFixed(1);
  const faults = ledger.faults
    .filter(({ until, from }) => until > askedAt - 3_000 && from < askedAt + 45_000)
    .map(({ kind, what, from, until }) => `${kind} ${what} ${since(from)}–${since(until)}`);
  return [
    `- ${detail}`,
    `  ${question.key} of ${question.viewer} to ${question.app}, run ${runId}, asked at ${since(askedAt)} s`,
    `  Dify asked at ${posts.map(({ at, ended }) => `${since(at)} s (${ended})`).join(', ') || 'no time'};${upstreamCut ? ' upstream cut;' : ''}${stopAsked ? ' stop asked;' : ''} end ${JSON.stringify(end)}`,
    `  faults: ${faults.join('; ')}`,
    ...[...seen].map(([label, lines]) => `  ${label}: ${short(lines)}`),
  ].join('\n');
}

function short(lines: readonly string[]): string {
  return lines.length <= 24 ? lines.join(' | ') : [...lines.slice(0, 6), '…', ...lines.slice(-17)].join(' | ');
}
