import type {
  AgentLogEvent,
  ContainerEvent,
  HumanInputEvent,
  NodeEvent,
  ReasoningChunkEvent,
  RoundEvent,
  TextChunkEvent,
  TextReplaceEvent,
  WorkflowFinishedEvent,
  WorkflowPausedEvent,
  WorkflowStartedEvent,
} from './wire-graph-event.ts';
import type { Envelope, WireCitation, WireFile, WireUsage } from './wire-values.ts';

export type * from './wire-graph-event.ts';
export type * from './wire-values.ts';

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

/** A name this version does not know, with everything that came with it. */
export interface UnknownWireEvent extends Envelope {
  readonly event: 'unknown';
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}
