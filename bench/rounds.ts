import type { Child } from './child.ts';
import type { Subject } from './clients.ts';
import type { Tally, Target } from './load.ts';
import type { Plan } from './plan.ts';
import type { Script } from './upstream.ts';

/** All processes of a benchmark, each where it listens. */
export interface Stage {
  readonly upstream: Child;
  readonly load: Child;
  readonly subjects: Readonly<Record<Subject, Child>>;
  readonly urls: Readonly<Record<Subject, string>>;
}

export interface Round {
  /** CPU time per text event, in µs, without what starting a question takes. */
  readonly cpuPerEvent: number;
  /** CPU time from question to first text, in µs. */
  readonly cpuPerQuestion: number;
  readonly messagesPerEvent: number;
  /** Of one core, in percent, while events flow. */
  readonly busy: number;
  readonly latency: Tally['latency'];
}

/** Events were lost or doubled, or came otherwise than they should. */
export class BrokenAnswers extends Error {}

/** One round of one of the two: all streams start, have their first text, and only then go on, measured. Throws BrokenAnswers. */
export async function playRound(stage: Stage, subject: Subject, script: Script, streams: number): Promise<Round> {
  const { upstream, load, urls } = stage;
  const measured = stage.subjects[subject];
  await upstream.call('play', script);
  await load.call('open', { subject, url: urls[subject], streams });
  const asking = await measured.cpu();
  await load.call('ask', { expected: script.events + 1 });
  const asked = await measured.cpu();
  const start = performance.now();
  await upstream.call('go');
  await load.call('finish');
  const wallMs = performance.now() - start;
  const spent = (await measured.cpu()) - asked;
  const tally = await load.call<Tally>('count');
  check(`${script.mode}, ${subject}`, tally);
  return {
    cpuPerEvent: spent / (tally.events - streams),
    cpuPerQuestion: (asked - asking) / streams,
    messagesPerEvent: tally.frames / tally.events,
    busy: spent / wallMs / 10,
    latency: tally.latency,
  };
}

/** Both in turn, again and again: what else the machine does falls on both. */
export async function playRounds(stage: Stage, mode: 'flood' | 'paced', plan: Plan): Promise<Record<Subject, Round[]>> {
  const { rounds, streams, events } = plan[mode];
  const played: Record<Subject, Round[]> = { relay: [], gateway: [] };
  for (let round = 0; round < rounds; round += 1) {
    played.relay.push(await playRound(stage, 'relay', { mode, events }, streams));
    played.gateway.push(await playRound(stage, 'gateway', { mode, events }, streams));
  }
  return played;
}

/** Time from question to first text, in ms. Throws BrokenAnswers as `playRound` does. */
export async function playFirst(stage: Stage, { first }: Plan): Promise<Record<Subject, Tally['firstText'][]>> {
  const subjects = ['relay', 'gateway'] as const;
  const played: Record<Subject, Tally['firstText'][]> = { relay: [], gateway: [] };
  await stage.upstream.call('play', { mode: 'first', events: 0 } satisfies Script);
  for (let round = 0; round < first.rounds; round += 1) {
    for (const subject of subjects) {
      const target: Target = { subject, url: stage.urls[subject] };
      const tally = await stage.load.call<Tally>('first', { ...target, questions: first.questions });
      check(`first text, ${subject}`, tally);
      played[subject].push(tally.firstText);
    }
  }
  return played;
}

/** Figures of answers that are not whole would mean nothing: there are none then. */
function check(where: string, { events, lost, doubled, problems }: Tally): void {
  if (lost === 0 && doubled === 0 && problems.length === 0) return;
  const counts = `${events} events came, ${lost} were lost, ${doubled} came twice`;
  throw new BrokenAnswers([`${where}: ${counts}`, ...problems].join('\n  '));
}
