import { pino } from 'pino';
import { Dify, type DifyAppOptions } from '../../src/dify/dify.ts';
import { MemoryLog } from '../../src/runs/memory-log.ts';
import type { RunEvent } from '../../src/runs/run-event.ts';
import type { KeptRun, LogWriter } from '../../src/runs/run-log.ts';
import type { RunKey } from '../../src/runs/run-state.ts';
import { Runs, type RunsOptions } from '../../src/runs/runs.ts';
import { playScript, type ScriptedReply } from '../../src/sandbox/script.ts';
import { endOf } from '../../src/sandbox/stream-writer.ts';
import { sendJson, serve, type Exchange, type FakeServer } from '../dify/fake-server.ts';
import { newQuestion } from './open-runs.ts';
import { readToEnd } from './reading.ts';

export const kinds = ['chat', 'chatflow', 'workflow'] as const;
export type Kind = (typeof kinds)[number];
const modes = { chat: 'chat', chatflow: 'advanced-chat', workflow: 'workflow' } as const;

/** What a Dify says, by a script: to a question, and to whoever asks for its records afterwards. */
export interface Faults {
  readonly version?: string;
  /** `about` is the query, or a workflow's `text`. */
  readonly answer: (about: string, kind: Kind) => ScriptedReply;
  /** The item of `/messages`, and the body of `/workflows/run/{id}`; without them, they are unknown. */
  readonly message?: () => object | null | Promise<object>;
  readonly run?: () => object | null;
  /** `/workflow/{id}/events` */
  readonly events?: () => ScriptedReply | null;
}

/** A log that lets a test speak as the other processes do. */
export class SharedLog extends MemoryLog {
  writer!: LogWriter;
  /** The runs that were given away; null while there is nobody to take them. */
  given: RunKey[] | null = null;

  override serve(writer: LogWriter): void {
    this.writer = writer;
    super.serve(writer);
  }

  override async handOver(run?: RunKey): Promise<boolean> {
    if (this.given && run) this.given.push(run);
    return this.given !== null;
  }
}

export interface FaultyDify extends AsyncDisposable {
  readonly log: SharedLog;
  readonly runs: Runs;
  readonly server: FakeServer;
  /** Asks, and waits for the end of everything. */
  play(kind: Kind, about?: string): Promise<{ readonly run: KeptRun; readonly events: readonly RunEvent[] }>;
  ask(kind: Kind, about?: string): Promise<KeptRun>;
  /** Resolves when no reply to a question is open any more. */
  silence(): Promise<unknown>;
  /** Requests whose path ends so. */
  requests(pathEnd: string): number;
}

/** Runs before a Dify that fails as it is told, with short waits. */
export async function openFaulty(
  faults: Faults,
  waits: RunsOptions = {},
  options: Partial<DifyAppOptions> | ((baseUrl: string) => Partial<DifyAppOptions>) = {},
  log = new SharedLog(),
): Promise<FaultyDify> {
  const { version = '1.16.2' } = faults;
  const replies: Promise<unknown>[] = [];
  const server = await serve((exchange) => {
    if (exchange.request.method === 'POST') replies.push(endOf(exchange.response));
    void reply(exchange, faults, version);
  });
  const own = typeof options === 'function' ? options(server.baseUrl) : options;
  const logger = pino({ level: 'silent' });
  const of = (name: Kind) => ({ name, key: `app-${name}`, baseUrl: server.baseUrl, ...own });
  const dify = new Dify(kinds.map(of), logger);
  const graces = { messageEnd: 40, workflowEnd: 40, audio: 40, trailing: 40 };
  const short = { stopMs: 60, lingerMs: 40, namelessMs: 60, settleMs: 200, pollMs: 20, graces };
  const runs = new Runs(dify, log, logger, { ...short, ...waits });
  async function ask(kind: Kind, about = 'Why?'): Promise<KeptRun> {
    const isWorkflow = kind === 'workflow';
    const asked = isWorkflow ? { kind: 'WORKFLOW' as const, query: null, inputs: { text: about } } : { query: about };
    return (await runs.start('ann', newQuestion({ app: kind, ...asked }))).run;
  }
  return {
    log,
    runs,
    server,
    ask,
    async play(kind, about) {
      const run = await ask(kind, about);
      await run.ended;
      return { run, events: await readToEnd(run.read(0)) };
    },
    silence: () => Promise.all(replies),
    requests: (pathEnd) => server.requests.filter(({ url }) => (url.split('?')[0] ?? '').endsWith(pathEnd)).length,
    async [Symbol.asyncDispose]() {
      await runs[Symbol.asyncDispose]();
      await dify.close();
      await log[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function reply(exchange: Exchange, faults: Faults, version: string): Promise<void> {
  const { request, response } = exchange;
  const path = request.url.replace('/v1', '').split('?')[0] ?? '';
  const kind = (request.headers.authorization ?? '').replace('Bearer app-', '') as Kind;
  response.setHeader('x-version', version);
  const send = (body: object | null | undefined) =>
    body ? sendJson(exchange, 200, body) : sendJson(exchange, 404, { code: 'not_found', message: 'No.', status: 404 });
  if (request.method === 'POST') {
    const { query, inputs } = JSON.parse(request.body) as { query?: string; inputs?: { text?: string } };
    if (path.endsWith('/stop') || path.startsWith('/form/')) return send({ result: 'success' });
    return playScript(response, faults.answer(query ?? inputs?.text ?? '', kind));
  }
  if (path === '/') return send({ server_version: version });
  if (path === '/info') return send({ name: kind, mode: modes[kind] });
  if (path === '/parameters') return send({ user_input_form: [] });
  if (path === '/messages') {
    const message = await faults.message?.();
    return send(message && { limit: 100, has_more: false, data: [message] });
  }
  if (path.startsWith('/workflows/run/')) return send(faults.run?.());
  const events = path.endsWith('/events') ? faults.events?.() : null;
  return events ? playScript(response, events) : send(null);
}
