import { createHash, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Dify } from '../dify/dify.ts';
import type { DifyApp } from '../dify/dify-app.ts';
import type { FileReference } from '../dify/file-reference.ts';
import { GatewayError, type Problem } from '../errors.ts';
import { inputProblems } from './input-check.ts';
import { nameConversation } from './naming.ts';
import type { FormAnswer } from './pause.ts';
import { Pump, type PumpOptions } from './pump.ts';
import type { KeptRun, RunLog } from './run-log.ts';
import type { FilePlace } from './run-file.ts';
import { isEnded, type RunHeader, type RunKind } from './run-state.ts';
import type { AddressMaker } from './text-files.ts';
import { elapsed } from './wait.ts';

/** What is asked of an app. */
export interface Question {
  readonly kind: RunKind;
  readonly app: string;
  readonly query: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly conversationId: string | null;
  readonly files: readonly FileReference[];
  readonly workflowId: string | null;
  /** Have Dify name a new conversation once it has been answered. */
  readonly autoName: boolean;
  /** The client's own name for this question; null for a question that is asked once. */
  readonly idempotencyKey: string | null;
}

export interface RunsOptions extends Omit<PumpOptions, 'runMs' | 'nodeData'> {
  /** App → the longest a run of it may take, in ms. */
  readonly runMs?: ReadonlyMap<string, number>;
  /** Apps whose nodes' inputs and outputs are passed on, and their agents' logs. */
  readonly nodeData?: ReadonlySet<string>;
  /** Apps whose questions are held to the app's form before Dify is asked. */
  readonly checkInputs?: ReadonlySet<string>;
  /** The address for a file that a text names by one that Dify has signed; null where it cannot be read. */
  readonly textAddress?: (viewer: string, url: string, place: FilePlace) => string | null;
}

/** Ask, follow, stop: everything a caller can do with runs, whatever door it came through. */
export class Runs implements AsyncDisposable {
  readonly #dify: Dify;
  readonly #log: RunLog;
  readonly #logger: Logger;
  readonly #options: RunsOptions;
  /** The runs that this process writes, and when each is done. */
  readonly #pumps = new Map<string, { readonly pump: Pump; readonly done: Promise<void> }>();
  #draining = false;

  constructor(dify: Dify, log: RunLog, logger: Logger, options: RunsOptions = {}) {
    this.#dify = dify;
    this.#log = log;
    this.#logger = logger;
    this.#options = options;
  }

  /** Asks, or finds the run that the same key started before: a repeated frame is never a second answer. */
  async start(viewer: string, question: Question): Promise<{ readonly run: KeptRun; readonly deduplicated: boolean }> {
    const app = this.#app(question.app);
    const header = newHeader(viewer, question);
    const kept = question.idempotencyKey === null ? undefined : await this.#log.find(header);
    if (kept) return { run: sameContent(kept, header), deduplicated: true };
    await this.#check(app, question);
    const { first, run } = await this.#log.claim(header);
    if (!first) return { run: sameContent(run, header), deduplicated: true };
    this.#write(header, app, question, run);
    return { run, deduplicated: false };
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
    this.#pumps.get(header.id)?.pump.stop();
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
    await this.#pumps.get(run.state.header.id)?.pump.answer(form, answer);
    return run;
  }

  /** Waits for the end of a run, `waitMs` at most. True if it has ended. */
  async ended(run: KeptRun, waitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (!isEnded(run.state) && waitMs > 0) await elapsed(waitMs, run.ended, signal);
    return isEnded(run.state);
  }

  /** As `ended`, but does not wait on people, either. */
  async settled(run: KeptRun, waitMs: number, signal?: AbortSignal): Promise<boolean> {
    if (!isEnded(run.state) && waitMs > 0) await elapsed(waitMs, run.settled, signal);
    return isEnded(run.state);
  }

  /** Refuses new questions, lets answers finish for `drainMs`, lets go of readers by `part`, then gives up the rest. */
  async drain(drainMs: number, part?: () => Promise<void>): Promise<void> {
    this.#draining = true;
    const all = Promise.allSettled(Array.from(this.#pumps.values(), ({ done }) => done));
    if (this.#pumps.size > 0) await elapsed(drainMs, all);
    await part?.();
    for (const { pump } of this.#pumps.values()) pump.abandon();
    await all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }

  #app(name: string): DifyApp {
    const app = this.#dify.app(name);
    if (!app) throw new GatewayError('APP_NOT_FOUND', `No app named “${name}” is served here.`);
    return app;
  }

  /** What can be refused before there is a run. If Dify does not tell soon what the app is, the question itself will. */
  async #check(app: DifyApp, question: Question): Promise<void> {
    this.#refuseWhileDraining();
    const told: { mode?: string; problems?: readonly Problem[] } = {};
    const asked: Promise<unknown>[] = [app.info().then((info) => (told.mode = info.mode))];
    // A pinned version may have a form of its own, which Dify does not tell.
    const checked = question.workflowId === null && this.#options.checkInputs?.has(app.name);
    if (checked) asked.push(problemsOf(app, question).then((problems) => (told.problems = problems)));
    await elapsed(TELL_MS, Promise.allSettled(asked));
    // Draining may have begun meanwhile, and does not wait for runs that are not there yet.
    this.#refuseWhileDraining();
    const { mode, problems = [] } = told;
    if (mode !== undefined && !suits(mode, question.kind)) throw wrongMode(app, mode);
    if (problems.length === 0) return;
    const all = problems.map(({ path, message }) => `\`${path}\` ${message}`).join('; ');
    throw new GatewayError('BAD_USER_INPUT', `This does not fit the app’s form: ${all}.`, { problems });
  }

  #refuseWhileDraining(): void {
    if (this.#draining) throw new GatewayError('DRAINING', 'This server is shutting down.');
  }

  #write(header: RunHeader, app: DifyApp, question: Question, run: KeptRun): void {
    const { runMs, nodeData, checkInputs: _, textAddress, ...options } = this.#options;
    const limit = runMs?.get(app.name);
    let autoPlay = false;
    void app.parameters().then(
      (parameters) => (autoPlay = parameters.autoPlay),
      () => false,
    );
    const address: AddressMaker = (url, { conversationId, messageId }) =>
      textAddress?.(header.viewer, url, { app: app.name, runId: header.id, conversationId, messageId }) ?? null;
    const parts = { header, app, log: this.#log, logger: this.#logger, speaks: () => autoPlay, address };
    const shown = nodeData?.has(app.name) ?? false;
    const pump = new Pump(parts, { ...options, nodeData: shown, ...(limit === undefined ? {} : { runMs: limit }) });
    const done = pump.run().then(() => {
      this.#pumps.delete(header.id);
      if (question.autoName) nameConversation(app, run, this.#logger);
    });
    this.#pumps.set(header.id, { pump, done });
  }
}

/** How long a question may wait for the app's mode and form, in ms; they are asked for once in a while and then known. */
const TELL_MS = 2_000;

/** A question that does not fit the form is held to one of this age at most, in ms: the app may have been published anew. */
const FORM_MS = 5_000;

async function problemsOf(app: DifyApp, question: Question): Promise<readonly Problem[]> {
  const problems = inputProblems(question, await app.parameters());
  return problems.length === 0 ? problems : inputProblems(question, await app.parameters(FORM_MS));
}

function wrongMode(app: DifyApp, mode: string): GatewayError {
  const how =
    mode === 'workflow'
      ? 'run it with runWorkflow'
      : mode === 'completion'
        ? 'it takes no questions'
        : 'ask it with chat';
  return new GatewayError('WRONG_APP_MODE', `The app “${app.name}” is of mode ${mode}: ${how}.`);
}

function suits(mode: string, kind: RunKind): boolean {
  return kind === (mode === 'workflow' ? 'WORKFLOW' : mode === 'completion' ? 'COMPLETION' : 'CHAT');
}

function newHeader(viewer: string, question: Question): RunHeader {
  const { idempotencyKey, ...content } = question;
  const { autoName: _, ...asked } = content;
  return {
    ...asked,
    viewer,
    id: idempotencyKey === null ? randomUUID() : runIdOf(viewer, idempotencyKey),
    fingerprint: digest(canonical(content)),
    createdAt: Date.now(),
  };
}

/** The same key of the same viewer always names the same run: to claim the run is to claim the key. */
export function runIdOf(viewer: string, key: string): string {
  const hex = digest(JSON.stringify([viewer, key]));
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

function sameContent(run: KeptRun, header: RunHeader): KeptRun {
  if (run.state.header.fingerprint === header.fingerprint) return run;
  throw new GatewayError(
    'IDEMPOTENCY_CONFLICT',
    'This idempotency key was used before with other content: use a new key for a new question.',
  );
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON with the keys of all objects in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
