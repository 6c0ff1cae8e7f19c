import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type Client } from 'graphql-ws';
import type { SeenEvent } from './event.ts';
import type { Ledger } from './ledger.ts';
import type { Reader } from './reader.ts';

/** What a server that cannot now says: asked again, it or another one can. */
const passing: ReadonlySet<unknown> = new Set(['DRAINING', 'STORE_UNAVAILABLE']);

/** A refusal that stays. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** As `examples/socket.ts`, less patient: connects again and subscribes again, for ever. */
export class Socket implements Disposable {
  readonly #client: Client;
  readonly #ledger: Ledger;
  readonly #readers = new Set<Reader>();

  constructor(url: string, user: string, ledger: Ledger) {
    this.#ledger = ledger;
    let unanswered: NodeJS.Timeout | undefined;
    const client: Client = createClient({
      url: `${url.replace(/^http/, 'ws')}/graphql`,
      connectionParams: { user },
      retryAttempts: Infinity,
      shouldRetry: () => true,
      retryWait: () => sleep(20 + Math.random() * 250),
      connectionAckWaitTimeout: 2_500,
      keepAlive: 2_000,
      on: {
        connected: () => {
          ledger.count('connections');
          for (const reader of this.#readers) reader.connected();
        },
        ping: (received) => {
          if (!received) unanswered = setTimeout(() => client.terminate(), 1_500);
        },
        pong: (received) => {
          if (received) clearTimeout(unanswered);
        },
        closed: () => clearTimeout(unanswered),
      },
    });
    this.#client = client;
  }

  /** Reads to the end. Rejects with `Refused` if that is not for this one to read. */
  async follow(operation: Operation, reader: Reader, onEvent?: (event: SeenEvent) => void): Promise<void> {
    this.#readers.add(reader);
    try {
      while (!(await this.#once(operation, reader, onEvent))) await sleep(50 + Math.random() * 300);
    } finally {
      this.#readers.delete(reader);
    }
  }

  [Symbol.dispose](): void {
    void this.#client.dispose();
  }

  /** False if it is to be asked once more. */
  async #once(operation: Operation, reader: Reader, onEvent?: (event: SeenEvent) => void): Promise<boolean> {
    reader.connected();
    try {
      for await (const { data, errors } of this.#client.iterate<Record<string, SeenEvent>>(operation)) {
        const event = Object.values(data ?? {})[0];
        if (!event) return this.#weigh(errors);
        reader.take(event);
        onEvent?.(event);
      }
      reader.over();
      return true;
    } catch (error) {
      return this.#weigh(error);
    }
  }

  #weigh(error: unknown): false {
    if (error instanceof Refused) throw error;
    const [first] = Array.isArray(error) ? (error as { message: string; extensions?: { code?: string } }[]) : [];
    const code = first?.extensions?.code;
    if (passing.has(code)) {
      this.#ledger.count(`told to try again: ${code}`);
      return false;
    }
    throw first ? new Refused(code ?? 'no code', first.message) : new Refused('closed', String(error));
  }
}

/** One GraphQL operation over HTTP, until it is answered. */
export async function request<T>(url: string, user: string, operation: Operation, ledger: Ledger): Promise<T> {
  for (;;) {
    const reply = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-user': user },
      body: JSON.stringify(operation),
      signal: AbortSignal.timeout(30_000),
    })
      .then(
        (response) =>
          response.json() as Promise<{
            data?: T | null;
            errors?: { message: string; extensions?: { code?: string } }[];
          }>,
      )
      .catch(() => null);
    const [error] = reply?.errors ?? [];
    const code = error?.extensions?.code;
    if (error && !passing.has(code)) throw new Refused(code ?? 'no code', error.message);
    if (reply?.data && !error) return reply.data;
    ledger.count(reply ? `told to try again: ${code}` : 'HTTP requests made again');
    await sleep(50 + Math.random() * 300);
  }
}
