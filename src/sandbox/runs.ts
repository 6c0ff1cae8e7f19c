import type { EndUser } from './ids.ts';

const kept = 10_000;

/** One execution of a chatflow or workflow, as `/workflows/run/{id}` and the logs tell of it. Times in microseconds. */
export interface Run {
  readonly id: string;
  readonly app: string;
  readonly workflowId: string;
  readonly user: EndUser;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  status: 'running' | 'succeeded' | 'failed' | 'stopped';
  outputs: Readonly<Record<string, unknown>>;
  error: string | null;
  totalSteps: number;
  totalTokens: number;
  exceptions: number;
  finishedAt: number | null;
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
