import type { AgentThoughtEvent, Envelope, MessageEndEvent, MessageFileEvent, WireEvent, WorkflowFinishedEvent } from '../dify/wire-event.ts';
import type { Outcome } from './ending.ts';
import { NodeTimeline } from './node-timeline.ts';
import { BETWEEN_BLOCKS, ReasoningSplitter, splitReasoning } from './reasoning.ts';
import { tokensOnly, usageOf } from './usage.ts';
import type { AgentStep, Citation, RunEvent, RunFile, Usage } from './run-event.ts';

type Draft<E = RunEvent> = E extends RunEvent ? Omit<E, 'seq' | 'at'> : never;

/**
 * Turns what Dify says into what happened to the run, by the folding rules of §2.7. It is the only one that numbers events.
 * All its state is small: the text itself is kept once, in the run's state.
 */
export class Translator {
  #seq = 0;
  #at = 0;
  #out: RunEvent[] = [];
  #ids: Envelope = { taskId: null, conversationId: null, messageId: null, workflowRunId: null };
  /** The text without and with its reasoning, and the reasoning: ropes that share their pieces with the events. */
  #text = '';
  #raw = '';
  #reasoning = '';
  #reasoningNode: string | null = null;
  #splitter = new ReasoningSplitter();
  /** What the agent said so far; a closing `message` may repeat it whole. */
  #agentText = '';
  #graph = false;
  readonly #steps = new Map<string, AgentStep>();
  readonly #files = new Set<string>();
  readonly #nodes = new NodeTimeline();
  #usage: Usage | null = null;
  #citations: readonly Citation[] = [];
  #outputs: Readonly<Record<string, unknown>> | null = null;

  /** The ids Dify has named so far. */
  get ids(): Envelope {
    return this.#ids;
  }

  /** The events that one read of the stream amounts to; often one each, sometimes none. */
  translate(wire: readonly WireEvent[], at: number): RunEvent[] {
    this.#begin(at);
    for (const event of wire) this.#one(event);
    return this.#out;
  }

  /** The last events of the run: what was held back, nodes that never finished, and its one `RunFinished`. */
  finish(outcome: Outcome, at: number): RunEvent[] {
    this.#begin(at);
    this.#pieces(this.#splitter.end(), null);
    for (const node of this.#nodes.closeOpen()) this.#emit({ type: 'NodeChanged', node, progress: this.#nodes.progress() });
    const failed = outcome.error?.nodeId === null ? this.#nodes.lastFailed : null;
    this.#emit({
      type: 'RunFinished',
      status: outcome.status,
      error: outcome.error && { ...outcome.error, nodeId: outcome.error.nodeId ?? failed },
      usage: this.#usage,
      outputs: this.#outputs,
      citations: this.#citations,
      rawText: this.#raw === this.#text ? null : this.#raw,
    });
    return this.#out;
  }

  #begin(at: number): void {
    this.#at = at;
    this.#out = [];
  }

  #emit(draft: Draft): void {
    this.#out.push({ seq: ++this.#seq, at: this.#at, ...draft } as RunEvent);
  }

  #one(wire: WireEvent): void {
    this.#learnIds(wire);
    switch (wire.event) {
      case 'message':
        return this.#message(wire.answer, wire.source);
      case 'agent_message':
        this.#agentText += wire.answer;
        return this.#append(wire.answer, null);
      case 'text_chunk':
        return this.#append(wire.text, wire.source);
      case 'message_replace':
        return this.#replace(wire.answer, wire.reason);
      case 'text_replace':
        return this.#replace(wire.text, null);
      case 'reasoning_chunk':
        return this.#reason(wire.reasoning, wire.nodeId, wire.nodeId !== this.#reasoningNode);
      case 'agent_thought':
        return this.#thought(wire);
      case 'message_file':
        return this.#file(wire);
      case 'message_end':
        return this.#messageEnd(wire);
      case 'workflow_finished':
        return this.#workflowFinished(wire);
      case 'tts_message':
      case 'tts_message_end':
        return this.#emit({ type: 'AudioChunk', base64: wire.audio, final: wire.event === 'tts_message_end' });
      case 'agent_log': {
        const { id, parentId, nodeId, label, status, error } = wire;
        return this.#emit({ type: 'AgentLogged', id, parentId, nodeId, label, status, error });
      }
      case 'node_started':
      case 'node_finished':
      case 'node_retry':
      case 'iteration_started':
      case 'iteration_completed':
      case 'loop_started':
      case 'loop_completed':
      case 'iteration_next':
      case 'loop_next':
        for (const change of this.#nodes.see(wire)) this.#emit(change);
        return;
      case 'unknown':
        return this.#emit({ type: 'UnknownEvent', name: wire.name, data: wire.data });
      case 'workflow_started':
        this.#graph = true;
        return;
      // The end is decided in ending.ts; what a form asks holds tokens and stays here.
      case 'error':
      case 'workflow_paused':
      case 'human_input_required':
      case 'human_input_form_filled':
      case 'human_input_form_timeout':
        return;
    }
  }

  #learnIds(wire: Envelope): void {
    const known = this.#ids;
    const news =
      (wire.taskId !== null && wire.taskId !== known.taskId) ||
      (wire.messageId !== null && wire.messageId !== known.messageId) ||
      (wire.conversationId !== null && wire.conversationId !== known.conversationId) ||
      (wire.workflowRunId !== null && wire.workflowRunId !== known.workflowRunId);
    if (!news) return;
    this.#ids = {
      taskId: wire.taskId ?? known.taskId,
      conversationId: wire.conversationId ?? known.conversationId,
      messageId: wire.messageId ?? known.messageId,
      workflowRunId: wire.workflowRunId ?? known.workflowRunId,
    };
    this.#emit({ type: 'RunStarted', ...this.#ids });
  }

  /** New Agent apps stream `agent_message`s and close with one `message` that repeats the whole answer. */
  #message(answer: string, source: readonly string[] | null): void {
    const said = this.#agentText;
    if (said === '' || answer === '') return this.#append(answer, source);
    this.#agentText = '';
    if (answer.startsWith(said)) return this.#append(answer.slice(said.length), source);
    if (answer.trim() === said.trim()) return;
    this.#append(answer, source);
  }

  #append(raw: string, source: readonly string[] | null): void {
    if (raw === '') return;
    this.#raw += raw;
    this.#pieces(this.#splitter.feed(raw), source);
  }

  #pieces(pieces: ReturnType<ReasoningSplitter['feed']>, source: readonly string[] | null): void {
    for (const piece of pieces) {
      if (piece.kind === 'text') {
        this.#emit({ type: 'TextDelta', offset: this.#text.length, text: piece.text, source });
        this.#text += piece.text;
      } else if (piece.kind === 'reasoning') {
        this.#reason(piece.text, null, piece.first);
      } else if (this.#text !== '') {
        const thought = this.#text.trim();
        this.#text = '';
        this.#emit({ type: 'TextReplaced', text: '', reason: 'reasoning' });
        this.#reason(thought, null, true);
      }
    }
  }

  #replace(raw: string, reason: string | null): void {
    const { text } = splitReasoning(raw);
    this.#raw = raw;
    this.#text = text;
    this.#agentText = '';
    this.#splitter = new ReasoningSplitter();
    this.#emit({ type: 'TextReplaced', text, reason: reason === '' ? null : reason });
  }

  #reason(text: string, nodeId: string | null, newBlock: boolean): void {
    if (text === '') return;
    const offset = this.#reasoning.length;
    const piece = newBlock && offset > 0 ? BETWEEN_BLOCKS + text : text;
    this.#reasoning += piece;
    this.#reasoningNode = nodeId;
    this.#emit({ type: 'ReasoningDelta', offset, text: piece, nodeId });
  }

  /** Dify repeats a thought as it fills up, often before it says anything: only what it says is passed on. */
  #thought(wire: AgentThoughtEvent): void {
    const before = this.#steps.get(wire.id);
    const step: AgentStep = {
      id: wire.id,
      position: wire.position,
      thought: withoutTags(wire.thought) || (before?.thought ?? null),
      tool: wire.tool || (before?.tool ?? null),
      toolInput: wire.toolInput === '' ? (before?.toolInput ?? null) : parsedOrText(wire.toolInput),
      observation: wire.observation || (before?.observation ?? null),
      files: wire.files.length > 0 ? wire.files : (before?.files ?? []),
    };
    const silent = step.thought === null && step.tool === null && step.observation === null && step.files.length === 0;
    if (silent || (before && JSON.stringify(before) === JSON.stringify(step))) return;
    this.#steps.set(step.id, step);
    this.#emit({ type: 'AgentStepChanged', step });
  }

  #file(wire: MessageFileEvent): void {
    const { id, type } = wire;
    this.#produced({ id, type, name: null, mimeType: null, size: null, fromUser: wire.belongsTo === 'user' });
  }

  #produced(file: RunFile): void {
    if (this.#files.has(file.id)) return;
    this.#files.add(file.id);
    this.#emit({ type: 'FileProduced', file });
  }

  #messageEnd(wire: MessageEndEvent): void {
    this.#usage = wire.usage && usageOf(wire.usage);
    this.#citations = wire.citations;
    // A chatflow lists what its answer produced; other apps list the user's uploads as well and do not say whose is whose.
    if (this.#graph) this.#outputFiles(wire.files);
  }

  #workflowFinished(wire: WorkflowFinishedEvent): void {
    this.#outputs = wire.outputs;
    this.#outputFiles(wire.files);
    this.#usage ??= tokensOnly(wire.totalTokens, { latencySeconds: wire.elapsedTime });
  }

  #outputFiles(files: MessageEndEvent['files']): void {
    for (const { id, type, name, mimeType, size, belongsTo } of files) {
      if (id !== null) this.#produced({ id, type, name, mimeType, size, fromUser: belongsTo === 'user' });
    }
  }
}

function withoutTags(thought: string): string {
  if (!thought.includes('think>')) return thought;
  const { text, reasoning } = splitReasoning(thought);
  return [reasoning, text].filter((part) => part !== '').join(BETWEEN_BLOCKS);
}

function parsedOrText(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
