import { randomUUID } from 'node:crypto';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { isGraph, type App } from './app.ts';
import { elapsed } from './clock.ts';
import { ModelFault, NodeFailure } from './faults.ts';
import type { EndUser } from './ids.ts';
import { amount, type Magic } from './magic-words.ts';
import type { Message } from './message.ts';
import type { Timing } from './usage.ts';
import type { Stoppable, World } from './world.ts';
import type { Writer } from './writer.ts';

/** The pace of a model: ms to the first piece, and between pieces. */
const firstPieceMs = 300;
const pieceMs = 40;

/** One request being answered: what every kind of app needs for it. */
export class Turn implements Stoppable {
  readonly taskId = randomUUID();
  readonly world: World;
  readonly app: App;
  readonly user: EndUser;
  readonly magic: Magic;
  readonly writer: Writer;
  /** The version of the graph that runs. */
  readonly workflowId: string;
  /** The question that is answered; a workflow has none. */
  message: Message | undefined;
  /** The keys before an event's own, except `event` and `task_id` (§2.3). */
  envelope: Readonly<Record<string, unknown>> = {};
  startedAt: number;
  #firstPieceAt: number | null = null;
  readonly #stop = new AbortController();

  /** Resolves with the reply to a blocking request when the run comes to wait for a person. */
  readonly paused: Promise<object>;
  #pause: (reply: object) => void = () => undefined;

  constructor(parts: Pick<Turn, 'world' | 'app' | 'user' | 'magic' | 'writer' | 'workflowId'>) {
    this.world = parts.world;
    this.app = parts.app;
    this.user = parts.user;
    this.magic = parts.magic;
    this.writer = parts.writer;
    this.workflowId = parts.workflowId;
    this.startedAt = this.world.now();
    this.paused = new Promise((resolve) => (this.#pause = resolve));
  }

  /** Whether this version of the graph is an older one. */
  get isOld(): boolean {
    return this.workflowId !== this.app.workflowId;
  }

  pause(reply: object): void {
    this.#pause(reply);
  }

  stop(): void {
    this.#stop.abort();
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async emit(event: string, fields: object): Promise<void> {
    await this.writer.send({ event, ...this.envelope, task_id: this.taskId, ...fields });
  }

  /** `error` events are the only ones without a task id. */
  async emitError(fault: { code: string; status: number; message: string }): Promise<void> {
    const { code, status, message } = fault;
    await this.writer.send({ event: 'error', ...this.envelope, code, status, message });
  }

  /** Waits as long as a model would need, or until the run is stopped. */
  async wait(ms: number): Promise<void> {
    const pace = this.magic.words.has('!fast') ? 0 : this.world.settings.pace;
    await (ms * pace < 1 ? setImmediate() : this.#sleep(ms * pace));
  }

  /** Waits at least so long, whatever the pace and whoever stops it. */
  async rest(ms: number): Promise<void> {
    await sleep(Math.max(ms, 2 * ms * this.world.settings.pace));
  }

  /** Says a text piece by piece. Ends early when the run is stopped; the faults that magic asks for come half-way. */
  async *speak(pieces: readonly string[]): AsyncGenerator<string, void> {
    const slow = amount(this.magic, '!slow', 25);
    await (slow === undefined ? this.wait(firstPieceMs) : this.#sleep(slow * 1000));
    for (const [index, piece] of pieces.entries()) {
      if (index === Math.floor(pieces.length / 2)) await this.#breakDown();
      if (this.stopped) return;
      this.#firstPieceAt ??= this.world.now();
      yield piece;
      await this.wait(pieceMs);
    }
    if (pieces.length === 0) await this.#breakDown();
  }

  /** After the last word: `!noend` never comes back while the peer listens. */
  async linger(): Promise<void> {
    if (this.magic.words.has('!noend')) await this.writer.gone;
  }

  timing(): Timing {
    const now = this.world.now();
    const first = this.#firstPieceAt;
    return {
      latency: elapsed(this.startedAt, now),
      firstToken: first === null ? null : elapsed(this.startedAt, first),
      generate: first === null ? null : elapsed(first, now),
    };
  }

  async #breakDown(): Promise<void> {
    const { words } = this.magic;
    if (words.has('!unknown')) await this.emit('sandbox_surprise', { data: { note: 'No Dify sends this event.' } });
    if (words.has('!error')) {
      throw new ModelFault(
        'rate_limit_error',
        429,
        'Rate limit reached for the sandbox model. Please try again in 20s.',
      );
    }
    if (words.has('!fail') && isGraph(this.app))
      throw new NodeFailure('The sandbox model is down, as `!fail` asked for.');
    if (words.has('!cut')) await this.writer.cut();
    if (words.has('!silence')) {
      this.writer.silence();
      await this.writer.gone;
    }
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }
}
