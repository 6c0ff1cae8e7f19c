import type { Logger } from 'pino';
import type { DifyApp } from '../dify/dify-app.ts';
import type { Envelope } from '../dify/wire-event.ts';
import type { RunHeader } from './run-state.ts';

const kinds = { CHAT: 'chat', COMPLETION: 'completion', WORKFLOW: 'workflow' } as const;

/** The order to stop that Dify is sent once, as soon as the run's task has a name (§8.1). */
export class StopOrder {
  readonly #app: DifyApp;
  readonly #header: RunHeader;
  readonly #logger: Logger;
  #given = false;
  #sent = false;

  constructor(app: DifyApp, header: RunHeader, logger: Logger) {
    this.#app = app;
    this.#header = header;
    this.#logger = logger;
  }

  get given(): boolean {
    return this.#given;
  }

  /** It is given, and waits for the task's name. */
  get isPending(): boolean {
    return this.#given && !this.#sent;
  }

  /** Gives it once more to a task that has a name by now. True if that was needed. */
  giveLate(wire: readonly Envelope[]): boolean {
    const taskId = this.isPending && wire.find((event) => event.taskId !== null)?.taskId;
    if (taskId) this.give(taskId);
    return Boolean(taskId);
  }

  give(taskId: string | null): void {
    this.#given = true;
    if (taskId === null || this.#sent) return;
    this.#sent = true;
    const { kind, viewer: user } = this.#header;
    this.#app.stop({ kind: kinds[kind], taskId, user }).catch((error: unknown) => {
      this.#logger.warn({ err: error }, 'Dify could not be asked to stop');
    });
  }
}
