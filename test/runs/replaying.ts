import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExecutionResult } from 'graphql-ws';
import { writesOf } from '../../src/sandbox/replay.ts';
import type { SandboxRequest, ScriptStep } from '../../src/sandbox/sandbox.ts';
import { openRig, type Rig, type RigOptions } from '../rig.ts';
import { asking, following, looking } from './run-document.ts';
import { RunReader, type ReadEvent } from './run-reader.ts';

const folder = fileURLToPath(new URL('../fixtures/dify/1.12.1/', import.meta.url));

export interface Recorded {
  /** `chat/01-stream` */
  readonly name: string;
  /** Of the request. */
  readonly path: string;
  readonly kind: keyof typeof asking;
  readonly body: Buffer;
  /** The recording's own client went away before the end. */
  readonly cut: boolean;
  /** The body as it was read from the socket: ms since the request, and the bytes of each read. */
  readonly reads: readonly { readonly atMs: number; readonly bytes: Buffer }[];
}

export const recorded: readonly Recorded[] = globSync('*/*.sse', { cwd: folder })
  .map((file) => file.slice(0, -'.sse'.length).replaceAll('\\', '/'))
  .toSorted()
  .map(load);

function load(name: string): Recorded {
  const body = readFileSync(`${folder}${name}.sse`);
  const meta = JSON.parse(readFileSync(`${folder}${name}.meta.json`, 'utf8')) as {
    request: { path: string };
    reads: [number, number][];
    clientCut: boolean;
  };
  const { path } = meta.request;
  const reads = writesOf({ body, reads: meta.reads, cut: meta.clientCut });
  return { name, path, kind: kindOf(path), body, cut: meta.clientCut, reads };
}

function kindOf(path: string): Recorded['kind'] {
  if (path.startsWith('/v1/workflows')) return 'WORKFLOW';
  return path === '/v1/completion-messages' ? 'COMPLETION' : 'CHAT';
}

const apps = { CHAT: 'concierge', COMPLETION: 'copywriter', WORKFLOW: 'summarize' } as const;

export interface Asked {
  readonly kind: keyof typeof asking;
  readonly steps: readonly ScriptStep[];
  /** What the connection does once all of it has been read: it breaks, or stays open. Default: the reply ends. */
  readonly end?: 'reset' | 'hang';
}

/** The rig, with clients that ask for scripted streams, many at a time. */
export interface Stage extends AsyncDisposable {
  readonly rig: Rig;
  /** Asks, and reads to the end. `onEvent` sees each event once the reader has applied it. */
  play(asked: Asked, onEvent?: (event: ReadEvent, reader: RunReader) => void): Promise<RunReader>;
  /** Follows a run to its end with `after`, or goes on with a reader that knows some of it. */
  follow(
    runId: string,
    after: number | null,
    reader?: RunReader,
    onEvent?: (event: ReadEvent) => void,
  ): Promise<RunReader>;
  look(runId: string): Promise<Record<string, unknown>>;
  /** Resolves when Dify has been asked to stop the task. */
  stopped(taskId: string): Promise<void>;
}

/** For streams that nothing but a timer ends: short, since nothing more will come. */
export const shortWaits: NonNullable<RigOptions['waits']> = {
  graces: { messageEnd: 40, workflowEnd: 40, audio: 40, trailing: 40 },
  lingerMs: 40,
};

export async function openStage(waits: RigOptions['waits'] = {}): Promise<Stage> {
  /** By question, and by the path of a stop. */
  const arrivals = new Map<string, () => void>();
  const onRequest = ({ body, path }: SandboxRequest) => arrivals.get(questionIn(body) ?? path)?.();
  const rig = await openRig({ waits, sandbox: { onRequest } });
  const client = rig.client();
  let asked = 0;
  let scripts: Promise<void> = Promise.resolve();

  async function read(
    query: string,
    variables: Record<string, unknown>,
    reader: RunReader,
    onEvent?: (event: ReadEvent) => void,
  ): Promise<RunReader> {
    reader.attach();
    for await (const { data, errors } of client.iterate<{ event: ReadEvent }>({ query, variables })) {
      if (!data) throw new Error(JSON.stringify(errors));
      reader.apply(data.event);
      onEvent?.(data.event);
    }
    return reader;
  }

  return {
    rig,
    async play({ kind, steps, end }, onEvent) {
      const key = `question ${(asked += 1)}`;
      const reader = new RunReader();
      // Scripts queue by app: the next one waits until this one's request is there.
      const arrived = Promise.withResolvers<void>();
      arrivals.set(key, arrived.resolve);
      const turn = scripts;
      scripts = turn.then(() => arrived.promise);
      await turn;
      const seen = Promise.withResolvers<void>();
      const after = end ? [{ write: marker }, { until: seen.promise }, endings[end]] : [];
      rig.sandbox.script(apps[kind], { steps: [...steps, ...after] });
      const input = {
        CHAT: { app: 'concierge', query: key, autoGenerateName: false, idempotencyKey: key },
        COMPLETION: { app: 'copywriter', inputs: { product: key }, idempotencyKey: key },
        WORKFLOW: { app: 'summarize', inputs: { text: key }, idempotencyKey: key },
      }[kind];
      const reading = read(asking[kind], { input }, reader, (event) => {
        if (isMarker(event) || event.__typename === 'RunFinished') seen.resolve();
        onEvent?.(event, reader);
      });
      return reading.finally(arrived.resolve);
    },
    follow: (runId, after, reader = new RunReader(), onEvent) => read(following, { runId, after }, reader, onEvent),
    async look(runId) {
      const { data, errors } = (await rig.query(looking, { id: runId })) as ExecutionResult<{
        run: Record<string, unknown>;
      }>;
      if (!data?.run) throw new Error(JSON.stringify(errors ?? `no run ${runId}`));
      return data.run;
    },
    stopped: (taskId) =>
      new Promise((resolve) => {
        for (const route of ['chat-messages', 'completion-messages', 'workflows/tasks'])
          arrivals.set(`/v1/${route}/${taskId}/stop`, resolve);
      }),
    async [Symbol.asyncDispose]() {
      await client.dispose();
      await rig[Symbol.asyncDispose]();
    },
  };
}

const endings = { reset: { reset: true }, hang: { hang: true } } as const;

/** An event that no Dify sends. A client that has it has all that came before. */
export const marker = `data: ${JSON.stringify({ event: 'marker' })}\n\n`;
export const isMarker = ({ __typename, name }: ReadEvent) => __typename === 'UnknownEvent' && name === 'marker';

/** A chat's query, or the only input of the others. */
function questionIn(body: unknown): string | undefined {
  const { query, inputs } = (body ?? {}) as { query?: string; inputs?: { text?: string; product?: string } };
  return query || (inputs?.text ?? inputs?.product);
}

/** Runs `work` for all of them, `width` at a time. */
export async function atOnce<T>(width: number, all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = all.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const one of left) await work(one);
    }),
  );
}
