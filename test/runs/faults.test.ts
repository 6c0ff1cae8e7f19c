import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type { RunState } from '../../src/runs/run-state.ts';
import type { RunsOptions } from '../../src/runs/runs.ts';
import type { ScriptedReply, ScriptStep } from '../../src/sandbox/script.ts';
import {
  error,
  inGraph,
  message,
  messageEnd,
  node,
  ping,
  sse,
  workflowFinished,
  workflowStarted,
  type DifyFrame,
} from './dify-frames.ts';
import { kinds, openFaulty, type Faults, type Kind } from './faulty-dify.ts';
import { atOnce } from './replaying.ts';
import { frameEnds } from './wire-frames.ts';

/** What an answer consists of, by the kind of app. */
const beginning: Record<Kind, readonly DifyFrame[]> = {
  chat: [message('half ')],
  chatflow: [workflowStarted(), node('started', '1'), message('half ')],
  workflow: [workflowStarted(), node('started', '1'), inGraph('text_chunk', { text: 'half ' })],
};
const rest: Record<Kind, readonly DifyFrame[]> = {
  chat: [message('whole')],
  chatflow: [message('whole'), node('finished', '1')],
  workflow: [inGraph('text_chunk', { text: 'whole' }), node('finished', '1')],
};
const end: Record<Kind, readonly DifyFrame[]> = {
  chat: [messageEnd()],
  chatflow: [messageEnd(), workflowFinished('succeeded')],
  workflow: [workflowFinished('succeeded', { outputs: { text: 'half whole' } })],
};
const [{ message_id, conversation_id }] = beginning.chat as [DifyFrame];
const stored = {
  id: message_id,
  conversation_id,
  query: 'Why?',
  answer: 'half whole',
  status: 'normal',
  created_at: 1,
};
const record = { id: workflowStarted()['workflow_run_id'], status: 'succeeded', outputs: { text: 'half whole' } };

/** Dify’s records: of an answer that was made, of one that nobody knows the end of, or none. */
const records: Readonly<Record<string, Pick<Faults, 'message' | 'run'>>> = {
  ended: { message: () => stored, run: () => record },
  open: { message: () => ({ ...stored, answer: '' }), run: () => ({ ...record, status: 'running', outputs: {} }) },
  none: {},
};

const head = [
  '| fault | app | Dify | records | end | code | settled by | held by |',
  '| --- | --- | --- | --- | --- | --- | --- | --- |',
];
const lines: string[] = [];
afterAll(() => void process.stdout.write(`\n${[...head, ...lines.toSorted()].join('\n')}\n\n`));

/** How a run ended, as the table shows it. */
function shown({ status, error: failure, settledBy, text }: Readonly<RunState>): string[] {
  return [status, failure?.code ?? '—', settledBy ?? 'not at all', text];
}

interface Case {
  readonly name: string;
  readonly answer: (kind: Kind) => ScriptedReply;
  readonly waits?: RunsOptions;
  readonly dify?: Parameters<typeof openFaulty>[2];
}

const json = { 'Content-Type': 'application/json' };
const html = { 'Content-Type': 'text/html' };
const page = '<html><title>Bad Gateway</title></html>';
const refusal = (status: number, code: string): ScriptedReply => ({
  status,
  headers: json,
  steps: [{ write: JSON.stringify({ code, message: 'No.', status }) }],
});
const written = (frames: readonly DifyFrame[], ...after: readonly ScriptStep[]): ScriptedReply => ({
  steps: [{ write: sse(...frames) }, ...after],
});
const pings = Array.from({ length: 400 }, () => [{ write: ping }, { waitMs: 10 }]).flat();
const hang = { hang: true } as const;
const never = () => ({ steps: [] });

async function play(kind: Kind, { answer, waits, dify }: Omit<Case, 'name'>, version: string, known = 'none') {
  // An end that is there is found, on a busy machine, too; one that is not is not waited for.
  const patience = { settleMs: known === 'ended' ? 2_000 : 400 };
  const faulted = { version, answer: () => answer(kind), ...records[known] };
  await using faulty = await openFaulty(faulted, { ...patience, ...waits }, dify);
  const { run, events } = await faulty.play(kind);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.filter(({ type }) => type === 'RunFinished')).toEqual(events.slice(-1));
  const asked = kind === 'workflow' ? '/workflows/run' : '/chat-messages';
  const times = faulty.requests(asked);
  // However it ended, nothing of it stays open.
  await faulty.runs.drain(2_000);
  return { run, times };
}

describe.concurrent('before Dify has said anything, a question fails at once and is asked once:', () => {
  const unreachable = ['FAILED', 'UPSTREAM_UNREACHABLE'];
  test.for<[string, Parameters<typeof openFaulty>[2], (kind: Kind) => ScriptedReply, string[]]>([
    ['connection refused', { baseUrl: 'http://127.0.0.1:1/v1' }, never, unreachable],
    ['no such host', { baseUrl: 'http://dify.invalid/v1' }, never, unreachable],
    ['no TLS there', (url) => ({ baseUrl: url.replace('http', 'https') }), never, unreachable],
    ['reset before the headers', {}, () => ({ steps: [{ reset: true }] }), unreachable],
    ['no headers', { headersMs: 60 }, () => ({ steps: [hang] }), ['FAILED', 'UPSTREAM_TIMEOUT']],
    ['401', {}, () => refusal(401, 'unauthorized'), ['FAILED', 'UPSTREAM_UNAUTHORIZED']],
    ['404', {}, () => refusal(404, 'not_found'), ['FAILED', 'NOT_FOUND']],
    ['413', {}, () => refusal(413, 'file_too_large'), ['FAILED', 'FILE_TOO_LARGE']],
    ['429 of the model', {}, () => refusal(429, 'rate_limit_error'), ['FAILED', 'UPSTREAM_RATE_LIMITED']],
    ['429 of Dify', {}, () => refusal(429, 'too_many_requests'), ['FAILED', 'UPSTREAM_RATE_LIMITED']],
    ['500 JSON', {}, () => refusal(500, 'internal_server_error'), ['FAILED', 'UPSTREAM_ERROR']],
    ['502 page', {}, () => ({ status: 502, headers: html, steps: [{ write: page }] }), ['FAILED', 'UPSTREAM_ERROR']],
    ['504 page', {}, () => ({ status: 504, headers: html, steps: [{ write: page }] }), ['FAILED', 'UPSTREAM_TIMEOUT']],
    ['200 JSON', {}, () => ({ headers: json, steps: [{ write: '{}' }] }), ['FAILED', 'UPSTREAM_PROTOCOL']],
    ['200 page', {}, () => ({ headers: html, steps: [{ write: page }] }), ['FAILED', 'UPSTREAM_PROTOCOL']],
    ['200 and no event', {}, () => ({ steps: [{ write: 'hello' }] }), ['FAILED', 'STREAM_INTERRUPTED']],
    ['nothing but a ping', {}, () => ({ steps: [{ write: ping }] }), ['FAILED', 'STREAM_INTERRUPTED']],
  ])('%s', async ([name, dify, answer, expected]) => {
    const results = await Promise.all(kinds.map((kind) => play(kind, { answer, dify }, '1.16.2', 'ended')));
    for (const [at, { run, times }] of results.entries()) {
      const bound = dify && 'headersMs' in dify ? 'headersMs' : 'at once';
      lines.push(`| ${[name, kinds[at], 'any', 'any', ...shown(run.state).slice(0, 3), bound].join(' | ')} |`);
      expect(shown(run.state).slice(0, 3)).toEqual([...expected, 'STREAM']);
      expect(times).toBeLessThanOrEqual(1);
    }
  });
});

type Expected = readonly [status: string, code: string, settledBy: string, text: string];
const watchdog = (code: string, status = 'FAILED'): Expected => [status, code, 'WATCHDOG', 'half '];
const whole = (by: string): Expected => ['SUCCEEDED', '—', by, 'half whole'];
const byRecord = (kind: Kind) => whole(kind === 'chat' ? 'HISTORY' : 'RUN_RECORD');

/** Of a stream that is lost half-way. `code`: where nothing tells how it ended. */
const lost =
  (code: string) =>
  (kind: Kind, known: string): Expected => {
    if (known === 'ended') return byRecord(kind);
    return known === 'open' && kind !== 'chat' ? watchdog('STREAM_INTERRUPTED', 'UNKNOWN') : watchdog(code);
  };

/** Which of the limits the end of such a run waited for. */
const whenLost = (first?: string) => (state: Readonly<RunState>) =>
  [...(first ? [first] : []), state.settledBy === 'WATCHDOG' ? 'settleMs' : 'a look'].join(', ');
const whenQuiet = ({ settledBy }: Readonly<RunState>) => (settledBy === 'WATCHDOG' ? 'runMs' : 'quietMs');
const immediately = () => 'at once';

interface Lost extends Case {
  readonly bound: (state: Readonly<RunState>) => string;
  readonly expected: (kind: Kind, known: string) => Expected;
}

const all = (kind: Kind) => [...beginning[kind], ...rest[kind], ...end[kind]];
const odd = { answer: 7, text: { no: 1 }, created_at: 'never', metadata: 'none', from_variable_selector: 3 };

const faults: readonly Lost[] = [
  {
    name: 'cut',
    bound: whenLost(),
    answer: (kind) => written(beginning[kind], { reset: true }),
    expected: lost('STREAM_INTERRUPTED'),
  },
  {
    name: 'ends early',
    bound: whenLost(),
    answer: (kind) => written(beginning[kind]),
    expected: lost('STREAM_INTERRUPTED'),
  },
  {
    name: 'a proxy’s page within',
    bound: whenLost(),
    answer: (kind) => written(beginning[kind], { write: page }),
    expected: lost('STREAM_INTERRUPTED'),
  },
  {
    name: 'silence',
    bound: whenLost('idleMs'),
    answer: (kind) => written(beginning[kind], hang),
    dify: { idleMs: 60 },
    expected: lost('UPSTREAM_TIMEOUT'),
  },
  {
    name: 'endless pings',
    bound: whenQuiet,
    answer: (kind) => written(beginning[kind], ...pings),
    waits: { quietMs: 40, runMs: new Map(kinds.map((kind) => [kind, 1_000])) },
    expected: (kind, known) => (known === 'ended' ? byRecord(kind) : watchdog('UPSTREAM_TIMEOUT')),
  },
  {
    name: 'error half-way',
    bound: immediately,
    answer: (kind) => written([...beginning[kind], error('rate_limit_error', 429, 'Slow down')], ...pings),
    expected: () => ['FAILED', 'UPSTREAM_RATE_LIMITED', 'STREAM', 'half '],
  },
  {
    name: 'open after its end',
    bound: immediately,
    answer: (kind) => written(all(kind), hang),
    expected: () => whole('STREAM'),
  },
  {
    name: 'two ends',
    bound: immediately,
    answer: (kind) => written([...all(kind), ...end[kind]], { write: sse(...end[kind]) }),
    expected: () => whole('STREAM'),
  },
  {
    name: 'error after its end',
    bound: immediately,
    answer: (kind) => written([...all(kind), error('x', 500, 'late')]),
    expected: () => whole('STREAM'),
  },
  {
    name: '1 MB from a node',
    bound: immediately,
    answer: (kind) => written([node('finished', '9', { outputs: { a: 'x'.repeat(1_048_576) } }), ...all(kind)]),
    expected: () => whole('STREAM'),
  },
  {
    name: 'wrong types',
    bound: immediately,
    answer: (kind) => {
      const [first = workflowStarted(), ...others] = all(kind);
      const wrong = { ...first, ...odd, data: { id: 5, node_id: null, status: [], outputs: 'x', elapsed_time: {} } };
      return written([{ ...wrong, event: 'agent_thought' }, { ...wrong, event: 'node_finished' }, first, ...others]);
    },
    expected: () => whole('STREAM'),
  },
];

describe.concurrent('whatever becomes of a stream, its run ends once, and as well as Dify’s records tell:', () => {
  test.for(faults)('$name', async (fault) => {
    const cases = ['1.12.1', '1.16.2'].flatMap((version) =>
      kinds.flatMap((kind) => Object.keys(records).map((known) => ({ version, kind, known }))),
    );
    await atOnce(6, cases, async ({ version, kind, known }) => {
      const { run, times } = await play(kind, fault, version, known);
      const told = shown(run.state);
      lines.push(`| ${[fault.name, kind, version, known, ...told.slice(0, 3), fault.bound(run.state)].join(' | ')} |`);
      // None of the limits is longer than a second or two: nothing but them, and a busy machine, may hold a run.
      expect((run.state.finishedAt ?? Infinity) - run.state.header.createdAt).toBeLessThan(10_000);
      expect([kind, version, known, ...told]).toEqual([kind, version, known, ...fault.expected(kind, known)]);
      expect(times).toBe(1);
    });
  });
});

/** Every byte takes a minute or two: `CUT_STEP=1`. */
const step = Number(process.env['CUT_STEP'] ?? 11);

describe('a recorded stream that is cut anywhere', { timeout: 600_000 }, () => {
  test.for([
    ['chat', 'chat/01-stream'],
    ['chatflow', 'chatflow/01-hello'],
    ['workflow', 'workflow/01-template'],
  ] as const)('has one end, and all of its text where Dify has it: %s', async ([kind, name]) => {
    const file = new URL(`../fixtures/dify/1.12.1/${name}.sse`, import.meta.url);
    const bytes = readFileSync(fileURLToPath(file));
    const told: { text: string; outputs: unknown; ids: RunState | null } = { text: '', outputs: {}, ids: null };
    const known = {
      message: () => told.ids && { ...stored, id: told.ids.messageId, answer: told.text },
      run: () => told.ids && { id: told.ids.workflowRunId, status: 'succeeded', outputs: told.outputs },
    };
    const answer = (about: string): ScriptedReply => ({
      steps: [
        { write: bytes.subarray(0, Number(about)) },
        ...(Number(about) < bytes.length ? [{ reset: true } as const] : []),
      ],
    });
    await using silent = await openFaulty({ version: '1.12.1', answer }, { settleMs: 60 });
    await using telling = await openFaulty({ version: '1.12.1', answer, ...known }, { settleMs: 1_000 });
    const { run: uncut } = await silent.play(kind, String(bytes.length));
    expect(uncut.state.status).toBe('SUCCEEDED');
    Object.assign(told, { text: uncut.state.text, outputs: uncut.state.outputs, ids: uncut.state });
    const firstFrame = frameEnds(bytes)[0] ?? 0;
    const cuts = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) => 1 + index * step);
    await atOnce(24, cuts, async (cut) => {
      for (const dify of [silent, telling]) {
        const { run, events } = await dify.play(kind, String(cut));
        const { status, text, outputs, error: failure } = run.state;
        expect(events.filter(({ type }) => type === 'RunFinished')).toEqual(events.slice(-1));
        expect(uncut.state.text.startsWith(text)).toBe(true);
        if (status !== 'SUCCEEDED') expect([status, failure?.code]).toEqual(['FAILED', 'STREAM_INTERRUPTED']);
        // What the text of a workflow would have become, its outputs do not tell.
        else if (kind === 'workflow') expect(outputs).toEqual(uncut.state.outputs);
        else expect(text).toBe(uncut.state.text);
        if (dify === telling && cut >= firstFrame) expect([cut, status]).toEqual([cut, 'SUCCEEDED']);
      }
    });
    const asked = kind === 'workflow' ? '/workflows/run' : '/chat-messages';
    expect([silent.requests(asked), telling.requests(asked)]).toEqual([cuts.length + 1, cuts.length]);
  });
});
