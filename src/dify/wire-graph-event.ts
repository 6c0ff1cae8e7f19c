import type { Envelope, WireFile } from './wire-values.ts';

export interface WorkflowStartedEvent extends Envelope {
  readonly event: 'workflow_started';
  readonly workflowId: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly createdAt: number | null;
  readonly reason: string | null;
}

export interface WorkflowFinishedEvent extends Envelope {
  readonly event: 'workflow_finished';
  readonly workflowId: string | null;
  /** `succeeded`, `partial-succeeded`, `failed`, `stopped`. */
  readonly status: string;
  readonly outputs: Readonly<Record<string, unknown>> | null;
  readonly error: string | null;
  readonly elapsedTime: number | null;
  readonly totalTokens: number;
  readonly totalSteps: number;
  readonly createdAt: number | null;
  readonly finishedAt: number | null;
  readonly exceptionsCount: number;
  readonly files: readonly WireFile[];
}

export interface WorkflowPausedEvent extends Envelope {
  readonly event: 'workflow_paused';
  readonly reasons: readonly Readonly<Record<string, unknown>>[];
}

/** Holds form tokens: `data` must not leave the gateway as it is. */
export interface HumanInputEvent extends Envelope {
  readonly event: 'human_input_required' | 'human_input_form_filled' | 'human_input_form_timeout';
  readonly data: Readonly<Record<string, unknown>>;
}

export interface NodeEvent extends Envelope {
  readonly event: 'node_started' | 'node_finished' | 'node_retry';
  /** Node execution: pairs start, retries and finish. */
  readonly id: string;
  readonly nodeId: string;
  readonly nodeType: string;
  readonly title: string;
  readonly index: number;
  /** `node_started` has none: `running`. */
  readonly status: string;
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly error: string | null;
  readonly elapsedTime: number | null;
  readonly totalTokens: number | null;
  readonly totalPrice: string | null;
  readonly currency: string | null;
  /** Enclosing container's node id and the round in it, where told. */
  readonly iterationId: string | null;
  readonly iterationIndex: number | null;
  readonly loopId: string | null;
  readonly loopIndex: number | null;
  readonly createdAt: number | null;
  readonly finishedAt: number | null;
  /** 1-based; only on `node_retry`. */
  readonly retryIndex: number | null;
}

/** Start or end of an iteration or a loop; containers get no node events of their own. */
export interface ContainerEvent extends Envelope {
  readonly event: 'iteration_started' | 'iteration_completed' | 'loop_started' | 'loop_completed';
  readonly nodeId: string;
  readonly nodeType: string;
  readonly title: string;
  readonly status: string;
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly error: string | null;
  readonly elapsedTime: number | null;
  readonly totalTokens: number | null;
  readonly createdAt: number | null;
  readonly finishedAt: number | null;
}

/** `index`: 0-based before each item of an iteration; 1-based *after* each round of a loop. */
export interface RoundEvent extends Envelope {
  readonly event: 'iteration_next' | 'loop_next';
  readonly nodeId: string;
  readonly title: string;
  readonly index: number;
}

export interface TextChunkEvent extends Envelope {
  readonly event: 'text_chunk';
  readonly text: string;
  readonly source: readonly string[] | null;
}

export interface TextReplaceEvent extends Envelope {
  readonly event: 'text_replace';
  readonly text: string;
}

export interface ReasoningChunkEvent extends Envelope {
  readonly event: 'reasoning_chunk';
  readonly reasoning: string;
  readonly nodeId: string | null;
  readonly final: boolean;
}

export interface AgentLogEvent extends Envelope {
  readonly event: 'agent_log';
  readonly id: string;
  readonly parentId: string | null;
  readonly nodeId: string | null;
  readonly label: string;
  /** `start`, `success`, `error`. */
  readonly status: string;
  readonly error: string | null;
  readonly data: unknown;
}
