import { Answer } from '../answer.ts';
import { openClient, type Client } from '../clients.ts';
import { quantile } from '../figures.ts';
import { piecesOf, type Script } from '../script.ts';

/** What became of a group's answers. */
export interface Tally {
  readonly events: number;
  readonly frames: number;
  readonly lost: number;
  readonly doubled: number;
  /** The first few. */
  readonly problems: readonly string[];
  /** Between the upstream's write and the client's receipt, in ms. */
  readonly latency: Quantiles;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export function quantiles(values: readonly number[]): Quantiles {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
}

export function tally(answers: readonly Answer[]): Tally {
  const sum = (of: (answer: Answer) => number) => answers.reduce((total, answer) => total + of(answer), 0);
  return {
    events: sum(({ events }) => events),
    frames: sum(({ frames }) => frames),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    problems: answers.flatMap(({ problem }) => problem ?? []).slice(0, 3),
    latency: quantiles(answers.flatMap(({ ages }) => ages)),
  };
}

/** So many at once: the queue of connections that nobody has taken yet is short. */
const atOnce = 100;

export async function inTurn<Item>(items: readonly Item[], each: (item: Item) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += atOnce) await Promise.all(items.slice(at, at + atOnce).map(each));
}

/** Clients that do the same. */
export class Group {
  clients: Client[] = [];
  answers: Answer[] = [];

  async open(urls: readonly string[], count: number, user: string | null): Promise<void> {
    const numbers = Array.from({ length: count }, (_, number) => number);
    await inTurn(numbers, async (number) => {
      const url = urls[number % urls.length] ?? '';
      this.clients.push(await openClient(url, user ?? `user-${number}`));
    });
  }

  /** Each its question; resolves when every one has its first text. */
  async ask(script: Script, cancel: boolean): Promise<void> {
    const query = JSON.stringify(script);
    this.answers = [];
    await inTurn(this.clients, async (client) => {
      const answer = new Answer(piecesOf(script));
      this.answers.push(answer);
      client.ask(query, answer, cancel);
      await answer.begun;
    });
    this.forget();
  }

  watch(runId: string, script: Script): void {
    this.answers = this.clients.map((client) => {
      const answer = new Answer(piecesOf(script), null);
      client.watch(runId, answer);
      return answer;
    });
  }

  async whole(): Promise<void> {
    await Promise.all(this.answers.map(({ whole }) => whole));
  }

  async finish(): Promise<void> {
    await Promise.all(this.answers.map(({ ended }) => ended));
  }

  /** Latencies count from here. */
  forget(): void {
    for (const answer of this.answers) answer.ages = [];
  }

  close(): void {
    for (const answer of this.answers) answer.leave();
    for (const client of this.clients) client.close();
    this.clients = [];
  }
}
