import { existsSync } from 'node:fs';
import { Child } from './child.ts';
import { shareCores, type Cores } from './cores.ts';
import type { GatewaySetting } from './gateway.ts';
import { playRound } from './rounds.ts';

/** Who is measured: the yardstick, the product, and other GraphQL servers. */
export type Subject = 'relay' | 'gateway' | Peer;
export type Peer = (typeof peers)[number];
export const peers = ['yoga', 'apollo', 'mercurius'] as const;

const peersFolder = new URL('./peers/', import.meta.url);

const files: Readonly<Record<Subject, URL>> = {
  relay: new URL('./relay.ts', import.meta.url),
  gateway: new URL('./gateway.ts', import.meta.url),
  yoga: new URL('./yoga.js', peersFolder),
  apollo: new URL('./apollo.js', peersFolder),
  mercurius: new URL('./mercurius.js', peersFolder),
};

export function arePeersInstalled(): boolean {
  return existsSync(new URL('./node_modules/', peersFolder));
}

/** A process that is measured, and where it listens. */
export interface Measured extends AsyncDisposable {
  /** In tables. */
  readonly name: string;
  readonly child: Child;
  readonly url: string;
}

/** Those that are measured in turn. Closing closes all. */
export interface Crew extends AsyncDisposable {
  readonly all: readonly Measured[];
}

export interface Opening {
  readonly subject: Subject;
  readonly name?: string;
  readonly setting?: Omit<GatewaySetting, 'upstream'>;
}

/** Upstream and clients, which all scenarios share, and what is measured, which each opens for itself. */
export class Stage implements AsyncDisposable {
  readonly cores: Cores | null = shareCores();
  readonly load: Child;
  readonly upstream: Child;
  readonly peers: readonly Peer[];
  /** Where the upstream listens. */
  source = '';

  constructor(withPeers: boolean) {
    this.peers = withPeers ? peers : [];
    const cores = this.cores?.others ?? null;
    this.upstream = new Child(new URL('./upstream.ts', import.meta.url), { cores });
    this.load = new Child(new URL('./load.ts', import.meta.url), { cores, flags: ['--max-old-space-size=3000'] });
  }

  async open(): Promise<void> {
    this.source = await this.upstream.call<string>('listen');
  }

  /** One that has done some work already. */
  async measure({ subject, name = subject, setting = {} }: Opening): Promise<Measured> {
    const child = new Child(files[subject], { cores: this.cores?.measured ?? null });
    const url = await child.call<string>('listen', { upstream: this.source, ...setting });
    const measured: Measured = { name, child, url, [Symbol.asyncDispose]: () => child.close() };
    await playRound(this, measured, { mode: 'flood', events: 2_000, cue: 'warm' }, 50);
    return measured;
  }

  /** The relay, the product and, if they are wanted, the others. */
  async crew(openings: readonly Opening[] = this.everybody): Promise<Crew> {
    const all: Measured[] = [];
    for (const opening of openings) all.push(await this.measure(opening));
    return {
      all,
      async [Symbol.asyncDispose]() {
        await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
      },
    };
  }

  get everybody(): readonly Opening[] {
    return [{ subject: 'relay' }, { subject: 'gateway' }, ...this.peers.map((subject) => ({ subject }))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.upstream.close(), this.load.close()]);
  }
}
