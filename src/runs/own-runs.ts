import { GatewayError } from '../errors.ts';
import type { FormAnswer } from './pause.ts';
import type { Question } from './question.ts';
import type { KeptRun } from './run-log.ts';
import type { Runs } from './runs.ts';

/** Whose runs, and which of them. */
export interface Reach {
  readonly viewer: string;
  /** Only those of these apps; null: of all. */
  readonly onlyApps: readonly string[] | null;
  /** Only this one, to look at; null: all. */
  readonly onlyRun: string | null;
}

/** The runs of one viewer, as far as their credentials reach: what is beyond them is not there. */
export class OwnRuns {
  readonly #runs: Runs;
  readonly #reach: Reach;

  constructor(runs: Runs, { viewer, onlyApps, onlyRun }: Reach) {
    this.#runs = runs;
    this.#reach = { viewer, onlyApps, onlyRun };
  }

  async start(question: Question): Promise<{ readonly run: KeptRun; readonly deduplicated: boolean }> {
    this.#refuseOnlookers();
    if (!this.#mayUse(question.app))
      throw new GatewayError('APP_NOT_FOUND', `No app named “${question.app}” is served here.`);
    return this.#runs.start(this.#reach.viewer, question);
  }

  /** The run that a conversation answers with now, or that waits first. */
  async answering(app: string, conversationId: string): Promise<KeptRun | undefined> {
    return this.#reached(await this.#runs.answering(this.#reach.viewer, app, conversationId));
  }

  /** Calls back when there is a new run, or one of them has a conversation or an end. Returns what ends it. */
  onChange(changed: () => void): () => void {
    return this.#runs.onChange(this.#reach.viewer, changed);
  }

  /** Throws FORBIDDEN with a token for another run. */
  async find(id: string): Promise<KeptRun | undefined> {
    if (this.#reach.onlyRun !== id) this.#refuseOnlookers();
    return this.#reached(await this.#runs.find(this.#reach.viewer, id));
  }

  /** Newest first. */
  async list(): Promise<readonly KeptRun[]> {
    return (await this.#runs.list(this.#reach.viewer)).filter((run) => this.#reached(run));
  }

  async stop(run: KeptRun, waitMs: number, signal?: AbortSignal): Promise<boolean> {
    this.#refuseOnlookers();
    return this.#runs.stop(run, waitMs, signal);
  }

  /** Answers a form that one of them waits for; the run goes on under its name. */
  async answer(formId: string, answer: FormAnswer): Promise<KeptRun> {
    this.#refuseOnlookers();
    const run = (await this.list()).find(({ state }) => state.forms.has(formId));
    if (!run) throw new GatewayError('FORM_EXPIRED', 'No form of this id waits for you.');
    return this.#runs.answer(this.#reach.viewer, formId, answer);
  }

  async settled(run: KeptRun, waitMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.#runs.settled(run, waitMs, signal);
  }

  #reached(run: KeptRun | undefined): KeptRun | undefined {
    const { onlyRun } = this.#reach;
    if (!run || !this.#mayUse(run.state.header.app)) return undefined;
    return onlyRun === null || onlyRun === run.state.header.id ? run : undefined;
  }

  #mayUse(app: string): boolean {
    return this.#reach.onlyApps?.includes(app) ?? true;
  }

  #refuseOnlookers(): void {
    if (this.#reach.onlyRun !== null)
      throw new GatewayError('FORBIDDEN', 'A run token shows its run, and nothing else.');
  }
}
