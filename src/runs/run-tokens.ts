import { Tickets } from './ticket.ts';

/** What a token shows: one run, as its owner sees it. */
export interface ShownRun {
  readonly viewer: string;
  readonly runId: string;
  /** Epoch milliseconds. */
  readonly until: number;
}

const START = 'run_';

/** Tokens that show one run to whoever has them, for a while, and nothing else. */
export class RunTokens {
  readonly #tickets: Tickets;

  /** Processes with the same secret take each other's; without one they are good until this process ends. */
  constructor(secret?: string) {
    this.#tickets = new Tickets(secret, 'run tokens');
  }

  issue({ viewer, runId, until }: ShownRun): string {
    return START + this.#tickets.issueUntil([viewer, runId, until], until);
  }

  /** Whether it looks like one. */
  static isOne(token: string): boolean {
    return token.startsWith(START);
  }

  /** Null if it was not issued, not so, or too long ago. */
  read(token: string): ShownRun | null {
    if (!RunTokens.isOne(token)) return null;
    const [viewer, runId, until] = this.#tickets.read(token.slice(START.length)) ?? [];
    const isWhole = typeof viewer === 'string' && typeof runId === 'string' && typeof until === 'number';
    return isWhole ? { viewer, runId, until } : null;
  }
}
