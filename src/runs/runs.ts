import type { Logger } from 'pino';
import type { Dify } from '../dify/dify.ts';
import type { DifyApp } from '../dify/dify-app.ts';
import { GatewayError } from '../errors.ts';
import { stopWhenAbandoned } from './abandonment.ts';
import { Lines, type LineLimits } from './lines.ts';
import { MemoryTurns } from './memory-turns.ts';
import { nameConversation } from './naming.ts';
import { submitForm, type FormAnswer } from './pause.ts';
import type { PumpOptions } from './pump-parts.ts';
import { Pump } from './pump.ts';
import { checkQuestion } from './question-check.ts';
import { newHeader, sameContent, type Question } from './question.ts';
import type { RunAllowance } from './quota.ts';
import type { KeptRun, RunLog } from './run-log.ts';
import type { FilePlace } from './run-file.ts';
import { isEnded, isWaiting } from './run-state.ts';
import type { AddressMaker } from './text-files.ts';
import { Turn } from './turn.ts';
import type { Turns } from './turns.ts';
import { endUnserved } from './unserved.ts';
import { elapsed } from './wait.ts';

export interface RunsOptions extends Omit<PumpOptions, 'runMs' | 'nodeData'> {
  /** App → the longest a run of it may take, in ms. */
  readonly runMs?: ReadonlyMap<string, number>;
  /** Apps whose nodes' inputs and outputs are passed on, and their agents' logs. */
  readonly nodeData?: ReadonlySet<string>;
  /** Apps whose questions are held to the app's form before Dify is asked. */
  readonly checkInputs?: ReadonlySet<string>;
  /** The address for a file that a text names by one that Dify has signed; null where it cannot be read. */
  readonly textAddress?: (viewer: string, url: string, place: FilePlace) => string | null;
  /** Where runs wait for their turn. Default: in this process. */
  readonly turns?: Turns;
  /** App → how many runs of it go on at once, and how many wait. */
  readonly limits?: ReadonlyMap<string, LineLimits>;
  /** How many runs of a user begin, and go on. Default: as many as they like. */
  readonly allowance?: RunAllowance;
  /** How long a run that is to be cancelled may have nobody attached, in ms. Default 15,000. */
  readonly abandonMs?: number;
}

interface Writing {
  readonly run: KeptRun;
  readonly pump: Pump;
  readonly turn: Turn;
  readonly done: Promise<void>;
}

/** Ask, follow, stop: everything a caller can do with runs, whatever door it came through. */
export class Runs implements AsyncDisposable {
  readonly #dify: Dify;
  readonly #log: RunLog;
  readonly #logger: Logger;
  readonly #options: RunsOptions;
  readonly #lines: Lines;
  /** The runs that this process writes, and when each is done. */
  readonly #pumps = new Map<string, Writing>();
  #draining = false;

  constructor(dify: Dify, log: RunLog, logger: Logger, options: RunsOptions = {}) {
    this.#dify = dify;
    this.#log = log;
    this.#logger = logger;
    this.#options = options;
    this.#lines = new Lines(options.turns ?? new MemoryTurns(), log, options.limits ?? new Map(), options.allowance);
    log.serve({
      stop: ({ id }) => {
        this.#pumps.get(id)?.turn.stop();
        this.#pumps.get(id)?.pump.stop();
      },
      answered: ({ id }) => this.#pumps.get(id)?.pump.answered(),
      lost: ({ id }) => this.#pumps.get(id)?.pump.lose(),
      takeOver: (run) => void this.#takeOver(run),
    });
  }

  /** Asks, or finds the run that the same key started before: a repeated frame is never a second answer. */
  async start(viewer: string, question: Question): Promise<{ readonly run: KeptRun; readonly deduplicated: boolean }> {
    const app = this.#app(question.app);
    const header = newHeader(viewer, question);
    const kept = question.idempotencyKey === null ? undefined : await this.#log.find(header);
    if (kept) return { run: sameContent(kept, header), deduplicated: true };
    this.#refuseWhileDraining();
    await checkQuestion(app, question, this.#options.checkInputs?.has(app.name) ?? false);
    // Draining may have begun meanwhile, and does not wait for runs that are not there yet.
    this.#refuseWhileDraining();
    const { first, run } = await this.#lines.claim(header, question.onBusy);
    if (!first) return { run: sameContent(run, header), deduplicated: true };
    this.#write(run, app);
    return { run, deduplicated: false };
  }

  /** The run that a conversation of the viewer's answers with now, or that waits first. */
  async answering(viewer: string, app: string, conversationId: string): Promise<KeptRun | undefined> {
    return this.#lines.first(viewer, app, conversationId);
  }

  /** Calls back when the viewer has a new run, or one of them a conversation or an end. Returns what ends it. */
  onChange(viewer: string, changed: () => void): () => void {
    return this.#log.onChange(viewer, changed);
  }

  /** The viewer's run of that id. */
  async find(viewer: string, id: string): Promise<KeptRun | undefined> {
    return this.#log.find({ viewer, id });
  }

  /** The viewer's runs, newest first. */
  async list(viewer: string): Promise<readonly KeptRun[]> {
    return this.#log.list(viewer);
  }

  /** Asks for a stop and waits for the end, `waitMs` at most. True if the run has ended. */
  async stop(run: KeptRun, waitMs: number, signal?: AbortSignal): Promise<boolean> {
    const { header } = run.state;
    if (isEnded(run.state)) return true;
    await this.#log.markStopping(header);
    return this.ended(run, waitMs, signal);
  }

  /** Answers a form that one of the viewer's runs waits for; the run goes on under its name. */
  async answer(viewer: string, formId: string, answer: FormAnswer): Promise<KeptRun> {
    const run = (await this.#log.list(viewer)).find(({ state }) => state.forms.has(formId));
    const form = run?.state.forms.get(formId);
    if (!run || !form) throw new GatewayError('FORM_EXPIRED', 'No form of this id waits for you.');
    if (!form.actions.some(({ id }) => id === answer.action)) {
      const ids = form.actions.map(({ id }) => id).join(', ');
      throw new GatewayError('BAD_USER_INPUT', `This form has no action “${answer.action}”: it has ${ids}.`);
    }
    const { header } = run.state;
    const pump = this.#pumps.get(header.id)?.pump;
    if (pump) await pump.answer(form, answer);
    else {
      await submitForm({ app: this.#app(header.app), user: viewer }, form, answer);
      await this.#log.noteAnswered(header);
    }
    return run;
  }

  /** Waits for the end of a run, `waitMs` at most: whoever waits is attached. True if it has ended. */
  async ended(run: KeptRun, waitMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.#attached(run, run.ended, waitMs, signal);
  }

  /** As `ended`, but does not wait on people, either. */
  async settled(run: KeptRun, waitMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.#attached(run, run.settled, waitMs, signal);
  }

  /**
   * Refuses new questions, lets answers finish for `drainMs`, lets go of readers by `part`, then hands over the rest, or gives it
   * up. What waits, for its turn or for a person, would not end in that time: it goes first.
   */
  async drain(drainMs: number, part?: () => Promise<void>): Promise<void> {
    this.#draining = true;
    this.#log.retire();
    const waiting = Array.from(this.#pumps.values()).filter(({ run: { state } }) => isWaiting(state));
    await Promise.all(waiting.map((one) => this.#release(one)));
    if (this.#pumps.size > 0) await elapsed(drainMs, this.#allDone());
    await part?.();
    await Promise.all(Array.from(this.#pumps.values(), (one) => this.#release(one)));
    await this.#allDone();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }

  #app(name: string): DifyApp {
    const app = this.#dify.app(name);
    if (!app) throw new GatewayError('APP_NOT_FOUND', `No app named “${name}” is served here.`);
    return app;
  }

  async #attached(run: KeptRun, until: Promise<void>, waitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (isEnded(run.state) || waitMs <= 0) return isEnded(run.state);
    const reader = run.read(run.state.lastSeq);
    await elapsed(waitMs, until, signal);
    reader.close();
    return isEnded(run.state);
  }

  #refuseWhileDraining(): void {
    if (this.#draining) throw new GatewayError('DRAINING', 'This server is shutting down.');
  }

  /** Another process can write a run from here on, or it ends here. */
  async #release({ pump, run }: Writing): Promise<void> {
    const { header } = run.state;
    const handedOver = !isEnded(run.state) && (await this.#log.handOver(header).catch(() => false));
    if (handedOver) pump.lose();
    else pump.abandon();
  }

  async #allDone(): Promise<void> {
    await Promise.allSettled(Array.from(this.#pumps.values(), ({ done }) => done));
  }

  async #takeOver(run: KeptRun): Promise<void> {
    const { header } = run.state;
    const app = this.#dify.app(header.app);
    if (!app) return endUnserved(run, this.#log, this.#logger);
    if (this.#draining && (await this.#log.handOver(header).catch(() => false))) return;
    this.#write(run, app, run.state);
  }

  #write(run: KeptRun, app: DifyApp, from?: KeptRun['state']): void {
    const { header } = run.state;
    const { runMs, nodeData, abandonMs = 15_000, textAddress, ...options } = this.#options;
    const limit = runMs?.get(app.name);
    let autoPlay = false;
    void app.parameters().then(
      (parameters) => (autoPlay = parameters.autoPlay),
      () => false,
    );
    const address: AddressMaker = (url, { conversationId, messageId }) =>
      textAddress?.(header.viewer, url, { app: app.name, runId: header.id, conversationId, messageId }) ?? null;
    const turn = new Turn(run, this.#lines, this.#log);
    const cancels = header.onDisconnect === 'CANCEL';
    const forget = cancels ? stopWhenAbandoned(run, this.#log, abandonMs) : undefined;
    const parts = {
      header,
      app,
      log: this.#log,
      logger: this.#logger,
      turn,
      address,
      speaks: () => autoPlay,
      ...(from ? { from } : {}),
    };
    const shown = nodeData?.has(app.name) ?? false;
    const pump = new Pump(parts, { ...options, nodeData: shown, ...(limit === undefined ? {} : { runMs: limit }) });
    // Draining may have begun since the run was claimed.
    if (this.#draining) pump.abandon();
    const done = pump.run().then(() => {
      // It may have been lost, and come back since.
      if (this.#pumps.get(header.id)?.pump === pump) this.#pumps.delete(header.id);
      forget?.();
      // Otherwise another process writes it now.
      if (isEnded(run.state))
        turn.leave().catch((error: unknown) => this.#logger.warn({ err: error }, 'a turn was kept'));
      if (header.autoName) nameConversation(app, run, this.#logger);
    });
    this.#pumps.set(header.id, { run, pump, turn, done });
    // So may a stop have been asked for.
    if (run.state.status === 'STOPPING') pump.stop();
  }
}
