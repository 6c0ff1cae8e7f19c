import type { WireCitation } from '../dify/wire-values.ts';
import type { ErrorCode } from '../errors.ts';
import type { HumanForm } from './human-form.ts';

/**
 * What happens to a run, in the order it happened. `seq` counts 1, 2, 3 … without holes; `at` is epoch milliseconds.
 * Every event says its result and not only its difference, so that applying one twice changes nothing.
 */
export type RunEvent =
  | RunQueued
  | RunStarted
  | TextDelta
  | TextReplaced
  | ReasoningDelta
  | AgentStepChanged
  | AgentLogged
  | NodeChanged
  | RoundStarted
  | FileProduced
  | AudioChunk
  | RunPaused
  | RunResumed
  | UpstreamRecovered
  | UnknownEvent
  | RunFinished;

/** An event that has not been numbered yet. */
export type Draft<E = RunEvent> = E extends RunEvent ? Omit<E, 'seq' | 'at'> : never;

interface Numbered {
  readonly seq: number;
  readonly at: number;
  /** Files that its texts name, by id: where Dify has them, signed for minutes. For this server alone. */
  readonly signed?: Readonly<Record<string, string>>;
}

/** It waits for its turn: `position` runs come first. 0: its turn has come, and Dify is asked now. */
export interface RunQueued extends Numbered {
  readonly type: 'RunQueued';
  readonly position: number;
}

/** Dify named ids of this run. Comes again if it names more of them later. */
export interface RunStarted extends Numbered {
  readonly type: 'RunStarted';
  readonly conversationId: string | null;
  readonly messageId: string | null;
  readonly taskId: string | null;
  readonly workflowRunId: string | null;
}

/** `offset` in UTF-16 units: text = text.slice(0, offset) + delta. */
export interface TextDelta extends Numbered {
  readonly type: 'TextDelta';
  readonly offset: number;
  readonly text: string;
  readonly source: readonly string[] | null;
}

export interface TextReplaced extends Numbered {
  readonly type: 'TextReplaced';
  readonly text: string;
  readonly reason: string | null;
}

export interface ReasoningDelta extends Numbered {
  readonly type: 'ReasoningDelta';
  readonly offset: number;
  readonly text: string;
  readonly nodeId: string | null;
}

export interface AgentStepChanged extends Numbered {
  readonly type: 'AgentStepChanged';
  readonly step: AgentStep;
}

export interface AgentLogged extends Numbered {
  readonly type: 'AgentLogged';
  readonly id: string;
  readonly parentId: string | null;
  readonly nodeId: string | null;
  readonly label: string;
  readonly status: string;
  readonly error: string | null;
  /** What the agent noted, for apps that show it: it can hold prompts and secrets. */
  readonly data: unknown;
}

export interface NodeChanged extends Numbered {
  readonly type: 'NodeChanged';
  readonly node: NodeRun;
  readonly progress: Progress;
}

export interface RoundStarted extends Numbered {
  readonly type: 'RoundStarted';
  readonly nodeId: string;
  readonly title: string;
  /** From 0, for iterations and loops alike. */
  readonly round: number;
}

export interface FileProduced extends Numbered {
  readonly type: 'FileProduced';
  readonly file: RunFile;
}

export interface AudioChunk extends Numbered {
  readonly type: 'AudioChunk';
  readonly base64: string;
  readonly final: boolean;
}

/** Dify waits for people: the run goes on when one of the forms is answered, here or elsewhere, or its time is over. */
export interface RunPaused extends Numbered {
  readonly type: 'RunPaused';
  readonly forms: readonly HumanForm[];
}

/** A form was answered, or its time was over. */
export interface RunResumed extends Numbered {
  readonly type: 'RunResumed';
  readonly formId: string | null;
  readonly action: string | null;
  readonly timedOut: boolean;
}

/** The link to Dify broke and was healed, or the outcome was fetched from its records. */
export interface UpstreamRecovered extends Numbered {
  readonly type: 'UpstreamRecovered';
  readonly by: SettledBy;
  /** Some of what happened in between is not known. */
  readonly lostDetail: boolean;
}

export interface UnknownEvent extends Numbered {
  readonly type: 'UnknownEvent';
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Always last, exactly one per run. */
export interface RunFinished extends Numbered {
  readonly type: 'RunFinished';
  readonly status: EndStatus;
  readonly error: RunError | null;
  /** How the outcome was learnt. */
  readonly settledBy: SettledBy;
  readonly usage: Usage | null;
  /** Workflows: the authoritative result. */
  readonly outputs: Readonly<Record<string, unknown>> | null;
  readonly citations: readonly Citation[];
  /** The text exactly as the app sent it, where it differs from the text without its reasoning. */
  readonly rawText: string | null;
}

/** UNKNOWN: the gateway lost sight of it, and Dify's records give no outcome. */
export type EndStatus = 'SUCCEEDED' | 'PARTIAL_SUCCEEDED' | 'FAILED' | 'STOPPED' | 'UNKNOWN';
/** By the stream, Dify's record of the run or the conversation's messages; WATCHDOG: by a limit of the gateway's own. */
export type SettledBy = 'STREAM' | 'RUN_RECORD' | 'HISTORY' | 'WATCHDOG';
export type RunStatus = 'QUEUED' | 'RUNNING' | 'PAUSED' | 'STOPPING' | EndStatus;
export type NodeStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'EXCEPTION' | 'RETRYING' | 'PAUSED' | 'STOPPED';

export interface RunError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly difyCode: string | null;
  readonly difyStatus: number | null;
  /** The node that failed, where one did. */
  readonly nodeId: string | null;
}

/** Prices are exact decimals in strings; latency is in seconds. */
export interface Usage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly totalTokens: number;
  readonly totalPrice: string | null;
  readonly currency: string | null;
  readonly latencySeconds: number | null;
  readonly source: UsageSource;
}

/** Where the figures come from: Dify's final event is sometimes all zeros. */
export type UsageSource = 'FINAL_EVENT' | 'NODE_SUM' | 'RUN_RECORD';

export interface AgentStep {
  readonly id: string;
  readonly position: number;
  readonly thought: string | null;
  /** Names joined with `;` where the agent called several at once. */
  readonly tool: string | null;
  /** Tool → its name by language. */
  readonly toolLabels: Readonly<Record<string, unknown>>;
  readonly toolInput: unknown;
  readonly observation: string | null;
  readonly files: readonly string[];
}

/** One execution of a node. Times are epoch seconds, as Dify tells them. */
export interface NodeRun {
  readonly id: string;
  readonly nodeId: string;
  readonly type: string;
  readonly title: string;
  readonly index: number;
  readonly status: NodeStatus;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly elapsedSeconds: number | null;
  readonly error: string | null;
  readonly usage: Usage | null;
  readonly parentNodeId: string | null;
  readonly round: number | null;
  readonly retries: number;
  /** What went in and came out, for apps that show it: it can hold prompts and secrets. */
  readonly inputs: unknown;
  readonly outputs: unknown;
}

export interface Progress {
  readonly started: number;
  readonly finished: number;
  readonly failed: number;
  /** Titles of the nodes that run now. */
  readonly current: readonly string[];
}

export interface RunFile {
  readonly id: string;
  readonly type: string;
  readonly name: string | null;
  readonly mimeType: string | null;
  readonly size: number | null;
  readonly fromUser: boolean;
  /** In Dify, of what the user uploaded; null for other files. */
  readonly uploadId: string | null;
  /** Where Dify has it, signed for minutes: for this server alone. Of a remote file, where the user or the app said it is. */
  readonly sourceUrl: string | null;
  readonly remote: boolean;
}

/** A retrieved passage: what Dify says of it needs no telling in other words. */
export type Citation = WireCitation;
