import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageRecord } from '../dify/records.ts';
import { limited } from '../dify/limited.ts';
import { capabilities } from '../dify/quirks.ts';
import type { DifyStream } from '../dify/stream.ts';
import type { Envelope } from '../dify/wire-event.ts';
import { Records, type RecordedEnd, type RecordsParts } from './recorded-end.ts';
import { elapsed } from './wait.ts';

/** A stream on which the run goes on, its end, or nothing: then whether Dify still says that it runs. */
export type Found =
  | { readonly stream: DifyStream }
  | { readonly end: RecordedEnd }
  | { readonly end: null; readonly running: boolean };

export interface RecoveryParts extends RecordsParts {
  readonly signal: AbortSignal;
  /** How long is looked for a run in all, in ms, without hearing anything new of it. */
  readonly settleMs: number;
}

/** Streams that are opened in a row though none of them says anything new. */
const MOST_STREAMS = 5;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

/**
 * Finds a run again whose stream was lost (§2.6 j–m): Dify 1.14 and later lets graphs be followed anew; of all others the records
 * say how they ended. Nothing is ever asked a second time.
 */
export class Recovery {
  readonly #parts: RecoveryParts;
  readonly #records: Records;
  #until: number | null = null;
  #begunAt = 0;
  #streams = 0;
  #openedAt = Infinity;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#records = new Records(parts);
  }

  /** Whether Dify has named anything that the run could be found by. Of completions it tells nothing afterwards. */
  get isPossible(): boolean {
    const { messageId, conversationId, workflowRunId } = this.#parts.told.ids;
    const isChat = this.#parts.header.kind === 'CHAT' && messageId !== null && conversationId !== null;
    return isChat || workflowRunId !== null;
  }

  /** Something new was heard: the next loss is another one. */
  progress(): void {
    this.#until = null;
    this.#streams = 0;
  }

  /** Rejects only with the reason of an aborted signal. */
  async find(): Promise<Found> {
    const { app, told, settleMs, signal } = this.#parts;
    const can = capabilities(await app.version());
    const isGraph = told.ids.workflowRunId !== null;
    const left = can.leavingStopsChat && !isGraph;
    // Before 1.13 an answer that nobody read is not kept (observed on 1.12.1), from 1.16 on it is broken off.
    const isKept = isGraph || (can.graphSurvivesLeaving && !left);
    // A stream that stayed open for so long was no failure.
    if (Date.now() - this.#openedAt > settleMs) this.progress();
    this.#begunAt = this.#until === null ? Date.now() : this.#begunAt;
    this.#until ??= this.#begunAt + settleMs;
    let running = false;
    for (let waitMs = Math.min(FIRST_WAIT_MS, settleMs / 10); ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      signal.throwIfAborted();
      const stream = isGraph && can.resumeStream ? await this.#follow() : null;
      if (stream) {
        this.#openedAt = Date.now();
        return { stream };
      }
      const look = await this.#within(this.#rest(), this.#records.look(left));
      signal.throwIfAborted();
      if (look !== null && typeof look === 'object') return { end: look };
      if (look !== null) running = look === 'running';
      // What is not there by now hardly comes any more.
      const soon = look === 'missing' || (look === 'silent' && !isKept);
      const end = soon ? this.#begunAt + settleMs / 6 : this.#until;
      const rest = end - Date.now();
      if (rest <= 0) return { end: null, running };
      await sleep(Math.min(waitMs, rest), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One look whether the run has ended, while its stream is open and says nothing. Never rejects. */
  async glance(): Promise<RecordedEnd | null> {
    const look = this.isPossible ? await this.#records.look(false).catch(() => null) : null;
    return typeof look === 'object' ? look : null;
  }

  /** The answer as Dify has stored it; null where it does not tell. Never rejects. */
  async message(): Promise<MessageRecord | null> {
    return this.#within(this.#parts.settleMs / 6, this.#records.message());
  }

  /** The ids of a question that may have reached Dify, though Dify's answer did not reach anybody. Never rejects. */
  async idsOfQuestion(): Promise<Partial<Envelope> | null> {
    const message = await this.#records.sameQuestion().catch(() => null);
    return message && { messageId: message.id, conversationId: this.#parts.header.conversationId };
  }

  /** Null where it does not go that way, now or for good. */
  async #follow(): Promise<DifyStream | null> {
    const { app, told, header, signal } = this.#parts;
    const runId = told.ids.workflowRunId;
    if (runId === null || this.#streams >= MOST_STREAMS) return null;
    const wait = Math.min(FIRST_WAIT_MS, this.#parts.settleMs / 50) * this.#streams ** 2;
    if (wait > 0) await sleep(Math.min(wait, this.#rest()), undefined, { signal }).catch(() => undefined);
    this.#streams += 1;
    try {
      const open = (opening: AbortSignal) =>
        app.workflows.events({ runId, user: header.viewer, snapshot: true }, opening);
      return await limited(this.#rest(), ({ signal: opening }) => open(opening), signal);
    } catch {
      return null;
    }
  }

  /** What is left of the time, at least for one quick call. */
  #rest(): number {
    return Math.max((this.#until ?? 0) - Date.now(), 100);
  }

  /** Null where it does not come in time, or not at all. */
  async #within<T>(ms: number, asked: Promise<T | null>): Promise<T | null> {
    const come: { it: T | null } = { it: null };
    const coming = asked.then((it) => void (come.it = it));
    await elapsed(ms, coming, this.#parts.signal);
    return come.it;
  }
}
