import type { EndUser } from './ids.ts';
import type { Topic } from './topic.ts';

const kept = 10_000;

/** One execution of a node, as its row in the database tells of it. Times in microseconds. */
export interface NodeRow {
  readonly id: string;
  readonly nodeId: string;
  readonly type: string;
  readonly title: string;
  readonly iterationId: string | null;
  readonly createdAt: number;
  status: 'running' | 'succeeded' | 'failed' | 'paused';
  error: string | null;
  finishedAt: number | null;
}

/** What can be followed of a run that is not over, from 1.14 on. */
export interface LiveRun {
  readonly taskId: string;
  readonly topic: Topic;
  /** As `workflow_started` told them. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The keys of a chatflow's events; a workflow has none. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly nodes: NodeRow[];
  /** The events of the pause the run is in. */
  pause: readonly { readonly event: string; readonly data: object }[];
  /** A chatflow's answer so far. */
  text: string;
}

/** One execution of a chatflow or workflow, as `/workflows/run/{id}` and the logs tell of it. Times in microseconds. */
export interface Run {
  readonly id: string;
  readonly app: string;
  readonly workflowId: string;
  readonly user: EndUser;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  status: 'running' | 'paused' | 'succeeded' | 'failed' | 'stopped';
  outputs: Readonly<Record<string, unknown>>;
  error: string | null;
  totalSteps: number;
  totalTokens: number;
  exceptions: number;
  finishedAt: number | null;
  /** Undefined when it is over, or cannot be followed. */
  live: LiveRun | undefined;
}

/** The runs of all apps, newest last; the oldest are dropped. */
export class Runs {
  readonly #runs = new Map<string, Run>();

  add(run: Run): void {
    this.#runs.set(run.id, run);
    if (this.#runs.size > kept) this.#runs.delete(this.#runs.keys().next().value ?? '');
  }

  find(app: string, id: string): Run | undefined {
    const run = this.#runs.get(id.toLowerCase());
    return run?.app === app ? run : undefined;
  }

  /** Of one app, newest first. */
  of(app: string): Run[] {
    return [...this.#runs.values()].filter((run) => run.app === app).toReversed();
  }
}
