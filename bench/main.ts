import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { Subject } from './clients.ts';
import { shareCores } from './cores.ts';
import { print, type Row, type Table } from './figures.ts';
import { planFrom } from './plan.ts';
import { BrokenAnswers, playFirst, playRound, playRounds, type Round, type Stage } from './rounds.ts';

// What the gateway costs, beside a relay that does the least one can: `npm run bench`. BENCH_SHORT=1 is the form for CI;
// BENCH_PROFILE=1 leaves a CPU profile of the gateway with the results.
const plan = planFrom(process.env);
const results = fileURLToPath(new URL('./results', import.meta.url));
const cores = shareCores();
const measured = cores?.measured ?? null;
const others = cores?.others ?? null;
const profile = process.env['BENCH_PROFILE'] === '1' ? ['--cpu-prof', `--cpu-prof-dir=${results}`] : [];

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function load(): string {
  return loadavg()[0]?.toFixed(1) ?? '?';
}

function row(label: string, rounds: Record<Subject, readonly Round[]>, of: (round: Round) => number): Row {
  return { label, relay: rounds.relay.map(of), gateway: rounds.gateway.map(of) };
}

function costs(rounds: Record<Subject, readonly Round[]>): readonly Row[] {
  return [
    row('CPU per text event, µs', rounds, ({ cpuPerEvent }) => cpuPerEvent),
    row('CPU per question until its first text, µs', rounds, ({ cpuPerQuestion }) => cpuPerQuestion),
    { ...row('messages per event', rounds, ({ messagesPerEvent }) => messagesPerEvent), plain: true },
    { ...row('core busy, %', rounds, ({ busy }) => busy), plain: true },
  ];
}

async function measure(stage: Stage): Promise<readonly Table[]> {
  const { warmUp, flood, paced, first } = plan;
  for (const subject of ['relay', 'gateway'] as const) {
    await playRound(stage, subject, { mode: 'flood', events: warmUp.events }, warmUp.streams);
  }
  const floods = await playRounds(stage, 'flood', plan);
  const paces = await playRounds(stage, 'paced', plan);
  const firsts = await playFirst(stage, plan);
  const waits = (part: 'p50' | 'p99', subject: Subject) => firsts[subject].map((round) => round[part]);
  return [
    {
      title: `flood: ${flood.streams} streams × ${flood.events} text events, ten to a write, as fast as the upstream can; ${flood.rounds} rounds`,
      rows: costs(floods),
    },
    {
      title: `paced: ${paced.streams} streams × ${paced.events} text events, one to a write, 20 a second and stream; ${paced.rounds} rounds`,
      rows: [
        ...costs(paces),
        row('latency of an event, p50, ms', paces, ({ latency }) => latency.p50),
        row('latency of an event, p99, ms', paces, ({ latency }) => latency.p99),
      ],
    },
    {
      title: `first text: ${first.questions} questions, one after the other; ${first.rounds} rounds. The upstream answers at once: all of it is added`,
      rows: [
        {
          label: 'from question to first text, p50, ms',
          relay: waits('p50', 'relay'),
          gateway: waits('p50', 'gateway'),
        },
        { label: 'the same, p99, ms', relay: waits('p99', 'relay'), gateway: waits('p99', 'gateway') },
      ],
    },
  ];
}

mkdirSync(results, { recursive: true });
const before = load();
const start = performance.now();
const upstream = new Child(new URL('./upstream.ts', import.meta.url), { cores: others });
const clients = new Child(new URL('./load.ts', import.meta.url), { cores: others });
const relay = new Child(new URL('./relay.ts', import.meta.url), { cores: measured });
const gateway = new Child(new URL('./gateway.ts', import.meta.url), { cores: measured, flags: profile });
try {
  const source = await upstream.call<string>('listen');
  const urls = {
    relay: await relay.call<string>('listen', source),
    gateway: await gateway.call<string>('listen', source),
  };
  const stage: Stage = { upstream, load: clients, subjects: { relay, gateway }, urls };
  const tables = await measure(stage);
  const machine = {
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
    pinned: cores,
    loadBefore: before,
    loadAfter: load(),
  };
  say(
    `${machine.cpu}, node ${machine.node}, load of the machine ${before} before, ${machine.loadAfter} after (1 min, this included)`,
  );
  say(
    cores
      ? `What is measured runs on core ${cores.measured}, upstream and clients on ${cores.others}.`
      : 'Nothing is pinned to a core, for want of taskset or of a second core: trust the figures even less.',
  );
  say('Median of the rounds (least–most). Only the ratios mean anything.\n');
  for (const table of tables) say(`${print(table)}\n`);
  const seconds = Math.round((performance.now() - start) / 1_000);
  say(`Every event was counted at the client: none was lost, none came twice. ${seconds} s.`);
  writeFileSync(`${results}/${plan.name}.json`, `${JSON.stringify({ plan, machine, tables }, null, 2)}\n`);
} catch (error) {
  if (!(error instanceof BrokenAnswers)) throw error;
  say(error.message);
  process.exitCode = 1;
} finally {
  await Promise.all([upstream, clients, relay, gateway].map((child) => child.close()));
}
