import type { ThoughtRecord } from '../dify/records.ts';
import type { Envelope, MessageEndEvent, WireEvent, WorkflowFinishedEvent } from '../dify/wire-event.ts';
import { AgentSteps } from './agent-steps.ts';
import { AnswerText } from './answer-text.ts';
import type { Outcome } from './ending.ts';
import { HumanForms } from './human-forms.ts';
import { NodeTimeline } from './node-timeline.ts';
import { numbered } from './numbered.ts';
import type { RecordedEnd } from './recorded-end.ts';
import type { Draft, RunEvent, SettledBy } from './run-event.ts';
import { runFile } from './run-file.ts';
import { moreIds } from './run-ids.ts';
import { RunResult } from './run-result.ts';
import type { RunState } from './run-state.ts';
import { shownEvent } from './shown-event.ts';
import { TextFiles, withUrls, type AddressMaker } from './text-files.ts';
import { sumOf } from './usage.ts';

/**
 * Turns what Dify says into what happened to the run, by the folding rules of §2.7. It is the only one that numbers events.
 * All its state is small: the text itself is kept once, in the run's state.
 */
export class Translator {
  #seq = 0;
  #at = 0;
  #out: RunEvent[] = [];
  #ids: Envelope = { taskId: null, conversationId: null, messageId: null, workflowRunId: null };
  #graph = false;
  readonly #address = (url: string) => this.#texts.addressOf(url, this.#ids);
  readonly #answer = new AnswerText((event) => this.#emit(event), this.#address);
  readonly #texts: TextFiles;
  #sentReasoning = false;
  readonly #steps = new AgentSteps();
  readonly #nodes: NodeTimeline;
  readonly #nodeData: boolean;
  readonly #forms = new HumanForms();
  readonly #result = new RunResult((file) => this.#emit({ type: 'FileProduced', file }));

  /**
   * `nodeData`: whether what goes into nodes and comes out of them is passed on, and what agents note. `address`: what takes the
   * place of the addresses that Dify has signed, wherever they stand in what it says.
   */
  constructor(nodeData = false, address: AddressMaker = () => null) {
    this.#texts = new TextFiles(address);
    this.#nodeData = nodeData;
    this.#nodes = new NodeTimeline(nodeData);
  }

  /** Goes on with a run that another process has written so far. */
  resume(state: Readonly<RunState>): void {
    const { taskId, conversationId, messageId, workflowRunId } = state;
    this.#seq = state.lastSeq;
    this.#ids = { taskId, conversationId, messageId, workflowRunId };
    this.#graph = workflowRunId !== null;
    this.#answer.resume(state.text, state.reasoning);
    this.#steps.resume(state.steps);
    this.#nodes.resume(state.nodes);
    this.#forms.resume(state.forms);
    this.#result.resume(state.files);
    this.#sentReasoning = state.reasoning !== '';
  }

  /** All text that Dify sent so far. */
  get said(): string {
    return this.#answer.said;
  }

  /** A copy of what Dify says without addresses that it has signed. */
  readonly own = <T>(said: T): T => withUrls(said, this.#address);

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

  /** The run was found again after its stream was lost. */
  recovered(by: SettledBy, at: number, endOnly = false): RunEvent[] {
    this.#begin(at);
    this.#answer.lost();
    // A snapshot has all but a workflow's text and what models think apart from theirs (§8.2).
    const detailed = by === 'HISTORY' || (by === 'STREAM' && this.#ids.messageId !== null && !this.#sentReasoning);
    this.#emit({ type: 'UpstreamRecovered', by, lostDetail: endOnly || !detailed });
    return this.#out;
  }

  /** What Dify's records say more of a run than its stream did. */
  settle({ outcome, run, message }: RecordedEnd, at: number): RunEvent[] {
    this.#begin(at);
    const own = message && { ...this.own(message), files: message.files };
    for (const thought of own?.thoughts ?? []) this.#step(thought);
    this.#result.recorded(this.own(run), own, this.#graph);
    const isWhole = outcome.status !== 'FAILED';
    if (own?.answer) this.#answer.settle(own.answer, isWhole);
    else this.#answer.settleByOutputs(this.#result.outputs ?? {}, this.#ids.messageId !== null);
    return this.#out;
  }

  /** Takes ids that were learnt in another way than from a stream. */
  learn(ids: Partial<Envelope>, at: number): RunEvent[] {
    this.#begin(at);
    this.#learnIds(ids);
    return this.#out;
  }

  /** It stands in line behind that many; behind none, its turn has come. */
  queued(position: number, at: number): RunEvent[] {
    this.#begin(at);
    this.#emit({ type: 'RunQueued', position });
    return this.#out;
  }

  /** The last events of the run: what was held back, nodes that never finished, and its one `RunFinished`. */
  finish(outcome: Outcome, at: number): RunEvent[] {
    this.#begin(at);
    this.#answer.end();
    if (outcome.status !== 'STOPPED') for (const resumed of this.#forms.unsaid(at)) this.#emit(resumed);
    for (const node of this.#nodes.closeOpen())
      this.#emit({ type: 'NodeChanged', node, progress: this.#nodes.progress() });
    const { usage, outputs, citations } = this.#result;
    const failed = outcome.error?.nodeId === null ? this.#nodes.lastFailed : null;
    this.#emit({
      type: 'RunFinished',
      status: outcome.status,
      settledBy: outcome.by ?? 'STREAM',
      error: outcome.error && { ...this.own(outcome.error), nodeId: outcome.error.nodeId ?? failed },
      usage: usage?.totalTokens ? usage : (sumOf(this.#nodes.usages()) ?? usage),
      outputs,
      citations,
      rawText: this.#answer.raw,
    });
    return this.#out;
  }

  #begin(at: number): void {
    this.#at = at;
    this.#out = [];
  }

  #emit(draft: Draft): void {
    this.#seq += 1;
    this.#out.push(numbered(draft, this.#seq, this.#at, this.#texts.taken()));
  }

  #one(sent: WireEvent): void {
    this.#learnIds(sent);
    const wire = shownEvent(sent, this.own);
    switch (wire.event) {
      case 'message':
        return this.#answer.message(wire.answer, wire.source);
      case 'agent_message':
        return this.#answer.agentMessage(wire.answer);
      case 'text_chunk':
        return this.#answer.append(wire.text, wire.source);
      case 'message_replace':
        return this.#answer.replace(wire.answer, wire.reason);
      case 'text_replace':
        return this.#answer.replace(wire.text, null);
      case 'reasoning_chunk':
        this.#sentReasoning = true;
        return this.#answer.reasoningChunk(wire.reasoning, wire.nodeId);
      case 'agent_thought':
        return this.#step(wire);
      case 'message_file': {
        const unknown = { name: null, mimeType: null, size: null, transferMethod: null, uploadId: null };
        return this.#result.file(runFile(wire.id, { ...wire, ...unknown }));
      }
      case 'message_end':
        return this.#messageEnd(wire);
      case 'workflow_finished':
        return this.#workflowFinished(wire);
      case 'tts_message':
      case 'tts_message_end':
        return this.#emit({ type: 'AudioChunk', base64: wire.audio, final: wire.event === 'tts_message_end' });
      case 'agent_log': {
        const { id, parentId, nodeId, label, status, error } = wire;
        const data = this.#nodeData ? wire.data : null;
        return this.#emit({ type: 'AgentLogged', id, parentId, nodeId, label, status, error, data });
      }
      case 'node_finished':
        if (wire.nodeType === 'human-input') this.#emitIf(this.#forms.nodeFinished(wire));
        return this.#node(wire);
      case 'node_started':
      case 'node_retry':
      case 'iteration_started':
      case 'iteration_completed':
      case 'loop_started':
      case 'loop_completed':
      case 'iteration_next':
      case 'loop_next':
        return this.#node(wire);
      case 'unknown':
        return this.#emit({ type: 'UnknownEvent', name: wire.name, data: wire.data });
      case 'workflow_started':
        this.#graph = true;
        return;
      case 'human_input_required':
        return this.#forms.required(wire);
      case 'workflow_paused':
        this.#answer.pause();
        return this.#emit(this.#forms.paused(wire));
      case 'human_input_form_filled':
      case 'human_input_form_timeout':
        return this.#emitIf(this.#forms.answered(wire));
      // The end is decided in ending.ts.
      case 'error':
        return;
    }
  }

  #emitIf(draft: Draft | null): void {
    if (draft) this.#emit(draft);
  }

  #step(thought: ThoughtRecord): void {
    const step = this.#steps.see(thought);
    this.#emitIf(step && { type: 'AgentStepChanged', step });
  }

  #node(wire: Parameters<NodeTimeline['see']>[0]): void {
    for (const change of this.#nodes.see(wire)) this.#emit(change);
  }

  #learnIds(told: Partial<Envelope>): void {
    const ids = moreIds(this.#ids, told);
    if (!ids) return;
    this.#ids = ids;
    this.#emit({ type: 'RunStarted', ...ids });
  }

  #messageEnd(wire: MessageEndEvent): void {
    this.#answer.pause();
    this.#result.answered(wire.usage, wire.citations);
    // A chatflow lists what its answer produced; other apps list the user's uploads as well and do not say whose is whose.
    if (this.#graph) this.#result.files(wire.files);
  }

  #workflowFinished(wire: WorkflowFinishedEvent): void {
    this.#answer.pause();
    this.#result.finished(wire.outputs, wire.totalTokens, wire.elapsedTime);
    this.#result.files(wire.files);
  }
}
