import { randomBytes, randomUUID } from 'node:crypto';

const mostForms = 1_000;

/** One field of a form, as it is sent (§2.5). */
export interface FormInput {
  readonly output_variable_name: string;
  readonly type: 'paragraph' | 'select' | 'file';
  readonly [key: string]: unknown;
}

/** A button. */
export interface FormAction {
  readonly id: string;
  readonly title: string;
  readonly button_style: 'primary' | 'default' | 'accent' | 'ghost';
}

/** What a person is asked. */
export interface FormDefinition {
  readonly nodeId: string;
  readonly nodeTitle: string;
  /** Markdown; `{{#$output.comment#}}` is the place of an input. */
  readonly content: string;
  readonly inputs: readonly FormInput[];
  readonly actions: readonly FormAction[];
  readonly defaults: Readonly<Record<string, string>>;
}

/** What a person answered. */
export interface Submission {
  readonly action: FormAction;
  readonly values: Readonly<Record<string, unknown>>;
  readonly rendered: string;
}

/** A form that waits for a person, or has waited. */
export class Form {
  readonly id = randomUUID();
  readonly app: string;
  readonly runId: string;
  readonly definition: FormDefinition;
  /** Null when it is delivered by mail only: then nobody can answer it here. */
  readonly token: string | null;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** Resolves with the answer, or with undefined when the time is up. */
  readonly answered: Promise<Submission | undefined>;
  submission: Submission | undefined;
  expired = false;
  #settle: (submission: Submission | undefined) => void = () => undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(about: Pick<Form, 'app' | 'runId' | 'definition' | 'expiresAt'>, waitMs: number, byMail: boolean) {
    this.app = about.app;
    this.runId = about.runId;
    this.definition = about.definition;
    this.expiresAt = about.expiresAt;
    this.token = byMail ? null : randomBytes(16).toString('base64url');
    this.answered = new Promise((resolve) => (this.#settle = resolve));
    this.#timer = setTimeout(() => this.expire(), waitMs).unref();
  }

  submit(submission: Submission): void {
    clearTimeout(this.#timer);
    this.submission = submission;
    this.#settle(submission);
  }

  expire(): void {
    clearTimeout(this.#timer);
    this.expired = this.submission === undefined;
    this.#settle(undefined);
  }
}

/** The forms of all runs; when there are too many the oldest expires. */
export class Forms {
  readonly #forms = new Set<Form>();

  add(form: Form): void {
    this.#forms.add(form);
    const [oldest] = this.#forms;
    if (this.#forms.size <= mostForms || oldest === undefined) return;
    this.#forms.delete(oldest);
    oldest.expire();
  }

  find(app: string, token: string): Form | undefined {
    return [...this.#forms].find((form) => form.app === app && form.token === token);
  }
}
