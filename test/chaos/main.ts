import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasRedis, openRedis } from '../redis.ts';
import { Crowd } from './crowd.ts';
import { breakThings } from './faults.ts';
import { Fleet } from './fleet.ts';
import { Ledger } from './ledger.ts';
import { planFrom } from './plan.ts';
import { Random } from './random.ts';
import { evidence, report } from './report.ts';
import { openUpstream } from './upstream.ts';
import { judge } from './verdict.ts';

// Breaks everything that can break while people ask, and proves that no answer is lost, doubled or reordered: `npm run test:chaos`.

const plan = planFrom(process.env);
const ledger = new Ledger({ isStrict: plan.durability === 'strict' });

function say(text: string): void {
  process.stdout.write(`${((Date.now() - ledger.startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'chaos-'));
  const random = new Random(plan.seed);
  say(`seed ${plan.seed}; what the replicas complain of is in ${folder}`);
  await using redis = await openRedis({ persist: true });
  process.once('exit', () => redis.signal('SIGKILL'));
  await using upstream = await openUpstream(ledger, random.fork(10));
  await using fleet = await Fleet.open({
    plan,
    folder,
    redisUrl: redis.url,
    upstream,
    random: random.fork(11),
    onDeath: ({ pid }) => ledger.violate('a replica died by itself', null, `${pid}: see ${folder}`),
  });
  say(`${plan.replicas} replicas behind ${fleet.balancer.url}`);
  const crowd = new Crowd({ plan, ledger, random: random.fork(12), url: fleet.balancer.url });
  const beat = setInterval(
    () =>
      say(
        `${ledger.accounts.size} questions, ${fleet.balancer.connections} connections, ${fleet.balancer.cuts} cut, ${crowd.busy} people busy`,
      ),
    5_000,
  );
  const broken = breakThings({ plan, ledger, random: random.fork(13), fleet, redis, upstream, say });
  await crowd.live(broken.then(() => say('all is whole again')));
  clearInterval(beat);
  say('reading all of it once more');
  await judge(ledger, fleet.replicas);
  const cuts = { clients: fleet.balancer.cuts, upstream: upstream.wire.cuts };
  if (cuts.clients < plan.cutsAtLeast) {
    say(`only ${cuts.clients} connections were cut, not ${plan.cutsAtLeast}: that proves too little`);
    process.exitCode = 1;
  }
  if (ledger.violations.length > 0) {
    process.exitCode = 1;
    await writeFile(join(folder, 'evidence.json'), evidence(ledger));
  } else await rm(folder, { recursive: true });
  process.stdout.write(`\n${report(ledger, plan, cuts)}\n`);
}

// Whoever ends this early leaves nothing behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
if (hasRedis()) await main();
process.exit();
