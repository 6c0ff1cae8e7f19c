import type { Logger } from 'pino';
import { capabilities } from '../dify/quirks.ts';
import type { DifyStream, StreamEnd } from '../dify/stream.ts';
import type { WireEvent } from '../dify/wire-event.ts';
import { GatewayError } from '../errors.ts';
import { ask } from './ask.ts';
import { Ending, type Outcome } from './ending.ts';
import type { HumanForm } from './human-form.ts';
import { Pause, type FormAnswer } from './pause.ts';
import { failedBy, leftBehind, outOfSight, shutDown, stoppedUnheard, timedOut } from './outcomes.ts';
import { pumpTimes, type PumpOptions, type PumpParts, type PumpTimes } from './pump-parts.ts';
import { readStream, type ReadEnd } from './read-stream.ts';
import type { RecordedEnd } from './recorded-end.ts';
import { Recovery } from './recovery.ts';
import type { RunState } from './run-state.ts';
import { StopOrder } from './stop-order.ts';
import { Telling } from './telling.ts';
import { Timers } from './timers.ts';

/**
 * The one writer of a run: asks Dify, reads its stream to the end whether anybody watches or not, and writes what happens to the
 * log. Whatever Dify does, it writes exactly one `RunFinished`, unless another process comes to write the run.
 */
export class Pump {
  readonly #parts: PumpParts;
  readonly #logger: Logger;
  readonly #times: PumpTimes;
  readonly #telling: Telling;
  readonly #ending: Ending;
  readonly #recovery: Recovery;
  readonly #stop: StopOrder;
  /** Aborted when the run has ended and its connection is of no more use. */
  readonly #upstream = new AbortController();
  readonly #timers = new Timers<'stop' | 'grace' | 'limit' | 'linger'>();
  #pause: Pause | null = null;
  #mending: Promise<void> | null = null;
  #finding = false;
  #ended = false;

  constructor(parts: PumpParts, options: PumpOptions = {}) {
    const { header, app, logger, speaks } = parts;
    this.#parts = parts;
    this.#logger = logger.child({ run: header.id, app: header.app });
    this.#times = pumpTimes(options);
    this.#telling = new Telling(parts, options.nodeData ?? false, (error) => {
      this.#logger.error({ err: error }, 'the log takes no more of this run: it is given up');
      this.lose();
    });
    this.#ending = new Ending(header.kind, speaks, options.graces);
    this.#recovery = new Recovery({
      app,
      header,
      told: this.#telling,
      judge: (run) => this.#ending.judge(run),
      signal: this.#upstream.signal,
      settleMs: this.#times.settleMs,
    });
    this.#stop = new StopOrder(app, header, this.#logger);
  }

  /** Resolves when the run has ended, or is written elsewhere, and its connection is free. Never rejects. */
  async run(): Promise<void> {
    try {
      if (this.#ended) return;
      let end = await (this.#parts.from ? this.#takeUp(this.#parts.from) : this.#begin());
      while (!this.#ended) {
        if (end.by === 'record') await this.#settle(end.found);
        else if (this.#ending.paused) end = await this.#waited();
        else if (this.#ending.isLost && this.#recovery.isPossible) end = await this.#findAgain(end);
        else await this.#conclude(this.#ending.close(end));
      }
    } catch (error) {
      if (!this.#ended) await this.#finish(failedBy(error, this.#logger));
    } finally {
      this.#timers.clearAll();
      await this.#telling.written();
    }
  }

  /** Asks Dify to stop, as soon as the task has a name; ends the run by itself if Dify does not within `stopMs`. */
  stop(): void {
    if (this.#stop.given || this.#ended) return;
    this.#ending.stopAsked = true;
    this.#stop.give(this.#telling.ids.taskId);
    this.#timers.set('stop', this.#times.stopMs, () => void this.#finish(stoppedUnheard));
  }

  /** Hands in the answer to a form that the run waits for. */
  async answer(form: HumanForm, answer: FormAnswer): Promise<void> {
    if (!this.#pause) throw new GatewayError('FORM_EXPIRED', 'The run does not wait for this form any more.');
    await this.#pause.answer(form, answer);
  }

  /** One of the run's forms was answered by another process. */
  answered(): void {
    this.#pause?.answered();
  }

  /** Gives the run up: the process is about to end. */
  abandon(): void {
    void this.#finish(shutDown(this.#pause !== null));
    this.#upstream.abort();
  }

  /** Another process writes the run now: lets go of everything and writes nothing more. */
  lose(): void {
    this.#ended = true;
    this.#telling.close();
    this.#timers.clearAll();
    this.#upstream.abort();
  }

  /** Waits for the turn, asks, and reads what is answered. */
  async #begin(): Promise<ReadEnd> {
    const { app, header, turn } = this.#parts;
    const { signal } = this.#upstream;
    const unasked = await turn.come((position) => this.#telling.queued(position), signal);
    if (unasked) await this.#finish(unasked);
    if (this.#ended) return leftBehind();
    this.#restartLimit();
    return this.#read(await ask(app, header, signal));
  }

  /** Goes on where another process has left off. Nothing is asked again that may have been asked. */
  async #takeUp({ header, status }: Readonly<RunState>): Promise<ReadEnd> {
    if (header.queued && status === 'QUEUED') return this.#begin();
    this.#restartLimit();
    const end = leftBehind();
    if (status === 'STOPPING') {
      this.stop();
      return this.#telling.ids.workflowRunId === null ? end : this.#findAgain(end);
    }
    if (status === 'PAUSED') {
      this.#ending.paused = true;
      this.#pause = this.#newPause();
      this.#pause.answered();
    } else if (!this.#recovery.isPossible) {
      const ids = await this.#recovery.idsOfQuestion();
      if (ids && !this.#ended) await this.#telling.learn(ids);
    }
    return end;
  }

  async #read(stream: DifyStream): Promise<ReadEnd> {
    const { signal } = this.#upstream;
    const reading = { signal, quietMs: this.#times.quietMs, look: () => this.#recovery.glance() };
    return readStream(stream, reading, (events) => {
      const taken = this.#take(events);
      if (this.#ending.paused) {
        // From now on: whoever reads of the pause may answer at once.
        this.#pause ??= this.#newPause();
        stream.close();
      }
      return taken;
    });
  }

  /** The run is paused: waits for people, for as long as they take. */
  async #waited(): Promise<ReadEnd> {
    this.#timers.clear('limit');
    const stream = await (this.#pause ??= this.#newPause()).over();
    this.#pause = null;
    this.#restartLimit();
    this.#ending.goOn(capabilities(await this.#parts.app.version()).workflowResumeBroken);
    return stream ? this.#read(stream) : { by: 'eof' };
  }

  #newPause(): Pause {
    const { workflowRunId } = this.#telling.ids;
    const parts = { app: this.#parts.app, workflowRunId: workflowRunId ?? '', user: this.#parts.header.viewer };
    return new Pause({ ...parts, signal: this.#upstream.signal, pollMs: this.#times.pollMs });
  }

  /** The stream is lost and the end is not known: goes on with another one, or with what Dify's records say. */
  async #findAgain(lost: StreamEnd): Promise<ReadEnd> {
    this.#finding = true;
    const found = await this.#recovery.find();
    this.#finding = false;
    if (this.#ended) return lost;
    if ('stream' in found) {
      this.#telling.reopen();
      return this.#read(found.stream);
    }
    if (found.end) return { by: 'record', found: found.end };
    await this.#finish(found.running ? outOfSight() : { ...this.#ending.close(lost), by: 'WATCHDOG' });
    return lost;
  }

  #take(wire: readonly WireEvent[]): void | Promise<void> {
    if (this.#ended) {
      // Stopped before its task had a name: Dify hears of it now.
      if (this.#stop.giveLate(wire)) this.#timers.set('linger', this.#times.lingerMs, () => this.#upstream.abort());
      return;
    }
    if (this.#mending) return;
    const { written, isNews } = this.#telling.take(this.#ending.seeAll(wire));
    if (isNews) this.#recovery.progress();
    if (this.#stop.isPending) this.#stop.give(this.#telling.ids.taskId);
    if (this.#ending.final) return this.#conclude(this.#ending.final);
    if (this.#ending.graceMs !== null) this.#restartGrace(this.#ending.graceMs);
    return written;
  }

  #restartGrace(ms: number): void {
    this.#timers.set('grace', ms, () => {
      this.#ending.settle();
      if (this.#ending.final) void this.#conclude(this.#ending.final);
    });
  }

  /** Ends the run as its stream said. One that was lost for a while may have left gaps: Dify has stored the whole. */
  #conclude(outcome: Outcome): Promise<void> {
    const mends = this.#telling.mayHaveGaps && outcome.status.endsWith('SUCCEEDED');
    return mends ? (this.#mending ??= this.#mend(outcome)) : this.#finish(outcome);
  }

  async #mend(outcome: Outcome): Promise<void> {
    const message = await this.#recovery.message();
    if (!this.#ended) void this.#telling.settle({ outcome, run: null, message });
    await this.#finish(outcome);
  }

  /** Ends the run as Dify's records say. */
  async #settle(end: RecordedEnd): Promise<void> {
    void this.#telling.recovered(end.outcome.by ?? 'HISTORY');
    void this.#telling.settle(end);
    await this.#finish(this.#ending.byRecord(end.outcome, end.run !== null));
  }

  async #finish(outcome: Outcome): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const written = this.#telling.finish(outcome);
    if (outcome.status === 'FAILED') this.#logger.warn({ error: outcome.error }, 'run failed');
    else this.#logger.info({ status: outcome.status }, 'run ended');
    // A failed stream may go on pinging for minutes; another is given the time to end by itself, which keeps its connection.
    const { lingerMs, namelessMs } = this.#times;
    if (outcome.status === 'FAILED' || this.#finding) this.#upstream.abort();
    else this.#timers.set('linger', this.#stop.isPending ? namelessMs : lingerMs, () => this.#upstream.abort());
    await written;
  }

  #restartLimit(): void {
    this.#timers.set('limit', this.#times.runMs, () => {
      this.#stop.give(this.#telling.ids.taskId);
      void this.#finish(timedOut());
    });
  }
}
