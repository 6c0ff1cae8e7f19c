import type { Logger } from 'pino';
import type { DifyApp } from '../dify/dify-app.ts';
import { capabilities } from '../dify/quirks.ts';
import type { DifyStream, StreamEnd } from '../dify/stream.ts';
import type { WireEvent } from '../dify/wire-event.ts';
import { GatewayError } from '../errors.ts';
import { Ending, failed, type Graces, type Outcome } from './ending.ts';
import { Pause, type FormAnswer } from './pause.ts';
import type { HumanForm } from './human-form.ts';
import type { RunLog } from './run-log.ts';
import type { RunHeader } from './run-state.ts';
import type { AddressMaker } from './text-files.ts';
import { Translator } from './translator.ts';

export interface PumpOptions {
  /** The longest a run may take, in ms. Default 1,500,000: above Dify's own limit of 1,200 s. */
  readonly runMs?: number;
  /** How long Dify may take to end a run it was asked to stop, in ms. Default 5,000. */
  readonly stopMs?: number;
  /** How long a stream may stay open after its end before its socket is closed, in ms. Default 2,000. */
  readonly lingerMs?: number;
  /** How often Dify is asked whether a paused run goes on, in ms. Default 10,000. */
  readonly pollMs?: number;
  /** Pass on what goes into nodes and comes out of them. Default false: it can hold prompts and secrets. */
  readonly nodeData?: boolean;
  readonly graces?: Graces;
}

export interface PumpParts {
  readonly header: RunHeader;
  readonly app: DifyApp;
  readonly log: RunLog;
  readonly logger: Logger;
  /** Whether the app is known, by now, to speak by itself. */
  readonly speaks: () => boolean;
  /** Default: files that are named in texts cannot be read. */
  readonly address?: AddressMaker;
}

const stopKinds = { CHAT: 'chat', COMPLETION: 'completion', WORKFLOW: 'workflow' } as const;

/**
 * The one writer of a run: asks Dify, reads its stream to the end whether anybody watches or not, and writes what happens to the
 * log. Whatever Dify does, it writes exactly one `RunFinished`.
 */
export class Pump {
  readonly #header: RunHeader;
  readonly #app: DifyApp;
  readonly #log: RunLog;
  readonly #logger: Logger;
  readonly #options: Required<Omit<PumpOptions, 'graces' | 'nodeData'>>;
  readonly #translator: Translator;
  readonly #ending: Ending;
  /** Aborted when the run has ended and its connection is of no more use. */
  readonly #upstream = new AbortController();
  readonly #timers = new Set<NodeJS.Timeout>();
  #grace: NodeJS.Timeout | null = null;
  #limit: NodeJS.Timeout | null = null;
  #pause: Pause | null = null;
  #ended = false;
  #stopping = false;
  #stopSent = false;

  constructor({ header, app, log, logger, speaks, address }: PumpParts, options: PumpOptions = {}) {
    this.#header = header;
    this.#app = app;
    this.#log = log;
    this.#logger = logger.child({ run: header.id, app: header.app });
    this.#options = {
      runMs: options.runMs ?? 1_500_000,
      stopMs: options.stopMs ?? 5_000,
      lingerMs: options.lingerMs ?? 2_000,
      pollMs: options.pollMs ?? 10_000,
    };
    this.#translator = new Translator(options.nodeData, address);
    this.#ending = new Ending(header.kind, speaks, options.graces);
  }

  /** Resolves when the run has ended and its connection is free. Never rejects. */
  async run(): Promise<void> {
    try {
      this.#restartLimit();
      let end = await this.#read(await this.#open());
      while (this.#ending.paused && !this.#ended) end = await this.#read(await this.#waited());
      await this.#finish(this.#ending.close(end));
    } catch (error) {
      if (!this.#ended) await this.#finish(this.#outcomeOf(error));
    } finally {
      for (const timer of this.#timers) clearTimeout(timer);
    }
  }

  /** Asks Dify to stop, as soon as the task has a name; ends the run by itself if Dify does not within `stopMs`. */
  stop(): void {
    if (this.#stopping || this.#ended) return;
    this.#stopping = true;
    this.#ending.stopAsked = true;
    this.#sendStop();
    this.#after(this.#options.stopMs, () => void this.#finish({ status: 'STOPPED', error: null }));
  }

  /** Hands in the answer to a form that the run waits for. */
  async answer(form: HumanForm, answer: FormAnswer): Promise<void> {
    if (!this.#pause) throw new GatewayError('FORM_EXPIRED', 'The run does not wait for this form any more.');
    await this.#pause.answer(form, answer);
  }

  /** Gives the run up: the process is about to end. */
  abandon(): void {
    void this.#finish(failed(new GatewayError('DRAINING', 'The server was shut down before the answer was complete.')));
    this.#upstream.abort();
  }

  #open(): Promise<DifyStream> {
    const { viewer: user, inputs, query, conversationId } = this.#header;
    const signal = this.#upstream.signal;
    const { kind, files, workflowId } = this.#header;
    const common = {
      user,
      inputs,
      ...(files.length > 0 ? { files } : {}),
      ...(workflowId === null ? {} : { workflowId }),
    };
    if (kind === 'WORKFLOW') return this.#app.runWorkflow(common, signal);
    if (kind === 'COMPLETION') return this.#app.complete(common, signal);
    return this.#app.chat(
      { ...common, query: query ?? '', ...(conversationId === null ? {} : { conversationId }) },
      signal,
    );
  }

  async #read(stream: DifyStream): Promise<StreamEnd> {
    const close = () => stream.close();
    const { signal } = this.#upstream;
    signal.addEventListener('abort', close);
    if (signal.aborted) close();
    try {
      return await stream.read((events) => {
        const taken = this.#take(events);
        if (this.#ending.paused) {
          // From now on: whoever reads of the pause may answer at once.
          this.#pause ??= this.#newPause();
          close();
        }
        return taken;
      });
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  /** The run is paused: waits for people, for as long as they take. */
  async #waited(): Promise<DifyStream> {
    if (this.#limit) clearTimeout(this.#limit);
    const stream = await (this.#pause ??= this.#newPause()).over();
    this.#pause = null;
    this.#restartLimit();
    this.#ending.goOn(capabilities(await this.#app.version()).workflowResumeBroken);
    return stream;
  }

  #newPause(): Pause {
    const { workflowRunId } = this.#translator.ids;
    const parts = { app: this.#app, workflowRunId: workflowRunId ?? '', user: this.#header.viewer };
    return new Pause({ ...parts, signal: this.#upstream.signal, pollMs: this.#options.pollMs });
  }

  #take(wire: readonly WireEvent[]): void | Promise<void> {
    if (this.#ended) return;
    let used = 0;
    for (const event of wire) {
      this.#ending.see(event);
      used += 1;
      if (this.#ending.final) break;
    }
    const events = this.#translator.translate(used === wire.length ? wire : wire.slice(0, used), Date.now());
    const written = events.length > 0 ? this.#log.append(this.#header, events) : undefined;
    if (this.#stopping) this.#sendStop();
    if (this.#ending.final) return this.#finish(this.#ending.final);
    if (this.#ending.graceMs !== null) this.#restartGrace(this.#ending.graceMs);
    return written;
  }

  #restartGrace(ms: number): void {
    if (this.#grace) clearTimeout(this.#grace);
    this.#grace = this.#after(ms, () => {
      this.#ending.settle();
      if (this.#ending.final) void this.#finish(this.#ending.final);
    });
  }

  async #finish(outcome: Outcome): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const closing = this.#translator.finish(outcome, Date.now());
    if (outcome.status === 'FAILED') this.#logger.warn({ error: outcome.error }, 'run failed');
    else this.#logger.info({ status: outcome.status }, 'run ended');
    // A failed stream may go on pinging for minutes; another is given the time to end by itself, which keeps its connection.
    if (outcome.status === 'FAILED') this.#upstream.abort();
    else this.#after(this.#options.lingerMs, () => this.#upstream.abort());
    await this.#log.append(this.#header, closing);
  }

  #sendStop(): void {
    const { taskId } = this.#translator.ids;
    if (taskId === null || this.#stopSent) return;
    this.#stopSent = true;
    const kind = stopKinds[this.#header.kind];
    this.#app.stop({ kind, taskId, user: this.#header.viewer }).catch((error: unknown) => {
      this.#logger.warn({ err: error }, 'Dify could not be asked to stop');
    });
  }

  #restartLimit(): void {
    if (this.#limit) clearTimeout(this.#limit);
    this.#limit = this.#after(this.#options.runMs, () => this.#timeOut());
  }

  #timeOut(): void {
    this.#sendStop();
    void this.#finish(failed(new GatewayError('UPSTREAM_TIMEOUT', 'The run took longer than it may.')));
  }

  #outcomeOf(error: unknown): Outcome {
    if (error instanceof GatewayError) return failed(error);
    this.#logger.error({ err: error }, 'the run’s writer failed');
    return failed(new GatewayError('INTERNAL', 'Something went wrong here, not in Dify.'));
  }

  #after(ms: number, action: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }
}
