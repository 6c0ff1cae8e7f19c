import { elapsed, seconds } from './clock.ts';
import { NodeFailure, Stopped } from './faults.ts';
import type { Run } from './runs.ts';
import type { Turn } from './turn.ts';

/** One execution of a graph: it tells of its nodes as events and keeps the record that `/workflows/run/{id}` shows. */
export class Graph {
  readonly run: Run;
  readonly turn: Turn;
  readonly #announced: Readonly<Record<string, unknown>>;

  /** `announced` are the inputs in `workflow_started`; the start node and the record know one or two more. */
  constructor(
    turn: Turn,
    id: string,
    announced: Readonly<Record<string, unknown>>,
    inputs: Readonly<Record<string, unknown>>,
  ) {
    this.turn = turn;
    this.#announced = announced;
    this.run = {
      id,
      app: turn.app.name,
      workflowId: turn.app.workflowId,
      user: turn.user,
      inputs,
      createdAt: turn.world.now(),
      status: 'running',
      outputs: {},
      error: null,
      totalSteps: 0,
      totalTokens: 0,
      exceptions: 0,
      finishedAt: null,
    };
    turn.world.runs.add(this.run);
  }

  /** Runs the graph from `workflow_started` to `workflow_finished`. Failure and stop are data here. */
  async execute(work: () => Promise<Readonly<Record<string, unknown>>>, files: readonly object[] = []): Promise<void> {
    const { run } = this;
    const { id, workflowId } = run;
    await this.emit('workflow_started', {
      id,
      workflow_id: workflowId,
      inputs: this.#announced,
      created_at: seconds(run.createdAt),
    });
    try {
      run.outputs = await work();
      run.status = 'succeeded';
    } catch (fault) {
      run.status = fault instanceof Stopped ? 'stopped' : 'failed';
      run.error = fault instanceof Stopped ? 'Stopped by user.' : String((fault as Error).message);
      run.finishedAt = this.turn.world.now();
      if (!(fault instanceof Stopped || fault instanceof NodeFailure)) throw fault;
      run.exceptions = run.status === 'failed' ? 1 : 0;
    }
    run.finishedAt = this.turn.world.now();
    await this.emit('workflow_finished', {
      ...runSummary(run),
      created_by: { id: run.user.id, user: run.user.session },
      created_at: seconds(run.createdAt),
      finished_at: seconds(run.finishedAt),
      exceptions_count: run.exceptions,
      files: run.status === 'succeeded' ? files : [],
    });
  }

  /** An event with `data`. Chatflow streams name the run in each, workflow streams in the envelope (§2.3). */
  async emit(event: string, data: object): Promise<void> {
    const inEnvelope = 'workflow_run_id' in this.turn.envelope;
    await this.turn.emit(event, inEnvelope ? { data } : { workflow_run_id: this.run.id, data });
  }
}

/** What stream and blocking reply say alike of a run, in this order. */
export function runSummary(run: Run): object {
  return {
    id: run.id,
    workflow_id: run.workflowId,
    status: run.status,
    outputs: run.outputs,
    error: run.error,
    elapsed_time: elapsed(run.createdAt, run.finishedAt ?? run.createdAt),
    total_tokens: run.totalTokens,
    total_steps: run.totalSteps,
  };
}

/** The `sys.*` inputs that every run has. */
export function systemInputs(turn: Turn, runId: string): Record<string, unknown> {
  return {
    'sys.files': [],
    'sys.user_id': turn.user.session,
    'sys.app_id': turn.app.id,
    'sys.workflow_id': turn.app.workflowId,
    'sys.workflow_run_id': runId,
  };
}
