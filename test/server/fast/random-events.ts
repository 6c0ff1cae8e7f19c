import fc from 'fast-check';
import type { Draft } from '../../../src/runs/run-event.ts';

/** Text with what JSON and UTF-8 make difficult: quotes, controls, half characters, line separators. */
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('', 'Grüße 👋', '\ud83d', '"\\/\b\f\n\r\t\0', '\u2028\u2029\ufeff', '<script>', 'ÿ'.repeat(300)),
);
const maybe = <T>(told: fc.Arbitrary<T>) => fc.option(told, { nil: null });
const json = fc.jsonValue({ maxDepth: 3 });
const object = fc.dictionary(fc.string({ maxLength: 4 }), json, { maxKeys: 4 }) as fc.Arbitrary<
  Record<string, unknown>
>;
const count = fc.nat(2_000_000);
/** One in many is no GraphQL Int. */
const tokens = fc.oneof({ weight: 9, arbitrary: count }, { weight: 1, arbitrary: fc.constant(3_000_000_000) });
const seconds = fc.double({ min: 0, max: 1e6, noNaN: true });
const epoch = fc.integer({ min: 0, max: 2_000_000_000 });
const settledBy = fc.constantFrom('STREAM', 'RUN_RECORD', 'HISTORY', 'WATCHDOG');

const usage = fc.record({
  promptTokens: maybe(tokens),
  completionTokens: maybe(tokens),
  totalTokens: tokens,
  totalPrice: maybe(fc.constantFrom('0.0000006', '12', '0')),
  currency: maybe(fc.constant('USD')),
  latencySeconds: maybe(seconds),
  source: fc.constantFrom('FINAL_EVENT', 'NODE_SUM', 'RUN_RECORD'),
});
const node = fc.record({
  id: text,
  nodeId: text,
  type: fc.constantFrom('llm', 'code', 'iteration'),
  title: text,
  index: count,
  status: fc.constantFrom('RUNNING', 'SUCCEEDED', 'FAILED', 'EXCEPTION', 'RETRYING', 'PAUSED', 'STOPPED'),
  startedAt: maybe(epoch),
  finishedAt: maybe(epoch),
  elapsedSeconds: maybe(seconds),
  error: maybe(text),
  usage: maybe(usage),
  parentNodeId: maybe(text),
  round: maybe(count),
  retries: count,
  inputs: maybe(json),
  outputs: maybe(json),
});
const progress = fc.record({
  started: count,
  finished: count,
  failed: count,
  current: fc.array(text, { maxLength: 3 }),
});
const file = fc.record({
  id: fc.uuid(),
  type: fc.constantFrom('image', 'document', 'strange'),
  name: maybe(text),
  mimeType: maybe(fc.constant('image/png')),
  size: maybe(tokens),
  fromUser: fc.boolean(),
  uploadId: maybe(fc.uuid()),
  sourceUrl: maybe(fc.constantFrom('https://example.org/a.png', '/files/a/file-preview?timestamp=1&nonce=2&sign=3')),
  remote: fc.boolean(),
});
const step = fc.record({
  id: text,
  position: count,
  thought: maybe(text),
  tool: maybe(fc.constantFrom('search', 'a;b')),
  toolLabels: object,
  toolInput: maybe(json),
  observation: maybe(text),
  files: fc.array(text, { maxLength: 2 }),
});
const form = fc.record({
  id: fc.uuid(),
  nodeId: text,
  title: text,
  content: text,
  fields: fc.array(
    fc.record({
      name: text,
      type: fc.constantFrom('paragraph', 'select', 'file', 'file-list', 'other'),
      default: maybe(json),
      options: maybe(fc.array(text, { maxLength: 2 })),
    }),
    { maxLength: 2 },
  ),
  actions: fc.array(fc.record({ id: text, title: text, style: maybe(text) }), { maxLength: 2 }),
  expiresAt: maybe(epoch),
  token: maybe(text),
});
const error = fc.record({
  code: fc.constantFrom('UPSTREAM_ERROR', 'STREAM_INTERRUPTED', 'NO_SUCH_CODE'),
  message: text,
  retryable: fc.boolean(),
  retryAfterMs: maybe(count),
  difyCode: maybe(text),
  difyStatus: maybe(count),
  nodeId: maybe(text),
});
const id = maybe(fc.uuid());
const event = <T extends string>(type: T, fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ type: fc.constant(type), ...fields });

/** Of every type but the last. Codes and counts that GraphQL cannot tell are among them. */
const draft = fc.oneof(
  event('RunQueued', { position: count }),
  event('RunStarted', { conversationId: id, messageId: id, taskId: id, workflowRunId: id }),
  event('TextDelta', { offset: fc.constant(0), text, source: maybe(fc.array(text, { maxLength: 2 })) }),
  event('TextReplaced', { text, reason: maybe(text) }),
  event('ReasoningDelta', { offset: fc.constant(0), text, nodeId: maybe(text) }),
  event('AgentStepChanged', { step }),
  event('AgentLogged', {
    id: text,
    parentId: maybe(text),
    nodeId: maybe(text),
    label: text,
    status: text,
    error: maybe(text),
    data: maybe(json),
  }),
  event('NodeChanged', { node, progress }),
  event('RoundStarted', { nodeId: text, title: text, round: count }),
  event('FileProduced', { file }),
  event('AudioChunk', { base64: fc.base64String({ maxLength: 8 }), final: fc.boolean() }),
  event('RunPaused', { forms: fc.array(form, { maxLength: 2 }) }),
  event('RunResumed', { formId: id, action: maybe(text), timedOut: fc.boolean() }),
  event('UpstreamRecovered', { by: settledBy, lostDetail: fc.boolean() }),
  event('UnknownEvent', { name: text, data: object }),
);
const last = event('RunFinished', {
  status: fc.constantFrom('SUCCEEDED', 'PARTIAL_SUCCEEDED', 'FAILED', 'STOPPED', 'UNKNOWN'),
  error: maybe(error),
  settledBy,
  usage: maybe(usage),
  outputs: maybe(object),
  citations: fc.constant([]),
  rawText: maybe(text),
});

/** What happens to a run, to its end. */
export const randomEvents = fc
  .tuple(fc.array(draft, { minLength: 20, maxLength: 40 }), last)
  .map(([events, end]) => [...events, end] as unknown as readonly Draft[]);
