import { setTimeout as sleep } from 'node:timers/promises';
import type { TestRedis } from '../redis.ts';
import type { Fleet } from './fleet.ts';
import type { Ledger } from './ledger.ts';
import type { Plan } from './plan.ts';
import type { Random } from './random.ts';
import type { Upstream } from './upstream.ts';

export interface FaultParts {
  readonly plan: Plan;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly fleet: Fleet;
  readonly redis: TestRedis;
  readonly upstream: Upstream;
  readonly say: (text: string) => void;
}

/** Breaks things for as long as the plan says; when it resolves, all is whole again. */
export async function breakThings(parts: FaultParts): Promise<void> {
  const { plan, random } = parts;
  const end = Date.now() + plan.ms;
  await Promise.all([cutClients(parts, end), cutUpstream(parts, end), breakProcesses(parts, random.fork(1), end)]);
  parts.upstream.calm();
}

async function cutClients({ plan, random, fleet }: FaultParts, end: number): Promise<void> {
  const dice = random.fork(2);
  const started = Date.now();
  let nextStorm = started + 9_000;
  for (let cut = 0; Date.now() < end;) {
    await sleep(20);
    const due = ((Date.now() - started) / 1_000) * plan.cutsPerSecond;
    while (cut < due && fleet.balancer.cutOne(dice)) cut += 1;
    if (Date.now() < nextStorm) continue;
    nextStorm = Date.now() + dice.whole(5_000, 15_000);
    fleet.balancer.cutAll();
  }
}

async function cutUpstream({ random, upstream }: FaultParts, end: number): Promise<void> {
  const dice = random.fork(3);
  while (Date.now() < end) {
    await sleep(dice.whole(100, 900));
    upstream.wire.cutOne(dice);
  }
}

const kinds = ['kill', 'kill', 'kill', 'freeze', 'freeze', 'drain', 'drain', 'redis', 'double', 'split'] as const;

async function breakProcesses(parts: FaultParts, dice: Random, end: number): Promise<void> {
  const { plan, ledger, redis, say } = parts;
  let frozen = false;
  /** One of each first: a short run has them all. */
  const first: (typeof kinds)[number][] = ['kill', 'split', 'drain', 'freeze', 'redis'];
  while (Date.now() < end) {
    await sleep(dice.whole(...plan.faultMs));
    if (Date.now() > end) break;
    // In a phase of its own: nothing else goes wrong meanwhile.
    if (!frozen && first.length === 0) {
      frozen = true;
      say('Redis is frozen for 2 s');
      const over = ledger.begin('redis', 'frozen');
      redis.signal('SIGSTOP');
      await sleep(2_000);
      redis.signal('SIGCONT');
      over();
      continue;
    }
    await once(parts, first.shift() ?? dice.pick(kinds), dice);
  }
}

async function once(parts: FaultParts, kind: (typeof kinds)[number], dice: Random): Promise<void> {
  const { ledger, fleet, redis, say } = parts;
  if (kind === 'redis') {
    say('Redis is killed');
    const over = ledger.begin('redis', 'killed');
    await redis.kill();
    await sleep(dice.whole(200, 2_500));
    await redis.start();
    over();
    return;
  }
  const replica = dice.pick(fleet.replicas);
  if (kind === 'split') {
    // It has told its readers what the store does not have, and others write its runs before it can.
    say(`Redis is killed, replica ${replica.pid} frozen, and Redis back first`);
    const over = [ledger.begin('redis', 'killed'), ledger.begin('freeze', String(replica.pid))];
    await redis.kill();
    await sleep(dice.whole(500, 1_500));
    replica.signal('SIGSTOP');
    await redis.start();
    await sleep(dice.whole(5_000, 8_000));
    replica.signal('SIGCONT');
    for (const end of over) end();
    return;
  }
  if (kind === 'freeze') {
    const ms = dice.whole(3_000, 8_000);
    say(`replica ${replica.pid} is frozen for ${ms} ms`);
    const over = ledger.begin('freeze', String(replica.pid));
    replica.signal('SIGSTOP');
    await sleep(ms);
    replica.signal('SIGCONT');
    over();
    return;
  }
  if (kind === 'drain') {
    say(`replica ${replica.pid} is replaced`);
    const over = ledger.begin('drain', String(replica.pid));
    await fleet.add();
    replica.signal('SIGTERM');
    fleet.remove(replica);
    await replica.exited;
    over();
    return;
  }
  const more = kind === 'double' && fleet.replicas.length > 2 ? fleet.replicas.filter((one) => one !== replica) : [];
  const dying = [replica, ...more.slice(0, 1)];
  say(`replica ${dying.map(({ pid }) => pid).join(' and ')} is killed`);
  const over = ledger.begin('kill', dying.map(({ pid }) => pid).join());
  await Promise.all(
    dying.map(async (one) => {
      await one.kill();
      await sleep(dice.whole(0, 1_000)); // Until somebody notices.
      fleet.remove(one);
    }),
  );
  over();
  await Promise.all(dying.map(() => fleet.add()));
}
