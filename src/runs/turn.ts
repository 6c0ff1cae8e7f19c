import { failed, type Outcome } from './ending.ts';
import { waitedTooLong, type Lines } from './lines.ts';
import type { RunEvent } from './run-event.ts';
import type { KeptRun, RunLog } from './run-log.ts';
import { appLine, conversationLine } from './turns.ts';
import { elapsed } from './wait.ts';

/** How often a run that waits looks where it stands, in ms, besides when it is called: a call may be lost. */
const LOOK_MS = 1_000;

/** One run in the lines before its conversation and its app: waits for its turn, and makes way when it needs a place no more. */
export class Turn {
  readonly #run: KeptRun;
  readonly #lines: Lines;
  readonly #log: RunLog;
  /** The lines of its conversation: one, unless Dify surprises. */
  readonly #conversations = new Set<string>();
  #stopped = false;
  #call: () => void = () => {};

  constructor(run: KeptRun, lines: Lines, log: RunLog) {
    this.#run = run;
    this.#lines = lines;
    this.#log = log;
    const { header, conversationId } = run.state;
    for (const id of [header.conversationId, conversationId])
      if (id !== null) this.#conversations.add(conversationLine(header.viewer, header.app, id));
  }

  /**
   * Resolves with null once Dify may be asked, at once for a run that does not have to wait; with an outcome for one that ends
   * without being asked. `tell` writes where it stands. That its turn has come outlives this process before it is asked: whoever
   * takes the run over then asks no second time.
   */
  async come(tell: (position: number) => void | Promise<void>, signal: AbortSignal): Promise<Outcome | null> {
    const { header } = this.#run.state;
    if (!header.queued) return null;
    const { queueMs } = this.#lines.limitsOf(header.app);
    const end = header.createdAt + queueMs;
    const stopWatching = this.#watch();
    try {
      for (let told = -1; ;) {
        const called = new Promise<void>((resolve) => (this.#call = resolve));
        // A store that cannot be reached now is asked again.
        const position = await this.#position().catch(() => told);
        signal.throwIfAborted();
        if (this.#isStopping()) return stopped;
        if (position !== told) await tell((told = position));
        if (position === 0) break;
        const left = end - Date.now();
        if (left <= 0) return { ...failed(waitedTooLong(queueMs)), by: 'WATCHDOG' };
        await elapsed(Math.min(LOOK_MS, left), called, signal);
      }
      await this.#log.flushed(header);
      signal.throwIfAborted();
      return this.#isStopping() ? stopped : null;
    } finally {
      stopWatching();
    }
  }

  /** Ends the wait: a stop was asked for. */
  stop(): void {
    this.#stopped = true;
    this.#call();
  }

  /**
   * To be told of what is about to be written: a conversation is taken before anybody can know of it, and free for the next
   * question before anybody can know that it is.
   */
  see(events: readonly RunEvent[]): void {
    for (const event of events) {
      // Nearly all are.
      if (event.type === 'TextDelta') continue;
      const { header } = this.#run.state;
      const { turns } = this.#lines;
      if (event.type === 'RunStarted' && header.kind === 'CHAT' && event.conversationId !== null) {
        const line = conversationLine(header.viewer, header.app, event.conversationId);
        this.#conversations.add(line);
        forget(turns.enter(line, header));
      }
      // While people are waited for, no connection is held.
      if (event.type === 'RunPaused') forget(turns.leave(appLine(header.app), header));
      if (event.type === 'RunPaused' || event.type === 'RunFinished') forget(this.#lines.leaveOwn(header));
      if (event.type === 'RunFinished') for (const line of this.#conversations) forget(turns.leave(line, header));
    }
  }

  /** The run has ended, and its connection is free. */
  async leave(): Promise<void> {
    const { header } = this.#run.state;
    for (const line of [...this.#conversations, appLine(header.app)]) await this.#lines.turns.leave(line, header);
    await this.#lines.leaveOwn(header);
  }

  /** How many come first. */
  async #position(): Promise<number> {
    const { header } = this.#run.state;
    const { turns } = this.#lines;
    for (const line of this.#conversations) {
      const before = await turns.enter(line, header);
      if (before > 0) return before;
    }
    const { maxRuns } = this.#lines.limitsOf(header.app);
    return maxRuns === 0 ? 0 : Math.max(0, (await turns.enter(appLine(header.app), header)) - maxRuns + 1);
  }

  #watch(): () => void {
    const lines = [...this.#conversations, appLine(this.#run.state.header.app)];
    const ends = lines.map((line) => this.#lines.turns.onMove(line, () => this.#call()));
    return () => ends.forEach((end) => end());
  }

  /** Also where the stop was asked for before this process had the run. */
  #isStopping(): boolean {
    return this.#stopped || this.#run.state.status === 'STOPPING';
  }
}

/** Nothing of it is Dify's doing. */
const stopped: Outcome = { status: 'STOPPED', error: null, by: 'WATCHDOG' };

/** Where the store cannot be reached, the place is found or lost by itself. */
function forget(done: Promise<unknown>): void {
  done.catch(() => {});
}
