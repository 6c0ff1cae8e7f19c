import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drawFlames } from './flames.ts';
import { fold, selfTimes, type CpuProfile } from './cpu-profile.ts';
import { playRound } from './rounds.ts';
import { Stage } from './stage.ts';

// Where the time of the hot path goes: `npm run profile` floods the server, or paces it with `npm run profile -- paced`, and leaves
// a flame graph in bench/results.
const mode = process.argv.includes('paced') ? 'paced' : 'flood';
const streams = 100;
const events = mode === 'flood' ? 2_000 : 200;
const results = fileURLToPath(new URL('./results', import.meta.url));
const file = `${results}/${mode}.cpuprofile`;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
mkdirSync(results, { recursive: true });
await using stage = new Stage(false);
await stage.open();
{
  await using measured = await stage.measure({ subject: 'gateway' });
  const script = { mode, events, cue: 'main' } as const;
  // Once more, so that all is compiled.
  await playRound(stage, measured, script, streams);
  await measured.child.call('profile');
  const { cpuPerEvent, busy } = await playRound(stage, measured, script, streams);
  await measured.child.call('profile', file);
  process.stdout.write(
    `${mode}: ${streams} streams × ${events} events: ${cpuPerEvent.toFixed(1)} µs an event with the profiler on, ${busy.toFixed(0)} % busy\n\n`,
  );
}
const root = fold(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile);
const graph = `${results}/${mode}.svg`;
writeFileSync(graph, drawFlames(root, `${mode}: ${streams} streams × ${events} text events, node ${process.version}`));
process.stdout.write('self time\n');
for (const { name, place, part } of selfTimes(root).slice(0, 40))
  process.stdout.write(`  ${(part * 100).toFixed(1).padStart(5)} %  ${name.padEnd(36)} ${place}\n`);
process.stdout.write(`\nflame graph: ${graph}\nprofile, for Chrome's developer tools: ${file}\n`);
