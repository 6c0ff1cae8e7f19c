import type { Values } from './figures.ts';
import type { Tally } from './load/group.ts';
import type { Script } from './script.ts';
import type { Crew, Measured, Stage } from './stage.ts';

export interface Round {
  /** CPU time per text event, in µs, without what a question takes at its start and its end. */
  readonly cpuPerEvent: number;
  /** CPU time from question to first text, in µs. */
  readonly cpuPerQuestion: number;
  /** CPU time from the last text until all has ended, in µs. */
  readonly cpuPerEnd: number;
  readonly messagesPerEvent: number;
  readonly eventsPerSecond: number;
  /** Of one core, in percent, while events flow. */
  readonly busy: number;
  readonly latency: Tally['latency'];
}

/** Events were lost or doubled, or came otherwise than they should. */
export class BrokenAnswers extends Error {}

/** All streams start, have their first text, and only then go on, measured, and end last. Throws BrokenAnswers. */
export async function playRound(stage: Stage, measured: Measured, script: Script, streams: number): Promise<Round> {
  const { upstream, load } = stage;
  const { name, child, url } = measured;
  const group = 'main';
  await load.call('open', { group, urls: [url], count: streams });
  const asking = await child.cpu();
  await load.call('ask', { group, script: { ...script, holdsEnd: true } satisfies Script });
  const asked = await child.cpu();
  const start = performance.now();
  await upstream.call('go', script.cue ?? '');
  await load.call('whole', group);
  const wallMs = performance.now() - start;
  const whole = await child.cpu();
  const spent = whole - asked;
  await upstream.call('end', script.cue ?? '');
  await load.call('finish', group);
  const ended = await child.cpu();
  const tally = await load.call<Tally>('count', group);
  check(`${script.mode}, ${name}`, tally);
  const events = tally.events - streams;
  return {
    cpuPerEvent: spent / events,
    cpuPerQuestion: (asked - asking) / streams,
    cpuPerEnd: (ended - whole) / streams,
    messagesPerEvent: tally.frames / tally.events,
    eventsPerSecond: (events / wallMs) * 1_000,
    busy: spent / wallMs / 10,
    latency: tally.latency,
  };
}

/** All in turn, again and again: what else the machine does falls on every one. */
export async function inTurn<Result>(
  { all }: Crew,
  rounds: number,
  play: (measured: Measured) => Promise<Result>,
): Promise<Record<string, Result[]>> {
  const played: Record<string, Result[]> = Object.fromEntries(all.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const measured of all) played[measured.name]?.push(await play(measured));
  return played;
}

export function pick<Result>(played: Readonly<Record<string, readonly Result[]>>, of: (one: Result) => number): Values {
  return Object.fromEntries(Object.entries(played).map(([name, results]) => [name, results.map(of)]));
}

/** Figures of answers that are not whole would mean nothing: there are none then. */
export function check(where: string, { events, lost, doubled, problems }: Tally): void {
  if (lost === 0 && doubled === 0 && problems.length === 0) return;
  const counts = `${events} events came, ${lost} were lost, ${doubled} came twice`;
  throw new BrokenAnswers([`${where}: ${counts}`, ...problems].join('\n  '));
}
