import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { print, type Table } from './figures.ts';
import { judge } from './goals.ts';
import { BrokenAnswers } from './rounds.ts';
import { type Size, Skipped } from './scenario.ts';
import { scenarios } from './scenarios/all.ts';
import { arePeersInstalled, Stage } from './stage.ts';

// What the server costs, beside a relay that does the least one can: `npm run bench`. BENCH_SHORT=1 is the form for CI,
// BENCH_ONLY=flood,paced plays some scenarios, BENCH_PEERS=1 or --peers adds other GraphQL servers.
const size: Size = process.env['BENCH_SHORT'] === '1' ? 'short' : 'full';
const only = process.env['BENCH_ONLY']?.split(',').map((name) => name.trim());
const wantsPeers = process.env['BENCH_PEERS'] === '1' || process.argv.includes('--peers');
const results = fileURLToPath(new URL('./results', import.meta.url));

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function load(): string {
  return loadavg()[0]?.toFixed(1) ?? '?';
}

function chosen() {
  const unknown = only?.filter((name) => !scenarios.some((scenario) => scenario.name === name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`BENCH_ONLY: no ${unknown.join(', ')} among ${scenarios.map(({ name }) => name).join(', ')}`);
  return scenarios.filter(({ name, short }) => only?.includes(name) ?? (size === 'full' || short));
}

async function play(stage: Stage): Promise<readonly Table[]> {
  const tables: Table[] = [];
  for (const scenario of chosen()) {
    const start = performance.now();
    try {
      for await (const table of scenario.play(stage, size)) {
        tables.push(table);
        say(`${print(table)}\n`);
      }
    } catch (error) {
      if (!(error instanceof Skipped)) throw error;
      say(`${scenario.name} is SKIPPED: ${error.message}\n`);
    }
    say(`(${scenario.name}: ${((performance.now() - start) / 1_000).toFixed(0)} s, load of the machine ${load()})\n`);
  }
  return tables;
}

async function main(): Promise<void> {
  const withPeers = wantsPeers && arePeersInstalled();
  if (wantsPeers && !withPeers) say('Peers are SKIPPED, they are not installed: npm ci --prefix bench/peers\n');
  const before = load();
  const start = performance.now();
  await using stage = new Stage(withPeers);
  await stage.open();
  const { cores } = stage;
  const processor = `${cpus().length} × ${cpus()[0]?.model.trim()}`;
  say(`${processor}, node ${process.version}, load of the machine ${before}`);
  say(
    cores
      ? `What is measured runs on core ${cores.measured}, upstream and clients on ${cores.others}.`
      : 'Nothing is pinned to a core, for want of taskset or of a second core: trust the figures even less.',
  );
  say('Median of the rounds (least–most). Only the ratios mean anything.\n');
  const tables = await play(stage);
  const goals = judge(tables);
  if (goals.length > 0) say(['Goals', ...goals, ''].join('\n'));
  const seconds = Math.round((performance.now() - start) / 1_000);
  say(`Every event was counted at the client: none was lost, none came twice. ${seconds} s, load ${load()}.`);
  const machine = { node: process.version, processor, cores, loadBefore: before, loadAfter: load() };
  const date = new Date().toISOString().slice(0, 10);
  mkdirSync(results, { recursive: true });
  const report = { size, date, seconds, machine, goals, tables };
  writeFileSync(`${results}/${only ? 'only' : size}.json`, `${JSON.stringify(report, null, 2)}\n`);
}

// What was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  await main();
} catch (error) {
  if (!(error instanceof BrokenAnswers)) throw error;
  say(error.message);
  process.exitCode = 1;
}
