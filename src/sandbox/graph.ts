import { elapsed, seconds } from './clock.ts';
import { NodeFailure, Stopped } from './faults.ts';
import type { Run } from './runs.ts';
import { TopicWriter } from './topic-writer.ts';
import type { Turn } from './turn.ts';

/** How a graph ends. */
export interface Ending {
  /** The files among its outputs. */
  readonly files?: readonly object[];
  /** From 1.13 on what comes between the last node and `workflow_finished`, when the run has succeeded. */
  readonly before?: () => Promise<void>;
}

/** One execution of a graph: it tells of its nodes as events and keeps the record that `/workflows/run/{id}` shows. */
export class Graph {
  readonly run: Run;
  readonly turn: Turn;
  /** The worker that executes it, from 1.13 on. */
  readonly worker: TopicWriter | undefined;
  readonly #announced: Readonly<Record<string, unknown>>;
  #attemptAt: number;

  /** `announced` are the inputs in `workflow_started`; the start node and the record know one or two more up to 1.12. */
  constructor(
    turn: Turn,
    id: string,
    announced: Readonly<Record<string, unknown>>,
    inputs: Readonly<Record<string, unknown>>,
  ) {
    const { world, app, user, writer, workflowId } = turn;
    const { relay } = world.features;
    this.turn = turn;
    this.worker = writer instanceof TopicWriter ? writer : undefined;
    this.#announced = announced;
    this.#attemptAt = world.now();
    this.run = {
      id,
      app: app.name,
      workflowId,
      user,
      inputs: relay ? announced : inputs,
      createdAt: this.#attemptAt,
      status: 'running',
      outputs: {},
      error: null,
      totalSteps: 0,
      totalTokens: 0,
      exceptions: 0,
      finishedAt: null,
      live: this.worker && {
        taskId: turn.taskId,
        topic: this.worker.topic,
        inputs: announced,
        about: app.mode === 'workflow' ? {} : turn.envelope,
        nodes: [],
        pause: [],
        text: '',
      },
    };
    world.runs.add(this.run);
  }

  /** Runs the graph from `workflow_started` to `workflow_finished`. Failure and stop are data here. */
  async execute(
    work: () => Promise<Readonly<Record<string, unknown>>>,
    { files = [], before }: Ending = {},
  ): Promise<void> {
    const { run, turn } = this;
    await this.emit('workflow_started', this.#started('initial'));
    try {
      run.outputs = await work();
      run.status = 'succeeded';
    } catch (fault) {
      this.#fail(fault);
      if (!(fault instanceof Stopped || fault instanceof NodeFailure)) throw fault;
    }
    run.finishedAt = turn.world.now();
    if (run.status === 'succeeded') await before?.();
    run.live = undefined;
    await this.emit('workflow_finished', {
      ...runSummary(run, this.#attemptAt),
      created_by: { id: run.user.id, user: run.user.session },
      created_at: seconds(this.#attemptAt),
      finished_at: seconds(run.finishedAt),
      exceptions_count: run.exceptions,
      files: run.status === 'succeeded' ? files : [],
    });
  }

  /** The answer is there: who looks now sees no pause any more, though no worker has gone on yet. */
  endPause(): void {
    this.run.status = 'running';
    if (this.run.live !== undefined) this.run.live.pause = [];
  }

  /** Goes on after a pause. */
  async resume(): Promise<void> {
    this.#attemptAt = this.turn.world.now();
    await this.emit('workflow_started', this.#started('resumption'));
  }

  /** What the present attempt has come to, at a pause. */
  progress(): { created_at: number; elapsed_time: number; total_tokens: number; total_steps: number } {
    return {
      created_at: seconds(this.#attemptAt),
      elapsed_time: elapsed(this.#attemptAt, this.turn.world.now()),
      total_tokens: this.run.totalTokens,
      total_steps: this.run.totalSteps,
    };
  }

  /** An event with `data`. Chatflow streams name the run in each, workflow streams in the envelope (§2.3). */
  async emit(event: string, data: object): Promise<void> {
    const inEnvelope = 'workflow_run_id' in this.turn.envelope;
    await this.turn.emit(event, inEnvelope ? { data } : { workflow_run_id: this.run.id, data });
  }

  #started(reason: 'initial' | 'resumption'): object {
    return {
      id: this.run.id,
      workflow_id: this.run.workflowId,
      inputs: this.#announced,
      created_at: seconds(this.#attemptAt),
      ...(this.turn.world.features.relay ? { reason } : {}),
    };
  }

  #fail(fault: unknown): void {
    const { run, turn } = this;
    const stopped = fault instanceof Stopped;
    const { stopsAsFailed } = turn.world.features;
    run.status = stopped && !stopsAsFailed ? 'stopped' : 'failed';
    run.error = stopped ? (stopsAsFailed ? 'Aborted: User requested stop' : 'Stopped by user.') : textOf(fault);
    run.exceptions = stopped ? 0 : 1;
    run.finishedAt = turn.world.now();
    if (!stopped && !(fault instanceof NodeFailure)) run.live = undefined;
  }
}

const textOf = (fault: unknown) => (fault instanceof Error ? fault.message : String(fault));

/** What stream and blocking reply say alike of a run, in this order. `from` is when the attempt began. */
export function runSummary(run: Run, from = run.createdAt): object {
  return {
    id: run.id,
    workflow_id: run.workflowId,
    status: run.status,
    outputs: run.outputs,
    error: run.error,
    elapsed_time: elapsed(from, run.finishedAt ?? from),
    total_tokens: run.totalTokens,
    total_steps: run.totalSteps,
  };
}

/** The `sys.*` inputs that every run has. */
export function systemInputs(turn: Turn, runId: string, files: readonly object[] = []): Record<string, unknown> {
  return {
    'sys.files': files,
    'sys.user_id': turn.user.session,
    'sys.app_id': turn.app.id,
    'sys.workflow_id': turn.workflowId,
    'sys.workflow_run_id': runId,
  };
}
