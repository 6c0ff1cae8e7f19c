import { Answer } from './answer.ts';
import { openClient } from './clients.ts';
import { Group, inTurn, quantiles, tally, type Quantiles, type Tally } from './load/group.ts';
import { request } from './load/requests.ts';
import { now } from './pieces.ts';
import type { Script } from './script.ts';
import { serve } from './serve.ts';

export interface Opening {
  readonly group: string;
  /** In turn. */
  readonly urls: readonly string[];
  readonly count: number;
  /** Everybody; null: each is another. */
  readonly user?: string;
}

export interface First {
  readonly waits: Quantiles;
  readonly tally: Tally;
}

const groups = new Map<string, Group>();

function group(name: string): Group {
  const known = groups.get(name) ?? new Group();
  groups.set(name, known);
  return known;
}

serve({
  open({ group: name, urls, count, user }: Opening) {
    return group(name).open(urls, count, user ?? null);
  },
  ask({ group: name, script, cancel = false }: { group: string; script: Script; cancel?: boolean }) {
    return group(name).ask(script, cancel);
  },
  /** The run that the first of them asked for. */
  run(name: string) {
    return group(name).clients[0]?.runId;
  },
  watch({ group: name, runId, script }: { group: string; runId: string; script: Script }) {
    group(name).watch(runId, script);
  },
  /** Resolves when all have all of their text. */
  whole(name: string) {
    return group(name).whole();
  },
  finish(name: string) {
    return group(name).finish();
  },
  forget(name: string) {
    group(name).forget();
  },
  latency(name: string) {
    return tally(group(name).answers).latency;
  },
  tally(name: string): Tally {
    return tally(group(name).answers);
  },
  /** Not part of `finish`, so that counting is over when others are measured. */
  count(name: string): Tally {
    group(name).close();
    return tally(group(name).answers);
  },
  pause(name: string) {
    for (const client of group(name).clients) client.pause();
  },
  unpause(name: string) {
    for (const client of group(name).clients) client.unpause();
  },
  /** Nobody listens any more, from the time that is told. */
  leave({ group: name, how }: { group: string; how: 'complete' | 'cut' }): number {
    const { clients, answers } = group(name);
    const time = now();
    for (const client of clients) client[how]();
    for (const answer of answers) answer.leave();
    return time;
  },
  /** All sockets are cut at once. Resolves when all are attached again, and have had text since: how long each took, in ms. */
  async storm(name: string) {
    const { clients, answers } = group(name);
    const start = performance.now();
    for (const client of clients) client.cut();
    const attached: number[] = [];
    const flowing: Promise<unknown>[] = [];
    const pairs = clients.map((client, at) => ({ client, answer: answers[at] }));
    await inTurn(pairs, async ({ client, answer }) => {
      const more = answer?.more;
      await client.resume();
      attached.push(performance.now() - start);
      flowing.push(more ?? Promise.resolve());
    });
    await Promise.all(flowing);
    return { attached: Math.max(...attached), flowing: performance.now() - start };
  },
  /** One question after the other over one socket: from question to first text, in ms. */
  async first({ url, questions, script }: { url: string; questions: number; script: Script }): Promise<First> {
    const client = await openClient(url, 'first');
    const waits: number[] = [];
    const all: Answer[] = [];
    for (let asked = 0; asked < questions; asked += 1) {
      const answer = new Answer(1);
      all.push(answer);
      const start = performance.now();
      client.ask(JSON.stringify(script), answer);
      await answer.begun;
      waits.push(performance.now() - start);
      await answer.ended;
      if (answer.isBad) break;
    }
    client.close();
    return { waits: quantiles(waits), tally: tally(all) };
  },
  request,
});
