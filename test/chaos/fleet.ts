import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from './plan.ts';
import type { Random } from './random.ts';
import { Replica } from './replica.ts';
import type { Upstream } from './upstream.ts';
import { apps } from './question.ts';
import { Wire } from './wire.ts';

/** Who says nothing for so long has lost its runs, in ms. */
const LEASE_MS = 2_000;

/** How many runs of this app Dify may be asked for at once. */
const MOST_RESEARCH = 12;

export interface FleetParts {
  readonly plan: Plan;
  /** For the configuration, and what replicas complain of. */
  readonly folder: string;
  readonly redisUrl: string;
  readonly upstream: Upstream;
  readonly random: Random;
  /** One has ended by itself. */
  readonly onDeath: (replica: Replica) => void;
}

/** The replicas, and what stands between them and clients: each connection comes to any one that is there. */
export class Fleet implements AsyncDisposable {
  readonly replicas: Replica[] = [];
  readonly balancer: Wire;
  readonly #config: string;
  readonly #folder: string;
  readonly #onDeath: (replica: Replica) => void;
  #started = 0;

  private constructor(balancer: Wire, config: string, { folder, onDeath }: FleetParts) {
    this.balancer = balancer;
    this.#config = config;
    this.#folder = folder;
    this.#onDeath = onDeath;
  }

  static async open(parts: FleetParts): Promise<Fleet> {
    const { plan, folder, random } = parts;
    const replicas: () => readonly Replica[] = () => fleet.replicas;
    const balancer = await Wire.open(() => ({
      port: replicas().length === 0 ? null : random.pick(replicas()).port,
      slow: random.chance(0.1),
    }));
    const config = join(folder, 'gateway.yaml');
    writeFileSync(config, JSON.stringify(configOf(parts)));
    const fleet = new Fleet(balancer, config, parts);
    await Promise.all(Array.from({ length: plan.replicas }, () => fleet.add()));
    return fleet;
  }

  async add(): Promise<void> {
    const replica = await Replica.start(this.#config, join(this.#folder, `replica-${(this.#started += 1)}.log`));
    this.replicas.push(replica);
    void replica.exited.then(() => {
      if (!replica.isToEnd) this.#onDeath(replica);
    });
  }

  /** Nobody new comes to it. */
  remove(replica: Replica): void {
    this.replicas.splice(this.replicas.indexOf(replica), 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.balancer[Symbol.asyncDispose]();
    await Promise.all(this.replicas.map((replica) => replica.kill()));
  }
}

function configOf({ plan, redisUrl, upstream }: FleetParts): object {
  const served = upstream.apps.filter(({ name }) => (apps as readonly string[]).includes(name));
  return {
    server: { host: '127.0.0.1', port: 0, logLevel: 'warn', drainMs: 1_500, secret: 'x'.repeat(32) },
    apps: Object.fromEntries(
      served.map(({ name, key }) => [
        name,
        {
          baseUrl: upstream.baseUrl,
          key,
          ...(name === 'researcher' ? { maxRuns: MOST_RESEARCH, maxQueued: 1_000 } : {}),
        },
      ]),
    ),
    // A crowd that comes back all at once, from one address.
    limits: { user: { operationsPerMinute: 0, runsPerMinute: 0 }, address: { operationsPerMinute: 0, connections: 0 } },
    redis: { url: redisUrl, leaseMs: LEASE_MS, durability: plan.durability },
  };
}
