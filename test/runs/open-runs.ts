import { EventEmitter, once } from 'node:events';
import { pino } from 'pino';
import { expect } from 'vitest';
import { Dify, type DifyAppOptions } from '../../src/dify/dify.ts';
import { MemoryLog } from '../../src/runs/memory-log.ts';
import type { RunEvent } from '../../src/runs/run-event.ts';
import type { KeptRun } from '../../src/runs/run-log.ts';
import type { Question } from '../../src/runs/question.ts';
import { Runs, type RunsOptions } from '../../src/runs/runs.ts';
import { openSandbox, type Sandbox, type SandboxRequest, type ScriptStep } from '../../src/sandbox/sandbox.ts';
import { next, readToEnd } from './reading.ts';

export interface RunsRigOptions extends RunsOptions {
  readonly dify?: Partial<DifyAppOptions>;
  /** Of the sandbox; default 0, as fast as it can. */
  readonly pace?: number;
  /** Of the sandbox. */
  readonly version?: string;
  readonly log?: MemoryLog;
}

/** Runs over a real log against a sandbox, with short waits. */
export interface RunsRig extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly dify: Dify;
  readonly log: MemoryLog;
  readonly runs: Runs;
  /** What Dify was asked, in order. */
  readonly requests: readonly SandboxRequest[];
  /** Answers the next question to `app` with an event stream of these steps. */
  script(app: string, ...steps: readonly ScriptStep[]): void;
  /** Asks the assistant, or as the question says, for ann. */
  ask(question?: Partial<Question>, viewer?: string): Promise<KeptRun>;
  /** The questions that reached Dify. */
  questions(): SandboxRequest[];
  /** Resolves once something holds of what Dify was asked. */
  asked(holds: () => boolean): Promise<void>;
  /** The first request whose path ends so, also one that is still to come. */
  request(pathEnd: string): Promise<SandboxRequest>;
}

export async function openRuns(given: RunsRigOptions = {}): Promise<RunsRig> {
  const { dify: appOptions, pace = 0, version, log = new MemoryLog(), ...options } = given;
  const requests: SandboxRequest[] = [];
  const asked = new EventEmitter();
  asked.setMaxListeners(0);
  const sandbox = await openSandbox({
    pace,
    ...(version === undefined ? {} : { version }),
    onRequest: (request) => {
      requests.push(request);
      asked.emit('request');
    },
  });
  const logger = pino({ level: 'silent' });
  const apps = sandbox.apps.map(({ name, key }) => ({ name, key, baseUrl: sandbox.url, ...appOptions }));
  const dify = new Dify(apps, logger);
  const graces = { messageEnd: 60, workflowEnd: 60, audio: 60, trailing: 60 };
  const waits = { stopMs: 80, lingerMs: 60, namelessMs: 60, settleMs: 120, graces };
  const runs = new Runs(dify, log, logger, { ...waits, ...options });
  return {
    sandbox,
    dify,
    log,
    runs,
    requests,
    script: (app, ...steps) => sandbox.script(app, { steps }),
    async ask(over, viewer = 'ann') {
      return (await runs.start(viewer, newQuestion(over))).run;
    },
    questions: () => requests.filter(({ method, path }) => method === 'POST' && /\/(chat-messages|run)$/.test(path)),
    async asked(holds) {
      while (!holds()) await once(asked, 'request');
    },
    async request(pathEnd) {
      for (;;) {
        const found = requests.find(({ path }) => path.endsWith(pathEnd));
        if (found) return found;
        await once(asked, 'request');
      }
    },
    async [Symbol.asyncDispose]() {
      await runs[Symbol.asyncDispose]();
      await dify.close();
      await log[Symbol.asyncDispose]();
      await sandbox.close();
    },
  };
}

export function newQuestion(over: Partial<Question> = {}): Question {
  return {
    kind: 'CHAT',
    app: 'assistant',
    query: 'Why?',
    inputs: {},
    conversationId: null,
    files: [],
    workflowId: null,
    autoName: false,
    onDisconnect: 'CONTINUE',
    onBusy: 'REJECT',
    idempotencyKey: null,
    ...over,
  };
}

/** Waits until a run has this text. */
export async function textIs(run: KeptRun, text: string): Promise<void> {
  await until(run, () => run.state.text === text);
  expect(run.state.text).toBe(text);
}

export function textBegins(run: KeptRun): Promise<void> {
  return until(run, () => run.state.text !== '');
}

/** Waits until something holds of a run, or it has ended. */
export async function until(run: KeptRun, holds: () => boolean): Promise<void> {
  const reader = run.read(0);
  while (!holds() && (await next(reader)) !== null);
  reader.close();
}

/**
 * Waits until the run has ended and all its connections are closed, so that nothing can come any more; then what must hold of
 * every run holds: numbered without holes, exactly one end, asked once at most.
 */
export async function over(rig: RunsRig, run: KeptRun): Promise<{ events: RunEvent[]; closed: ('ended' | 'gone')[] }> {
  await run.ended;
  const closed = await Promise.all(rig.questions().map(({ done }) => done));
  const events = await readToEnd(run.read(0));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ type }) => type === 'RunFinished')).toEqual(events.slice(-1));
  expect(closed.length).toBeLessThanOrEqual(1);
  expect(rig.sandbox.open).toBe(0);
  return { events, closed };
}
