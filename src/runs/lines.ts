import { GatewayError } from '../errors.ts';
import type { BusyPolicy } from './question.ts';
import type { RunAllowance } from './quota.ts';
import type { KeptRun, RunLog } from './run-log.ts';
import { isEnded, type RunHeader } from './run-state.ts';
import { rateLimited } from './rates.ts';
import { appLine, conversationLine, userLine, type Turns } from './turns.ts';

/** How many runs of an app go on at once, and how many wait. */
export interface LineLimits {
  /** Runs of the app that have a connection to Dify at once; 0 for as many as there are. Default 0. */
  readonly maxRuns?: number;
  /** Runs that may wait before the app, and before each conversation with it. Default 100. */
  readonly maxQueued?: number;
  /** The longest that a run waits, in ms. Default 300,000. */
  readonly queueMs?: number;
}

/** How long a client best waits before it asks again, in ms, where nobody can know. */
const RETRY_MS = 5_000;

/**
 * Where a question stands before it is asked. It enters the line of its conversation, and that of its app only once the
 * conversation is free: a conversation with many questions holds up nobody else.
 */
export class Lines {
  readonly turns: Turns;
  readonly #log: RunLog;
  readonly #limits: ReadonlyMap<string, LineLimits>;
  readonly #allowance: RunAllowance | undefined;

  /** `limits`: by app. */
  constructor(turns: Turns, log: RunLog, limits: ReadonlyMap<string, LineLimits>, allowance?: RunAllowance) {
    this.turns = turns;
    this.#log = log;
    this.#limits = limits;
    this.#allowance = allowance;
  }

  limitsOf(app: string): Required<LineLimits> {
    const { maxRuns = 0, maxQueued = 100, queueMs = 300_000 } = this.#limits.get(app) ?? {};
    return { maxRuns, maxQueued, queueMs };
  }

  /** Claims a run that has its places: it waits for its turn, or is refused. */
  async claim(header: RunHeader, onBusy: BusyPolicy): ReturnType<RunLog['claim']> {
    const claim = () => this.#claim(header, onBusy);
    return this.#allowance?.quota.spend(header.viewer, header.app, claim) ?? claim();
  }

  async #claim(header: RunHeader, onBusy: BusyPolicy): ReturnType<RunLog['claim']> {
    try {
      const queued = await this.#enter(header, onBusy);
      const { first, run } = await this.#log.claim({ ...header, queued });
      // The same key was asked twice at once: it has left before it entered here, or stands elsewhere.
      const { app, conversationId } = run.state.header;
      const strayed = app !== header.app || conversationId !== header.conversationId;
      if (!first && (isEnded(run.state) || strayed)) await this.#leave(header);
      // If they cannot be asked to stop, it waits for their end.
      if (first && onBusy === 'INTERRUPT') await this.#interrupt(header).catch(() => {});
      return { first, run };
    } catch (error) {
      // Where the store is out of reach, the place is lost by itself.
      await this.#giveUp(header).catch(() => {});
      throw error;
    }
  }

  /** True if it has to wait. */
  async #enter(header: RunHeader, onBusy: BusyPolicy): Promise<boolean> {
    const { viewer, app, conversationId } = header;
    const { maxRuns, maxQueued } = this.limitsOf(app);
    await this.#enterOwn(header);
    if (conversationId !== null) {
      const most = onBusy === 'REJECT' ? 0 : maxQueued;
      const before = await this.turns.enter(conversationLine(viewer, app, conversationId), header, most);
      if (before > most) throw onBusy === 'REJECT' ? busy() : queueFull('this conversation', before);
      if (before > 0) return true;
    }
    if (maxRuns === 0) return false;
    const most = maxRuns - 1 + maxQueued;
    const before = await this.turns.enter(appLine(app), header, most);
    if (before > most) throw queueFull(`the app “${app}”`, before - maxRuns + 1);
    return before >= maxRuns;
  }

  /** None of a user's runs waits for the others here: one too many is refused. */
  async #enterOwn(header: RunHeader): Promise<void> {
    const most = this.#allowance?.runsAtOnce ?? 0;
    if (most === 0) return;
    const before = await this.turns.enter(userLine(header.viewer), header, most - 1);
    if (before >= most) throw rateLimited(`More than ${most} runs of one user at once`, RETRY_MS);
  }

  /** Gives a run's place among its user's others back. */
  async leaveOwn(header: RunHeader): Promise<void> {
    if (this.#allowance?.runsAtOnce) await this.turns.leave(userLine(header.viewer), header);
  }

  /** Of a run that did not come to be. */
  async #giveUp(header: RunHeader): Promise<void> {
    // The same key may have been asked a second time meanwhile: it has the same places.
    if (!(await this.#log.find(header))) await this.#leave(header);
  }

  async #leave(header: RunHeader): Promise<void> {
    const { viewer, app, conversationId } = header;
    if (conversationId !== null) await this.turns.leave(conversationLine(viewer, app, conversationId), header);
    await this.turns.leave(appLine(app), header);
    await this.leaveOwn(header);
  }

  /** The run that a conversation answers with now, or that waits first. */
  async first(viewer: string, app: string, conversationId: string): Promise<KeptRun | undefined> {
    for (const key of await this.turns.standing(conversationLine(viewer, app, conversationId))) {
      const run = await this.#log.find(key);
      if (run && !isEnded(run.state)) return run;
    }
    return undefined;
  }

  /** Asks all that stand before a question in its conversation to stop. */
  async #interrupt({ viewer, app, conversationId, id }: RunHeader): Promise<void> {
    if (conversationId === null) return;
    for (const run of await this.turns.standing(conversationLine(viewer, app, conversationId))) {
      if (run.id === id) return;
      await this.#log.markStopping(run);
    }
  }
}

function busy(): GatewayError {
  return new GatewayError(
    'CONVERSATION_BUSY',
    'This conversation is answering another question: wait for its end, or ask with `onBusy: QUEUE` to wait in line or `onBusy: INTERRUPT` to stop it.',
  );
}

function queueFull(where: string, waiting: number): GatewayError {
  return new GatewayError('QUEUE_FULL', `Too many questions wait before ${where} (${waiting}): ask again later.`, {
    retryAfterMs: RETRY_MS,
  });
}

/** For a run that has waited in vain. */
export function waitedTooLong(queueMs: number): GatewayError {
  return new GatewayError(
    'QUEUE_FULL',
    `The turn of this question did not come within ${queueMs} ms: ask again later.`,
    {
      retryAfterMs: RETRY_MS,
    },
  );
}
