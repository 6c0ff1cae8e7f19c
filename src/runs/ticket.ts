import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Times of tickets lie on this grid, in ms: what is asked for again soon gets the same ticket, and caches know it. */
const GRID_MS = 300_000;

/** Statements that this server has signed: whoever brings one back need not say who they are. */
export class Tickets {
  readonly #key: Buffer;

  /**
   * Processes with the same secret take each other's tickets; without one they are good until this process ends. Tickets for one
   * purpose are none for another.
   */
  constructor(secret?: string, purpose = 'tickets') {
    this.#key = secret === undefined ? randomBytes(32) : createHash('sha256').update(`${purpose} ${secret}`).digest();
  }

  /** For letters that may stand in a URL. Good for `ms` at least, and 5 minutes longer at most. */
  issue(content: readonly unknown[], ms: number): string {
    return this.issueUntil(content, (Math.floor(Date.now() / GRID_MS) + 1) * GRID_MS + ms);
  }

  /** Good until then, in epoch milliseconds. */
  issueUntil(content: readonly unknown[], until: number): string {
    const text = Buffer.from(JSON.stringify([until, ...content])).toString('base64url');
    return `${text}.${this.#sign(text).toString('base64url')}`;
  }

  /** What was issued; null if it was not, not so, or too long ago. */
  read(ticket: string): readonly unknown[] | null {
    const [text = '', sign = ''] = ticket.split('.');
    const given = Buffer.from(sign, 'base64url');
    const own = this.#sign(text);
    if (given.length !== own.length || !timingSafeEqual(given, own)) return null;
    const [until, ...content] = JSON.parse(Buffer.from(text, 'base64url').toString()) as readonly unknown[];
    return typeof until === 'number' && until > Date.now() ? content : null;
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}
