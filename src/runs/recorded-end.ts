import type { DifyApp } from '../dify/dify-app.ts';
import type { MessageRecord } from '../dify/records.ts';
import type { WorkflowRunRecord } from '../dify/workflow-run.ts';
import type { Envelope } from '../dify/wire-event.ts';
import { GatewayError } from '../errors.ts';
import { squeezed } from './answer-text.ts';
import { failed, type Outcome } from './ending.ts';
import type { RunHeader } from './run-state.ts';
import { findMessage } from './stored-message.ts';

/** How a run ended by Dify's records, and what they have of it. */
export interface RecordedEnd {
  readonly outcome: Outcome;
  readonly run: WorkflowRunRecord | null;
  readonly message: MessageRecord | null;
}

/** What one look says: an end; that it goes on; an answer, that may still grow; nothing of an end; or that there is no such run. */
export type Look = RecordedEnd | 'running' | 'growing' | 'silent' | 'missing';

/** Of a graph's run; one in any other state goes on. */
const ends = new Set(['succeeded', 'partial-succeeded', 'failed', 'stopped']);

/** What has been told of the run so far. */
export interface Told {
  readonly ids: Envelope;
  /** All text that Dify sent. */
  readonly said: string;
  /** Text of Dify's as `said` has it. */
  own(text: string): string;
}

export interface RecordsParts {
  readonly app: DifyApp;
  readonly header: RunHeader;
  readonly told: Told;
  readonly judge: (run: { readonly status: string; readonly error: string | null }) => Outcome;
}

/** What Dify's records say of a run: of a graph its run (§1.8), of other answers the message in the conversation (§1.14). */
export class Records {
  readonly #parts: RecordsParts;
  /** The answer that the last look found: one that is still being written is none. */
  #answer: string | null = null;

  constructor(parts: RecordsParts) {
    this.#parts = parts;
  }

  /** `left`: nobody read the stream to its end, and this Dify breaks off what nobody reads. Rejects where Dify cannot be read. */
  async look(left: boolean): Promise<Look> {
    const { told, judge } = this.#parts;
    const { workflowRunId } = told.ids;
    const run = workflowRunId === null ? null : await this.#parts.app.workflows.run(workflowRunId);
    if (run) {
      if (!ends.has(run.status)) return 'running';
      const message = await this.message().catch(() => null);
      return { outcome: { ...judge(run), by: 'RUN_RECORD' }, run, message };
    }
    const message = await this.message();
    if (!message) return 'missing';
    const outcome = this.#outcomeOf(message, left);
    return typeof outcome === 'string' ? outcome : { outcome: { ...outcome, by: 'HISTORY' }, run: null, message };
  }

  /** The answer as the conversation has it; null if there is none, as with workflows and completions. */
  async message(): Promise<MessageRecord | null> {
    const { app, header, told } = this.#parts;
    const { messageId, conversationId } = told.ids;
    if (header.kind !== 'CHAT' || messageId === null || conversationId === null) return null;
    return findMessage(app, { user: header.viewer, conversationId, messageId }).catch((error: unknown) => {
      if (error instanceof GatewayError && error.code === 'NOT_FOUND') return null;
      throw error;
    });
  }

  /**
   * The message of this question where Dify never named it to us: the only one of its words in its conversation since it was
   * asked. Null if there is none, or more than one.
   */
  async sameQuestion(): Promise<MessageRecord | null> {
    const { app, header } = this.#parts;
    const { viewer: user, conversationId, createdAt } = header;
    if (header.kind !== 'CHAT' || conversationId === null) return null;
    const { items } = await app.messages({ user, conversationId, limit: 100 });
    // Dify tells whole seconds.
    const since = Math.floor(createdAt / 1000);
    const [one, ...more] = items.filter((item) => item.query === header.query && (item.createdAt ?? 0) >= since);
    return one && more.length === 0 ? one : null;
  }

  /** An answer is stored when it is over, so one that is there is an end, unless what we were told goes further. */
  #outcomeOf({ answer, error, status }: MessageRecord, left: boolean): Outcome | 'growing' | 'silent' {
    if (error !== null || status === 'error') return failed(brokenOff(error));
    const said = squeezed(this.#parts.told.said);
    const stored = squeezed(this.#parts.told.own(answer));
    if (stored === '' || status === 'paused' || (said.startsWith(stored) && (left || said !== stored))) return 'silent';
    const isStable = answer === this.#answer;
    this.#answer = answer;
    return isStable ? { status: 'SUCCEEDED', error: null } : 'growing';
  }
}

function brokenOff(error: string | null): GatewayError {
  // §8.1: what Dify writes to an answer whose reader went away.
  if (error === null || error.startsWith('Client response stream closed'))
    return new GatewayError('STREAM_INTERRUPTED', 'The stream from Dify broke off, and Dify with it.');
  return new GatewayError('UPSTREAM_ERROR', error);
}
