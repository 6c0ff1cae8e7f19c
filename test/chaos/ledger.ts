import type { Question } from './question.ts';

/** What is known of one question: what was seen of it where, and what was done to it. */
export interface Account {
  readonly question: Question;
  readonly askedAt: number;
  runId: string | null;
  stopAsked: boolean;
  /** Epoch ms of each time that Dify was asked. */
  readonly posts: { readonly at: number; readonly viewer: string; ended: 'ended' | 'gone' | null }[];
  /** Whether a connection that it was asked on was cut. */
  upstreamCut: boolean;
  /** Whether its readers were told that some of what it said is not known. */
  mayMiss: boolean;
  /** Texts that were seen with something missing in the middle. */
  readonly holes: string[];
  /** By who saw it, in order. */
  readonly seen: Map<string, string[]>;
  /** How it ended, as anybody saw it first. */
  end: { readonly status: string; readonly code: string | null; readonly message: string | null } | null;
}

type FaultKind = 'kill' | 'freeze' | 'drain' | 'redis';
interface Fault {
  readonly kind: FaultKind;
  readonly what: string;
  readonly from: number;
  until: number;
}

/** A fault may show for so long after it is over, in ms: until the lease is over, and its runs are taken over. */
const AFTERMATH_MS = 12_000;

/** All that happened. What must not happen is a violation. */
export class Ledger {
  /** Nobody is told what is not stored: only who was frozen can be behind. */
  readonly isStrict: boolean;
  readonly accounts = new Map<number, Account>();
  readonly byRun = new Map<string, Account>();
  /** Asked one after the other in one conversation. */
  readonly pairs: (readonly [Account, Account])[] = [];
  readonly violations: { readonly what: string; readonly number: number; readonly detail: string }[] = [];
  readonly counts = new Map<string, number>();
  readonly faults: Fault[] = [];
  /** Epoch ms of each connection to Dify that was cut before it was known for which question it was. */
  readonly namelessCuts: number[] = [];
  readonly startedAt = Date.now();

  constructor({ isStrict }: { readonly isStrict: boolean }) {
    this.isStrict = isStrict;
  }

  open(question: Question): Account {
    const account: Account = {
      question,
      askedAt: Date.now(),
      runId: null,
      stopAsked: false,
      posts: [],
      upstreamCut: false,
      mayMiss: false,
      holes: [],
      seen: new Map(),
      end: null,
    };
    this.accounts.set(question.number, account);
    this.count('questions');
    return account;
  }

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  violate(what: string, account: Pick<Account, 'question'> | null, detail: string): void {
    this.violations.push({ what, number: account?.question.number ?? 0, detail });
  }

  /** A run has a name: always the same, and nobody else's. */
  name(account: Account, runId: string): void {
    if (account.runId === runId) return;
    if (account.runId !== null) this.violate('two runs for one key', account, `${account.runId} and ${runId}`);
    const other = this.byRun.get(runId);
    if (other && other !== account) this.violate('one run for two keys', account, `${runId}: ${other.question.key}`);
    account.runId = runId;
    this.byRun.set(runId, account);
  }

  /** Notes a fault that concerns everybody; call what is returned when it is over. */
  begin(kind: FaultKind, what: string): () => void {
    const fault: Fault = { kind, what, from: Date.now(), until: Infinity };
    this.faults.push(fault);
    this.count(`fault: ${kind}`);
    return () => (fault.until = Date.now());
  }

  /** Whether one of these can have shown in that time. */
  excuses(from: number, until: number, ...kinds: readonly FaultKind[]): boolean {
    return this.faults.some(
      (fault) => kinds.includes(fault.kind) && fault.from <= until && fault.until + AFTERMATH_MS >= from,
    );
  }
}
