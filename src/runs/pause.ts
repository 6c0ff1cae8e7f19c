import type { DifyApp } from '../dify/dify-app.ts';
import type { FileReference } from '../dify/file-reference.ts';
import type { DifyStream } from '../dify/stream.ts';
import { GatewayError } from '../errors.ts';
import type { HumanForm } from './human-form.ts';
import { elapsed } from './wait.ts';

/** What a person answers. */
export interface FormAnswer {
  readonly action: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Values of fields for files, in place of `inputs`. */
  readonly files?: Readonly<Record<string, FileReference | readonly FileReference[]>>;
}

export interface PauseParts {
  readonly app: DifyApp;
  readonly workflowRunId: string;
  readonly user: string;
  readonly signal: AbortSignal;
  /** How often Dify is asked whether somebody has answered elsewhere, in ms. */
  readonly pollMs: number;
}

const EAGER_POLLS = 20;
const EAGER_MS = 250;

/** Dify's own limit for waiting on people, in ms: seven days. */
const LONGEST_MS = 7 * 86_400_000;

/**
 * The time in which a run waits for people (§8.3). Forms are answered here, by e-mail or in Dify's own pages, so Dify is asked now
 * and then; it is not listened to all the while, since that would hold one of its few connections.
 */
export class Pause {
  readonly #parts: PauseParts;
  #stream: DifyStream | null = null;
  #news = Promise.withResolvers<void>();
  /** How many more times Dify is asked soon: somebody has answered, and Dify takes a moment to go on. */
  #eager = 0;

  constructor(parts: PauseParts) {
    this.#parts = parts;
  }

  /** Hands in an answer. The run is followed first, so that nothing of how it goes on is missed. */
  async answer(form: HumanForm, { action, inputs, files = {} }: FormAnswer): Promise<void> {
    const { app, user } = this.#parts;
    const token = tokenOf(form);
    const stream = await this.#follow(false);
    try {
      await app.forms.submit({ token, user, action, inputs, files });
    } catch (error) {
      stream.close();
      throw error;
    }
    this.#stream = stream;
    this.#news.resolve();
  }

  /** One of the forms was answered elsewhere, or may have been. */
  answered(): void {
    this.#eager = EAGER_POLLS;
    this.#news.resolve();
  }

  /** The stream on which the run goes on, whoever has answered; null if it goes on and cannot be followed now. */
  async over(): Promise<DifyStream | null> {
    const { app, workflowRunId, signal, pollMs } = this.#parts;
    const end = Date.now() + LONGEST_MS;
    while (Date.now() < end) {
      await elapsed(this.#eager > 0 ? Math.min(pollMs, EAGER_MS) : pollMs, this.#news.promise, signal);
      signal.throwIfAborted();
      if (this.#stream) return this.#stream;
      this.#news = Promise.withResolvers();
      this.#eager -= 1;
      const record = await app.workflows.run(workflowRunId).catch(() => null);
      if (this.#stream) return this.#stream;
      if (record && record.status !== 'paused') return this.#follow(true).catch(() => null);
    }
    throw new GatewayError('FORM_EXPIRED', 'Nobody has answered in time.');
  }

  #follow(snapshot: boolean): Promise<DifyStream> {
    const { app, workflowRunId: runId, user, signal } = this.#parts;
    return app.workflows.events({ runId, user, snapshot }, signal);
  }
}

/** Hands in the answer to a form of a run that is written elsewhere. */
export async function submitForm(
  { app, user }: Pick<PauseParts, 'app' | 'user'>,
  form: HumanForm,
  { action, inputs, files = {} }: FormAnswer,
): Promise<void> {
  await app.forms.submit({ token: tokenOf(form), user, action, inputs, files });
}

function tokenOf({ token }: HumanForm): string {
  if (token !== null) return token;
  throw new GatewayError('BAD_USER_INPUT', 'This form is answered elsewhere, such as by e-mail.');
}
