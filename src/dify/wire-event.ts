/**
 * What a Dify stream says (§2.5 of the Service API), parsed once at the border: nulls, missing keys and numbers in strings
 * are already made regular here. Names follow the wire, in camel case. Times are epoch seconds as on the wire.
 */
export type WireEvent =
  | MessageEvent
  | AgentMessageEvent
  | AgentThoughtEvent
  | MessageFileEvent
  | MessageReplaceEvent
  | MessageEndEvent
  | TtsEvent
  | ErrorEvent
  | WorkflowStartedEvent
  | WorkflowFinishedEvent
  | WorkflowPausedEvent
  | HumanInputEvent
  | NodeEvent
  | ContainerEvent
  | RoundEvent
  | TextChunkEvent
  | TextReplaceEvent
  | ReasoningChunkEvent
  | AgentLogEvent
  | UnknownWireEvent;

/** The ids that any event may carry; each family of apps sends others of them (§2.3). */
export interface Envelope {
  readonly taskId: string | null;
  readonly conversationId: string | null;
  readonly messageId: string | null;
  readonly workflowRunId: string | null;
}

/** A piece of the answer. Text that some versions send as `message_file` (§2.5, a bug since 1.7.2) arrives as this too. */
export interface MessageEvent extends Envelope {
  readonly event: 'message';
  readonly answer: string;
  /** Creation time of the message, constant over the stream. */
  readonly createdAt: number | null;
  /** Chatflow: the node and variable it comes from. */
  readonly source: readonly string[] | null;
}

export interface AgentMessageEvent extends Envelope {
  readonly event: 'agent_message';
  readonly answer: string;
  readonly createdAt: number | null;
}

/** A snapshot of one step: later ones with the same id replace it, field by field where they are not empty. */
export interface AgentThoughtEvent extends Envelope {
  readonly event: 'agent_thought';
  readonly id: string;
  readonly position: number;
  readonly thought: string;
  readonly observation: string;
  /** Names joined with `;`. */
  readonly tool: string;
  readonly toolLabels: Readonly<Record<string, unknown>>;
  /** JSON text, mostly. */
  readonly toolInput: string;
  readonly files: readonly string[];
}

export interface MessageFileEvent extends Envelope {
  readonly event: 'message_file';
  readonly id: string;
  readonly type: string;
  readonly belongsTo: string | null;
  /** Signed by Dify and short-lived; may be relative. */
  readonly url: string | null;
}

export interface MessageReplaceEvent extends Envelope {
  readonly event: 'message_replace';
  /** The complete new text. */
  readonly answer: string;
  readonly reason: string | null;
}

export interface MessageEndEvent extends Envelope {
  readonly event: 'message_end';
  readonly usage: WireUsage | null;
  readonly citations: readonly WireCitation[];
  readonly files: readonly WireFile[];
  /** Node id → separated reasoning (since 1.16). */
  readonly reasoning: Readonly<Record<string, string>>;
}

export interface TtsEvent extends Envelope {
  readonly event: 'tts_message' | 'tts_message_end';
  /** Base64 of one self-contained piece. */
  readonly audio: string;
}

/** Fatal. Never carries a task id; `code` is missing in the relay form (§2.5). */
export interface ErrorEvent extends Envelope {
  readonly event: 'error';
  readonly code: string | null;
  readonly status: number | null;
  readonly message: string;
}

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

/** A name this version does not know, with everything that came with it. */
export interface UnknownWireEvent extends Envelope {
  readonly event: 'unknown';
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface WireUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly totalTokens: number;
  /** Exact decimal without exponent: "0.0000006", never "6E-7". */
  readonly totalPrice: string | null;
  readonly currency: string | null;
  /** Seconds. */
  readonly latency: number | null;
}

/** A retrieved passage (§2.5, `retriever_resources`); every member may be missing. */
export interface WireCitation {
  readonly position: number;
  readonly datasetId: string | null;
  readonly datasetName: string | null;
  readonly documentId: string | null;
  readonly documentName: string | null;
  readonly segmentId: string | null;
  readonly score: number | null;
  readonly content: string | null;
}

/** A file of a message or an output (§7.4). */
export interface WireFile {
  readonly id: string | null;
  readonly type: string;
  readonly name: string | null;
  readonly mimeType: string | null;
  readonly size: number | null;
  readonly belongsTo: string | null;
  readonly url: string | null;
}
