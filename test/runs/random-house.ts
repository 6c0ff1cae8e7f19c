import { pino } from 'pino';
import type { Client } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { Dify } from '../../src/dify/dify.ts';
import { follow, type Followed } from '../../src/runs/follow.ts';
import { MemoryLog } from '../../src/runs/memory-log.ts';
import type { KeptRun } from '../../src/runs/run-log.ts';
import type { Question } from '../../src/runs/question.ts';
import { Runs } from '../../src/runs/runs.ts';
import { openSandbox, type SandboxRequest, type ScriptStep } from '../../src/sandbox/sandbox.ts';
import { openRig } from '../rig.ts';
import type { Door } from './random-client.ts';
import { asking, following, stopping } from './run-document.ts';
import type { ReadEvent } from './run-reader.ts';

export interface PlayOptions {
  readonly steps: readonly ScriptStep[];
  /** Told when Dify is asked to stop this task. */
  readonly task: string;
  readonly stopped: () => void;
  /** How long the run waits for what may still follow its end. */
  readonly graceMs: number;
  /** How long it waits for the end that it asked for. */
  readonly stopMs: number;
}

/** One question and everybody who reads its answer. */
export interface Play extends AsyncDisposable {
  /** A client's own way in. */
  door(): Door;
  stop(runId: string): Promise<void>;
  /** How often Dify was asked. */
  questions(): number;
  /** Readers still attached; absent where some may be about to leave. */
  readonly watchers?: (runId: string) => Promise<number>;
}

export interface House extends AsyncDisposable {
  open(kind: 'CHAT' | 'WORKFLOW', key: string, options: PlayOptions): Play;
}

const apps = { CHAT: 'concierge', WORKFLOW: 'summarize' };
const isQuestion = ({ path }: SandboxRequest) => path.endsWith('/chat-messages') || path.endsWith('/workflows/run');

/** What is asked of Dify for one play. */
function listen() {
  let heard: SandboxRequest[] = [];
  let current: PlayOptions | undefined;
  return {
    expect: (options: PlayOptions): void => {
      heard = [];
      current = options;
    },
    onRequest: (request: SandboxRequest): void => {
      heard.push(request);
      if (current && request.path.endsWith(`/${current.task}/stop`)) current.stopped();
    },
    questions: () => heard.filter(isQuestion).length,
  };
}

/** Runs, log and follow as the doors use them, in front of a Dify that is asked over HTTP. */
export async function openDirectly(): Promise<House> {
  const { expect, onRequest, questions } = listen();
  const sandbox = await openSandbox({ pace: 0, onRequest });
  const logger = pino({ level: 'silent' });
  const dify = new Dify(
    sandbox.apps.map(({ name, key }) => ({ name, key, baseUrl: sandbox.url })),
    logger,
  );
  const log = new MemoryLog();
  return {
    open(kind, key, options) {
      const { steps, graceMs, stopMs } = options;
      expect(options);
      sandbox.script(apps[kind], { steps });
      const graces = { messageEnd: graceMs, workflowEnd: graceMs, audio: graceMs, trailing: graceMs };
      const runs = new Runs(dify, log, logger, { graces, stopMs, lingerMs: 10, namelessMs: 10, settleMs: 30 });
      const question: Question = {
        kind,
        app: apps[kind],
        query: key,
        inputs: {},
        conversationId: null,
        files: [],
        workflowId: null,
        autoName: false,
        onDisconnect: 'CONTINUE',
        onBusy: 'REJECT',
        idempotencyKey: key,
      };
      const found = async (id: string) => (await runs.find('me', id)) as KeptRun;
      const door: Door = {
        ask: (of) => later(async () => follow((await runs.start('me', question)).run, of), read),
        follow: (id, of) => later(async () => follow(await found(id), of), read),
      };
      return {
        door: () => door,
        stop: async (id) => void (await runs.stop(await found(id), 5_000)),
        questions,
        watchers: async (id) => (await found(id)).watchers,
        [Symbol.asyncDispose]: () => runs.drain(1_000),
      };
    },
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]();
      await dify.close();
      await sandbox.close();
    },
  };
}

function read({ run, event: { type, ...event } }: Followed): ReadEvent {
  return { __typename: type, runId: run.state.header.id, ...event };
}

/** The whole server: each client with a WebSocket of its own, which can be broken. */
export async function openThroughSockets(): Promise<House> {
  const { expect, onRequest, questions } = listen();
  const rig = await openRig({ sandbox: { onRequest }, waits: { lingerMs: 10, namelessMs: 10, settleMs: 30 } });
  return {
    open(kind, key, options) {
      const { steps } = options;
      expect(options);
      rig.sandbox.script(apps[kind], { steps });
      const clients: Client[] = [];
      const input = {
        CHAT: { app: 'concierge', query: key, autoGenerateName: false, idempotencyKey: key },
        WORKFLOW: { app: 'summarize', inputs: { text: key }, idempotencyKey: key },
      }[kind];
      return {
        door() {
          let socket: WebSocket | undefined;
          const connected = (one: unknown) => void (socket = one as WebSocket);
          // It comes back at once: a test has no herd of clients to hold back.
          const client = rig.client({ retryAttempts: 20, retryWait: async () => {}, on: { connected } });
          clients.push(client);
          const subscribe = (query: string, variables: Record<string, unknown>) =>
            later(
              async () => client.iterate<{ event: ReadEvent }>({ query, variables }),
              ({ data, errors }) => {
                if (data) return data.event;
                throw new Error(JSON.stringify(errors));
              },
            );
          return {
            ask: ({ after = null, coalesceMs }) => subscribe(asking[kind], { input, after, options: { coalesceMs } }),
            follow: (runId, { after = null, coalesceMs }) =>
              subscribe(following, { runId, after, options: { coalesceMs } }),
            breakConnection: () => socket?.terminate(),
          };
        },
        stop: async (runId) => void (await rig.query(stopping, { runId, waitMs: 5_000 })),
        questions,
        async [Symbol.asyncDispose]() {
          for (const client of clients) await client.dispose();
        },
      };
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** An iterator that is still to come, each of its values made into another. */
function later<T, R>(open: () => Promise<AsyncIterator<T>>, made: (value: T) => R): AsyncIterableIterator<R> {
  const opening = open();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { done, value } = await (await opening).next();
      return done ? { done, value: undefined } : { done: false, value: made(value) };
    },
    async return() {
      await (await opening).return?.();
      return { done: true, value: undefined };
    },
  };
}
