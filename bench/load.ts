import { Answer } from './answer.ts';
import { openClient, type Client, type Subject } from './clients.ts';
import { quantile } from './figures.ts';
import { serve } from './serve.ts';

export interface Target {
  readonly subject: Subject;
  readonly url: string;
}

/** What became of a round's answers. */
export interface Tally {
  readonly events: number;
  readonly frames: number;
  readonly lost: number;
  readonly doubled: number;
  /** The first few. */
  readonly problems: readonly string[];
  /** Between the upstream's write and the client's receipt, in ms. */
  readonly latency: { readonly p50: number; readonly p99: number };
  /** Between question and first text, in ms; of `first` only. */
  readonly firstText: { readonly p50: number; readonly p99: number };
}

let clients: readonly Client[] = [];
let answers: readonly Answer[] = [];

function tally(all: readonly Answer[], waits: readonly number[] = []): Tally {
  const sum = (of: (answer: Answer) => number) => all.reduce((total, answer) => total + of(answer), 0);
  const ages = all.flatMap((answer) => answer.ages.slice(1));
  return {
    events: sum(({ events }) => events),
    frames: sum(({ frames }) => frames),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    problems: all.flatMap(({ problem }) => problem ?? []).slice(0, 3),
    latency: { p50: quantile(ages, 0.5), p99: quantile(ages, 0.99) },
    firstText: { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) },
  };
}

serve({
  async open({ subject, url, streams }: Target & { readonly streams: number }) {
    clients = await Promise.all(
      Array.from({ length: streams }, (_, index) => openClient(subject, url, `user-${index}`)),
    );
  },
  /** All at once. Resolves when every one has its first text. */
  async ask({ expected }: { readonly expected: number }) {
    answers = clients.map((client) => {
      const answer = new Answer(expected);
      client.ask(answer);
      return answer;
    });
    await Promise.all(answers.map(({ begun }) => begun));
  },
  /** Resolves when every answer has ended. */
  async finish() {
    await Promise.all(answers.map(({ ended }) => ended));
  },
  /** Not part of `finish`, so that counting is over when others are measured. */
  count(): Tally {
    for (const client of clients) client.close();
    return tally(answers);
  },
  /** One question after the other over one socket. */
  async first({ subject, url, questions }: Target & { readonly questions: number }): Promise<Tally> {
    const client = await openClient(subject, url, 'first');
    const waits: number[] = [];
    const all: Answer[] = [];
    for (let asked = 0; asked < questions; asked += 1) {
      const answer = new Answer(1);
      all.push(answer);
      const start = performance.now();
      client.ask(answer);
      await answer.begun;
      waits.push(performance.now() - start);
      await answer.ended;
      if (answer.isBad) break;
    }
    client.close();
    return tally(all, waits);
  },
});
