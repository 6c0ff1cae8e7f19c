import fc from 'fast-check';
import { print } from 'graphql';
import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import {
  AnnotationsDocument,
  AppDocument,
  ChatStreamDocument,
  ConversationHistoryDocument,
  ConversationsDocument,
  ConversationVariablesDocument,
  FeedbacksDocument,
  RunDocument,
  WorkflowLogsDocument,
  WorkflowRunRecordDocument,
} from '../clients/operations.generated.ts';
import { openFakeApp, type FakeApp } from '../graphql/fake-app.ts';
import { openSse, sendJson, type Exchange } from '../dify/fake-server.ts';
import type { Data } from '../rig.ts';
import { post, resultsIn } from './doors.ts';

const events = `
  message agent_message agent_thought message_file message_replace message_end tts_message tts_message_end error
  ping workflow_started node_started node_finished node_retry workflow_finished human_input_form_filled
  human_input_form_timeout iteration_started iteration_next iteration_completed loop_started loop_next
  loop_completed text_chunk text_replace reasoning_chunk agent_log __proto__ constructor toString unheard_of
`.split(/\s+/);
const members = `
  answer id position thought observation tool tool_labels tool_input message_files created_at type belongs_to
  url metadata usage reasoning retriever_resources files code status message audio reason node_id node_type
  title index inputs outputs error elapsed_time total_tokens total_steps execution_metadata iteration_id
  iteration_index loop_id loop_index finished_at retry_index parent_id label data is_final text
  from_variable_selector reasons form_id form_token form_content actions TYPE steps workflow_id workflow_run_id
  task_id message_id conversation_id __proto__ constructor prototype toJSON hasOwnProperty length
  name description query rating content feedback message_tokens answer_tokens agent_thoughts message_files limit total
  has_more page workflow_run created_from created_by_end_user value value_type question hit_count updated_at version
`.split(/\s+/);

const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    '',
    '__proto__',
    'constructor',
    'a',
    'b',
    'running',
    'succeeded',
    'failed',
    'end',
    '\ud800',
    'x\udfffy',
    '\u0000',
  ),
  fc.constantFrom<unknown>(-1, 0, 1, 1.5, 2 ** 31, 2 ** 53, 1e300, -1e300, '1e999', 5e-324),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom<unknown>(
    'https://dify.example/files/f/file-preview?timestamp=1&nonce=n&sign=s',
    'file:///etc/passwd',
    'http://169.254.169.254/latest',
  ),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(fc.constantFrom(...members), tie('value')), { maxLength: 6 }).map(written),
  ),
}));

/** Members as they would be written: `__proto__` is one of them. */
function written(pairs: readonly (readonly [string, unknown])[]): unknown {
  return Object.fromEntries(pairs);
}

const object = fc.array(fc.tuple(fc.constantFrom(...members), value), { maxLength: 8 }).map(written);
const frame = fc.tuple(fc.constantFrom(...events), object, object, fc.boolean()).map(([event, outer, data, named]) => {
  const ids = named ? { task_id: 't', message_id: 'm', conversation_id: 'c', workflow_run_id: 'w' } : {};
  return `data: ${JSON.stringify({ ...(outer as object), data, event, ...ids })}\n\n`;
});
const garbage = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    'data: {\n\n',
    'data: [1]\n\n',
    ': x\n\n',
    'data\n\n',
    'event: message\ndata: "x"\n\n',
    'data: 1e999\n\n',
    '\ufeff',
    '\r',
    'data: {"event":"message","answer":NaN}\n\n',
  ),
);
const reply = fc.array(fc.oneof({ weight: 9, arbitrary: frame }, { weight: 1, arbitrary: garbage }), { maxLength: 12 });

const runs = Number(process.env['FC_RUNS'] ?? 300);
const chat = print(ChatStreamDocument);
const run = print(RunDocument);

describe('whatever Dify sends', () => {
  let app: FakeApp;
  const replies = new Map<string, readonly string[]>();

  beforeAll(async () => {
    app = await openFakeApp(
      {
        '/info': { name: 'Chat', mode: 'advanced-chat' },
        '/parameters': {},
        '/chat-messages': (exchange) => {
          const { query } = JSON.parse(exchange.request.body) as { query: string };
          const response = openSse(exchange);
          for (const piece of replies.get(query) ?? []) response.write(piece);
          response.end();
        },
      },
      {
        nodeData: true,
        waits: { settleMs: 1, quietMs: 50, lingerMs: 1, pollMs: 50, stopMs: 100 },
        runs: { keepCount: 50 },
      },
    );
  }, 20_000);
  afterAll(() => app?.[Symbol.asyncDispose]());

  let count = 0;

  /** The results of the stream, of the run, and what was logged as a defect meanwhile. */
  async function told(pieces: readonly string[]) {
    const key = String(count++);
    replies.set(key, pieces);
    const variables: Data = { input: { query: key, idempotencyKey: key, autoGenerateName: false } };
    const response = await post({ url: app.url }, { query: chat, variables }, { accept: 'text/event-stream' });
    const results = resultsIn(await response.text());
    replies.delete(key);
    const id = results[0]?.data?.['chatStream'].runId as string;
    const again = await app.query(run, { id });
    return { results, again };
  }

  test('a run has one end, and its events arrive', async () => {
    await fc.assert(
      fc.asyncProperty(reply, async (pieces) => {
        const { results, again } = await told(pieces);
        expect([...results, again].flatMap(({ errors }) => errors ?? [])).toEqual([]);
        const kinds = results.map(({ data }) => data?.['chatStream']?.__typename);
        expect(kinds.filter((kind) => kind === 'RunFinished')).toHaveLength(1);
        expect(kinds.at(-1)).toBe('RunFinished');
        expect(kinds).not.toContain(undefined);
        expect(again.data?.['run']?.finishedAt).toEqual(expect.any(String));
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: runs, interruptAfterTimeLimit: 25_000 },
    );
  }, 120_000);

  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const wide = JSON.stringify(Array.from({ length: 200_000 }, (_, at) => ({ at })));

  test.each([
    ['nested very deeply', deep],
    ['very wide', wide],
  ])(
    'a run ends whatever is %s',
    async (_, huge) => {
      for (const event of events) {
        const odd = ['answer', 'metadata', 'tool_labels', 'inputs', 'outputs', 'data', '__proto__'].map(
          (name) => `"${name}":${huge}`,
        );
        const { results } = await told([
          `data: {"event":"${event}","data":{${odd.join()}},${odd.join()}}\n\n`,
          'data: {"event":"message","task_id":"t","message_id":"m","conversation_id":"c","answer":"after"}\n\n',
        ]);
        expect(results.at(-1)?.data).toMatchObject({ chatStream: { __typename: 'RunFinished' } });
        expect(results.flatMap(({ errors }) => errors ?? [])).toEqual([]);
      }
      expect(app.logged.filter((line) => /unexpected|writer failed/.test(line))).toEqual([]);
    },
    60_000,
  );

  test('a run has no more nodes than anybody could look at', async () => {
    const started = (at: number) => {
      const data = { id: `${at}`, node_id: `n${at}`, node_type: 'code', title: 'A node with a title', index: at };
      return `data: ${JSON.stringify({ event: 'node_started', task_id: 't', workflow_run_id: 'w', data })}\n\n`;
    };
    replies.set('nodes', [Array.from({ length: 100_000 }, (_, at) => started(at)).join('')]);
    const begun = performance.now();
    const ask =
      'mutation { chat(input: { query: "nodes", autoGenerateName: false }) { run { nodes { id } finishedAt } } }';
    const { chat } = (await app.query(ask)).data ?? {};
    expect(chat.run.finishedAt).toEqual(expect.any(String));
    expect(chat.run.nodes).toHaveLength(10_000);
    // When each told the names of all that were open, it took minutes and all memory.
    expect(performance.now() - begun).toBeLessThan(20_000);
  }, 60_000);
});

const ids = { app: 'assistant', name: 'assistant', conversationId: 'c', id: 'r' };
const reads = [
  AppDocument,
  ConversationsDocument,
  ConversationHistoryDocument,
  ConversationVariablesDocument,
  WorkflowLogsDocument,
  WorkflowRunRecordDocument,
  FeedbacksDocument,
  AnnotationsDocument,
];

describe('whatever Dify has kept', () => {
  test('it is told, or refused with a code', async () => {
    const records = fc.array(
      object.map((record) => ({ id: 'r', ...(record as object) })),
      { maxLength: 3 },
    );
    const lists = fc.record({ data: fc.oneof({ weight: 4, arbitrary: records }, value) }, { requiredKeys: [] });
    await fc.assert(
      fc.asyncProperty(object, lists, async (odd, listed) => {
        const answer = (exchange: Exchange) => {
          sendJson(exchange, 200, { mode: 'chat', id: 'r', ...(odd as object), ...listed });
        };
        const paths = `/info /parameters /meta /site /conversations /messages /conversations/c/variables
          /workflows/logs /workflows/run/r /app/feedbacks /apps/annotations`.split(/\s+/);
        await using app = await openFakeApp(Object.fromEntries(paths.map((path) => [path, answer])));
        const [described, ...others] = await Promise.all(reads.map((read) => app.query(print(read), ids)));
        expect(described?.data).toMatchObject({ app: { name: 'assistant' } });
        const codes = others.flatMap(({ errors }) => errors ?? []).map(({ extensions }) => extensions?.['code']);
        expect(codes.filter((code) => code === undefined || code === 'INTERNAL')).toEqual([]);
        expect(app.logged.filter((line) => line.includes('unexpected'))).toEqual([]);
      }),
      { numRuns: runs / 5, interruptAfterTimeLimit: 15_000 },
    );
  }, 60_000);
});
