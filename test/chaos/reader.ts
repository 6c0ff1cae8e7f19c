import { lineOf, type SeenEvent } from './event.ts';
import type { Account, Ledger } from './ledger.ts';

export interface ReaderOptions {
  /** Its text may come in larger pieces than it was written. */
  readonly merges?: boolean;
  /** It asks for what comes after this number each time it connects; left out, for all there is, or what it has not seen. */
  readonly after?: number | null;
}

/**
 * One reader of a run, by the contract alone: attached first, numbers without holes or repeats, each piece where it belongs, nothing
 * after the end. All that is not so is a violation.
 */
export class Reader {
  readonly account: Account;
  readonly label: string;
  seq = 0;
  text = '';
  finished = false;
  readonly #ledger: Ledger;
  readonly #merges: boolean;
  readonly #after: number | null;
  readonly #lines: string[] = [];
  /** How long the text was after each event, as far as it was seen. */
  readonly #lengths: number[] = [];
  /** A new connection: what comes next begins anew. */
  #fresh = true;

  constructor(account: Account, label: string, ledger: Ledger, { merges = false, after = null }: ReaderOptions = {}) {
    this.#after = after;
    this.account = account;
    this.label = `${label} ${account.seen.size}${merges ? ' (merges)' : ''}`;
    this.#ledger = ledger;
    this.#merges = merges;
    account.seen.set(this.label, this.#lines);
  }

  /** The subscription is made again on another connection. */
  connected(): void {
    this.#fresh = true;
    this.#lines.push('--- connected');
  }

  take(event: SeenEvent): void {
    const at = Math.round((Date.now() - this.#ledger.startedAt) / 100) / 10;
    this.#lines.push(`${lineOf(event)}${event.mode ? ` ${event.mode} (${at} s)` : ''}`);
    this.#ledger.count('events');
    if (event.__typename === 'RunAttached') this.#attach(event);
    else this.#follow(event);
    this.#fresh = false;
    const { text, finished } = this;
    const { expected, app } = this.account.question;
    if (!this.#fits(text, expected))
      this.#violate('wrong text', `${describe(text, expected)} after event ${event.seq}`);
    if (!finished || event.status !== 'SUCCEEDED') return;
    const isWhole = text === expected || (app === 'summarize' && this.#fits(text, expected));
    if (!isWhole && this.#stopWasLost()) this.#ledger.count('stops lost with their writer');
    else if (!isWhole)
      this.#violate('incomplete text', `${text.length} of ${expected.length} at the end of a run that succeeded`);
    if (app === 'summarize' && event.run?.outputs?.summary !== expected)
      this.#violate('wrong outputs', JSON.stringify(event.run?.outputs));
  }

  /** Dify was asked to stop, by a writer that was gone before it could tell anybody: it looks like a whole answer to the next one. */
  #stopWasLost(): boolean {
    const { stopAsked, askedAt } = this.account;
    return stopAsked && this.#ledger.excuses(askedAt, Date.now(), 'kill', 'freeze', 'redis');
  }

  /** The server says that there is nothing more. */
  over(): void {
    if (!this.finished) this.#violate('over without an end', `complete after event ${this.seq}`);
  }

  /** Of a workflow that was lost for a while, what it said meanwhile is told at its end. */
  #fits(text: string, expected: string): boolean {
    if (expected.startsWith(text)) return true;
    const { question, holes } = this.account;
    if (question.app !== 'summarize' || !isPartOf(text, expected)) return false;
    // Whether that was told is known when all of the run is.
    holes.push(`${this.label}: ${describe(text, expected)}`);
    return true;
  }

  #attach({ runId, seq, mode, text = '' }: SeenEvent): void {
    this.#ledger.name(this.account, runId);
    if (this.finished && !this.#fresh) this.#violate('after the end', `attached at ${seq}`);
    if (mode === 'GAP') this.#excused('gap', `at ${seq} after ${this.seq}`);
    else if (!this.#fresh) this.#violate('attached twice', `at ${seq} (${mode}) on one connection`);
    if (mode === 'RESUME' && this.#after !== null && seq > this.#after)
      this.#violate('lost', `resumed at ${seq}, asked for what comes after ${this.#after}`);
    const length = this.#lengths[seq];
    if (length !== undefined && length !== text.length)
      this.#excused('rewritten', `${text.length} characters at ${seq}, where ${length} had been`);
    else if (this.#after === null && seq < this.seq && !this.finished) this.#rewound(`to ${seq} from ${this.seq}`);
    if (seq < this.seq && this.#after === null) this.#lengths.length = seq + 1;
    this.finished = false;
    this.seq = seq;
    this.text = text;
    this.#lengths[seq] = text.length;
  }

  #follow(event: SeenEvent): void {
    const { __typename, seq, offset = 0, text = '', runId } = event;
    if (this.#fresh) this.#violate('not attached first', lineOf(event));
    if (this.finished) this.#violate('after the end', lineOf(event));
    if (runId !== this.account.runId) this.#violate('of another run', runId);
    const mayJump = this.#merges && __typename === 'TextDelta';
    if (seq <= this.seq) this.#violate('doubled or reordered', `${lineOf(event)} after ${this.seq}`);
    else if (seq > this.seq + 1 && !mayJump) this.#violate('lost', `${lineOf(event)} after ${this.seq}`);
    this.seq = seq;
    if (__typename === 'UpstreamRecovered' && event.lostDetail) this.account.mayMiss = true;
    if (__typename === 'TextDelta') {
      if (offset !== this.text.length)
        this.#violate('misplaced', `${lineOf(event)} where the text has ${this.text.length} characters`);
      this.text = this.text.slice(0, offset) + text;
    } else if (__typename === 'TextReplaced') this.text = text;
    else if (__typename === 'RunFinished') this.#finish(event);
    this.#lengths[seq] = this.text.length;
  }

  #finish({ status = '', error, run }: SeenEvent): void {
    this.finished = true;
    const why = error ?? run?.error ?? null;
    this.account.end ??= { status, code: why?.code ?? null, message: why?.message ?? null };
  }

  /** Unless all is stored before it is told, another replica may be a moment behind: it tells the same, but again. */
  #rewound(detail: string): void {
    if (this.#ledger.isStrict) this.#excused('rewound', detail);
    else this.#ledger.count('rewound');
  }

  /** May happen where a writer was lost with what it had not stored, or wakes up and does not know yet that it is the writer no more. */
  #excused(what: string, detail: string): void {
    const ledger = this.#ledger;
    ledger.count(what);
    const lossy = ledger.isStrict ? [] : (['kill', 'redis'] as const);
    if (!ledger.excuses(this.account.askedAt, Date.now(), 'freeze', ...lossy)) this.#violate(what, detail);
  }

  #violate(what: string, detail: string): void {
    this.#ledger.violate(what, this.account, `${this.label}: ${detail}`);
  }
}

/** Whether it is `whole` with parts left out. */
function isPartOf(text: string, whole: string): boolean {
  let at = 0;
  for (let from = 0; from < text.length;) {
    let same = 0;
    while (from + same < text.length && text[from + same] === whole[at + same]) same += 1;
    from += same;
    at += same;
    if (from === text.length) return true;
    const next = whole.indexOf(text.slice(from, from + 4), at + 1);
    if (next === -1) return false;
    at = next;
  }
  return true;
}

function describe(text: string, expected: string): string {
  let same = 0;
  while (same < text.length && text[same] === expected[same]) same += 1;
  return `“${text.slice(same, same + 30)}” instead of “${expected.slice(same, same + 30)}” at ${same}`;
}
