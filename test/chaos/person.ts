import type { SeenEvent } from './event.ts';
import type { Account, Ledger } from './ledger.ts';
import { stream } from './operations.ts';
import { newQuestion, type QuestionOptions } from './question.ts';
import type { Random } from './random.ts';
import { Reader, type ReaderOptions } from './reader.ts';
import { Socket } from './socket.ts';

/** A question under way. */
export interface Asking {
  readonly account: Account;
  readonly reader: Reader;
  /** When the first event has come. */
  readonly started: Promise<{ readonly runId: string; readonly seq: number }>;
  /** When the reader is at the end. */
  readonly end: Promise<void>;
}

/** Somebody with as many devices as they like. */
export class Person implements Disposable {
  readonly user: string;
  readonly url: string;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly #devices: Socket[] = [];

  constructor(user: string, url: string, random: Random, ledger: Ledger) {
    this.user = user;
    this.url = url;
    this.random = random;
    this.ledger = ledger;
  }

  /** Asks over a connection of its own. */
  ask(options: Omit<QuestionOptions, 'viewer'>, onEvent?: (event: SeenEvent) => void): Asking {
    const account = this.open(options);
    const started = Promise.withResolvers<{ runId: string; seq: number }>();
    const reader = this.reader(account, 'asker', { merges: options.flood ?? false });
    const end = this.device().follow(stream(account.question), reader, (event) => {
      started.resolve(event);
      onEvent?.(event);
    });
    end.catch((error: unknown) => started.reject(error as Error));
    // Whoever waits for one of them is told.
    started.promise.catch(() => {});
    return { account, reader, started: started.promise, end };
  }

  open(options: Omit<QuestionOptions, 'viewer'>): Account {
    const number = this.ledger.accounts.size + 1;
    return this.ledger.open(newQuestion(number, this.random, { ...options, viewer: this.user }));
  }

  reader(account: Account, label: string, options: ReaderOptions = {}): Reader {
    return new Reader(account, label, this.ledger, options);
  }

  device(): Socket {
    const socket = new Socket(this.url, this.user, this.ledger);
    this.#devices.push(socket);
    return socket;
  }

  /** Somebody else. */
  thief(): { readonly account: Account; readonly socket: Socket } {
    const viewer = `${this.user}-thief`;
    const socket = new Socket(this.url, viewer, this.ledger);
    this.#devices.push(socket);
    const account = { ...this.open({ app: 'assistant' }), runId: 'none of theirs' };
    return { account: { ...account, question: { ...account.question, viewer } }, socket };
  }

  /** Puts all devices away. */
  [Symbol.dispose](): void {
    for (const device of this.#devices.splice(0)) device[Symbol.dispose]();
  }
}
