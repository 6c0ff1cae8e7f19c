import type { RunKey } from '../run-state.ts';

/** What things are called in Redis. Viewer and id stand in a run's name as JSON: no pair looks like another. */
export class Names {
  readonly leases: string;
  /** Where orders to the writers of runs are heard by all. */
  readonly orders: string;
  /** Where replicas tell each other how many readers they have. */
  readonly watchers: string;
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.leases = `${prefix}leases`;
    this.orders = `${prefix}orders`;
    this.watchers = `${prefix}watchers`;
  }

  /** The stream of a run, and the channel that rings for it. */
  run(name: string): string {
    return `${this.#prefix}run:${name}`;
  }

  stop(name: string): string {
    return `${this.#prefix}stop:${name}`;
  }

  /** The runs of a viewer by the time of their beginning, and the channel that rings for it. */
  list(viewer: string): string {
    return `${this.#prefix}runs:${viewer}`;
  }

  note(name: string): string {
    return `${this.#prefix}note:${name}`;
  }

  /** Who stands in a line, and the channel that rings for it. */
  line(line: string): string {
    return `${this.#prefix}line:${line}`;
  }
}

export function nameOf({ viewer, id }: RunKey): string {
  return JSON.stringify([viewer, id]);
}

export function keyOf(name: string): RunKey {
  const [viewer, id] = JSON.parse(name) as [string, string];
  return { viewer, id };
}
