import type { FileReference } from '../dify/file-reference.ts';
import type {
  AgentStep,
  Citation,
  NodeRun,
  Progress,
  RunError,
  RunEvent,
  RunFile,
  RunStatus,
  SettledBy,
  Usage,
} from './run-event.ts';
import type { HumanForm } from './human-form.ts';

export type RunKind = 'CHAT' | 'COMPLETION' | 'WORKFLOW';
export type DisconnectPolicy = 'CONTINUE' | 'CANCEL';

/** Whose run it is, and its id: together its name, so that another viewer's id names another run. */
export interface RunKey {
  readonly viewer: string;
  readonly id: string;
}

/** What is known of a run before anything has happened to it. */
export interface RunHeader extends RunKey {
  readonly app: string;
  readonly kind: RunKind;
  readonly query: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The conversation it goes on with; null for a new one, and for workflows. */
  readonly conversationId: string | null;
  readonly files: readonly FileReference[];
  /** A published version to run instead of the newest; null for that. */
  readonly workflowId: string | null;
  /** Have Dify name the new conversation once it has been answered. */
  readonly autoName: boolean;
  /** It has to wait for its turn before Dify is asked. */
  readonly queued: boolean;
  /** What becomes of it when nobody is attached any more. */
  readonly onDisconnect: DisconnectPolicy;
  /** Equal for equal content: what an idempotency key is checked against. */
  readonly fingerprint: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** Everything a run's events say so far, folded one by one. Epoch milliseconds. */
export interface RunState {
  readonly header: RunHeader;
  status: RunStatus;
  lastSeq: number;
  finishedAt: number | null;
  /** When its turn came; null for a run that never waited, or waits still. */
  turnAt: number | null;
  /** How often the link to Dify was healed. */
  reconnects: number;
  /** How its outcome was learnt; null before its end. */
  settledBy: SettledBy | null;
  /** When the first event and the first text came. */
  firstEventAt: number | null;
  firstTextAt: number | null;
  conversationId: string | null;
  messageId: string | null;
  taskId: string | null;
  workflowRunId: string | null;
  text: string;
  reasoning: string;
  rawText: string | null;
  readonly steps: Map<string, AgentStep>;
  readonly nodes: Map<string, NodeRun>;
  progress: Progress;
  readonly files: RunFile[];
  /** Files that its texts name, by id: where Dify has them, signed for minutes. For this server alone. */
  readonly signed: Map<string, string>;
  /** Forms that wait for an answer, by id. */
  readonly forms: Map<string, HumanForm>;
  citations: readonly Citation[];
  outputs: Readonly<Record<string, unknown>> | null;
  usage: Usage | null;
  error: RunError | null;
}

export function newState(header: RunHeader): RunState {
  return {
    header,
    status: header.queued ? 'QUEUED' : 'RUNNING',
    lastSeq: 0,
    finishedAt: null,
    turnAt: null,
    reconnects: 0,
    settledBy: null,
    firstEventAt: null,
    firstTextAt: null,
    conversationId: header.conversationId,
    messageId: null,
    taskId: null,
    workflowRunId: null,
    text: '',
    reasoning: '',
    rawText: null,
    steps: new Map(),
    nodes: new Map(),
    progress: { started: 0, finished: 0, failed: 0, current: [] },
    files: [],
    signed: new Map(),
    forms: new Map(),
    citations: [],
    outputs: null,
    usage: null,
    error: null,
  };
}

export function isEnded(state: Readonly<RunState>): boolean {
  return state.finishedAt !== null;
}

/** Whether nothing happens any more unless somebody does something: it has ended, or waits for a person. */
export function isSettled(state: Readonly<RunState>): boolean {
  return isEnded(state) || state.status === 'PAUSED';
}

/** It goes on when its turn or a person comes, and holds nothing of Dify until then. */
export function isWaiting({ status }: Readonly<RunState>): boolean {
  return status === 'QUEUED' || status === 'PAUSED';
}

/** Applies one event. Text grows as a rope: appending costs the same however long it is. */
export function applyEvent(state: RunState, event: RunEvent): void {
  state.lastSeq = event.seq;
  if (event.signed) for (const [id, url] of Object.entries(event.signed)) state.signed.set(id, url);
  if (event.type !== 'RunQueued') state.firstEventAt ??= event.at;
  switch (event.type) {
    case 'RunQueued':
      if (event.position > 0) return;
      state.turnAt = event.at;
      if (state.status === 'QUEUED') state.status = 'RUNNING';
      return;
    case 'RunStarted':
      state.conversationId = event.conversationId ?? state.conversationId;
      state.messageId = event.messageId;
      state.taskId = event.taskId;
      state.workflowRunId = event.workflowRunId;
      return;
    case 'TextDelta':
      state.firstTextAt ??= event.at;
      state.text = splice(state.text, event.offset, event.text);
      return;
    case 'TextReplaced':
      state.text = event.text;
      return;
    case 'ReasoningDelta':
      state.reasoning = splice(state.reasoning, event.offset, event.text);
      return;
    case 'AgentStepChanged':
      state.steps.set(event.step.id, event.step);
      return;
    case 'NodeChanged':
      state.nodes.set(event.node.id, event.node);
      state.progress = event.progress;
      return;
    case 'FileProduced':
      state.files.push(event.file);
      return;
    case 'RunPaused':
      state.status = 'PAUSED';
      for (const form of event.forms) state.forms.set(form.id, form);
      return;
    case 'RunResumed':
      if (state.status === 'PAUSED') state.status = 'RUNNING';
      if (event.formId !== null) state.forms.delete(event.formId);
      return;
    case 'UpstreamRecovered':
      state.reconnects += 1;
      return;
    case 'AgentLogged':
    case 'RoundStarted':
    case 'AudioChunk':
    case 'UnknownEvent':
      return;
    case 'RunFinished':
      state.status = event.status;
      state.finishedAt = event.at;
      state.settledBy = event.settledBy;
      state.forms.clear();
      state.error = event.error;
      state.usage = event.usage;
      state.outputs = event.outputs;
      state.citations = event.citations;
      state.rawText = event.rawText;
      return;
  }
}

/** `text` up to `offset`, then `piece`: the one rule that deltas are applied by, here and in clients. */
export function splice(text: string, offset: number, piece: string): string {
  return (offset === text.length ? text : text.slice(0, offset)) + piece;
}
