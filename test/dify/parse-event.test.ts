import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEvent } from '../../src/dify/parse-event.ts';
import type { Envelope, WireEvent } from '../../src/dify/wire-event.ts';

const none: Envelope = { taskId: null, conversationId: null, messageId: null, workflowRunId: null };
const chat = { conversation_id: 'c', message_id: 'm', created_at: 7, task_id: 't' };
const chatEnvelope: Envelope = { taskId: 't', conversationId: 'c', messageId: 'm', workflowRunId: null };
const flow = { workflow_run_id: 'r', task_id: 't' };
const flowEnvelope: Envelope = { taskId: 't', conversationId: null, messageId: null, workflowRunId: 'r' };

/** Frame → event; `event` is the same in both but where it is given. */
const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, WireEvent])[] = [
  [
    'message',
    { ...chat, id: 'm', answer: 'a', from_variable_selector: [] },
    { event: 'message', ...chatEnvelope, answer: 'a', createdAt: 7, source: null },
  ],
  [
    'message',
    { message_id: 'm', answer: 'a', from_variable_selector: ['n', 'text'] },
    { event: 'message', ...none, messageId: 'm', answer: 'a', createdAt: null, source: ['n', 'text'] },
  ],
  ['agent_message', { ...chat, answer: 'a' }, { event: 'agent_message', ...chatEnvelope, answer: 'a', createdAt: 7 }],
  [
    'agent_thought',
    {
      ...chat,
      id: 'th',
      position: 1,
      thought: 'hm',
      observation: '{"x": "y"}',
      tool: 'x',
      tool_labels: { x: { en_US: 'X' } },
      tool_input: '{}',
      message_files: ['f'],
    },
    {
      event: 'agent_thought',
      ...chatEnvelope,
      id: 'th',
      position: 1,
      thought: 'hm',
      observation: '{"x": "y"}',
      tool: 'x',
      toolLabels: { x: { en_US: 'X' } },
      toolInput: '{}',
      files: ['f'],
    },
  ],
  [
    'message_file',
    { ...chat, id: 'f', type: 'image', belongs_to: 'assistant', url: '/files/f.png' },
    { event: 'message_file', ...chatEnvelope, id: 'f', type: 'image', belongsTo: 'assistant', url: '/files/f.png' },
  ],
  [
    'message_replace',
    { ...chat, answer: 'b', reason: 'output_moderation' },
    { event: 'message_replace', ...chatEnvelope, answer: 'b', reason: 'output_moderation' },
  ],
  [
    'message_end',
    {
      ...chat,
      metadata: {
        annotation_reply: null,
        retriever_resources: [
          { position: 1, dataset_name: 'd', document_id: 'o', segment_id: 's', score: 0.5, content: 'k' },
        ],
        usage: {
          prompt_tokens: 3,
          completion_tokens: 1,
          total_tokens: 4,
          total_price: '6E-7',
          currency: 'USD',
          latency: 1.5,
        },
        reasoning: { n: 'because' },
      },
      files: [{ related_id: 'f', filename: 'a.txt', mime_type: 'text/plain', size: 3, type: 'document', url: 'u' }],
    },
    {
      event: 'message_end',
      ...chatEnvelope,
      usage: {
        promptTokens: 3,
        completionTokens: 1,
        totalTokens: 4,
        totalPrice: '0.0000006',
        currency: 'USD',
        latency: 1.5,
      },
      citations: [
        {
          position: 1,
          datasetId: null,
          datasetName: 'd',
          documentId: 'o',
          documentName: null,
          segmentId: 's',
          score: 0.5,
          content: 'k',
        },
      ],
      files: [
        {
          id: 'f',
          type: 'document',
          name: 'a.txt',
          mimeType: 'text/plain',
          size: 3,
          belongsTo: null,
          transferMethod: null,
          uploadId: null,
          url: 'u',
        },
      ],
      reasoning: { n: 'because' },
    },
  ],
  ['tts_message', { ...chat, audio: 'QQ==' }, { event: 'tts_message', ...chatEnvelope, audio: 'QQ==' }],
  ['tts_message_end', { ...chat, audio: '' }, { event: 'tts_message_end', ...chatEnvelope, audio: '' }],
  [
    'error',
    { message_id: 'm', code: 'rate_limit_error', status: 429, message: 'slow' },
    { event: 'error', ...none, messageId: 'm', code: 'rate_limit_error', status: 429, message: 'slow' },
  ],
  [
    'error',
    { message: 'topic is required in input form', status: 500 },
    { event: 'error', ...none, code: null, status: 500, message: 'topic is required in input form' },
  ],
  [
    'workflow_started',
    { ...flow, data: { id: 'r', workflow_id: 'w', inputs: { 'sys.files': [] }, created_at: 7, reason: 'initial' } },
    {
      event: 'workflow_started',
      ...flowEnvelope,
      workflowId: 'w',
      inputs: { 'sys.files': [] },
      createdAt: 7,
      reason: 'initial',
    },
  ],
  [
    'workflow_finished',
    {
      ...flow,
      data: {
        id: 'r',
        workflow_id: 'w',
        status: 'partial-succeeded',
        outputs: { a: 1 },
        error: null,
        elapsed_time: 0.5,
        total_tokens: 4,
        total_steps: 3,
        created_by: {},
        created_at: 7,
        finished_at: 8,
        exceptions_count: 1,
        files: [
          {
            dify_model_identity: '__dify__file__',
            id: null,
            related_id: 'f',
            type: 'image',
            size: -1,
            remote_url: 'u',
          },
        ],
      },
    },
    {
      event: 'workflow_finished',
      ...flowEnvelope,
      workflowId: 'w',
      status: 'partial-succeeded',
      outputs: { a: 1 },
      error: null,
      elapsedTime: 0.5,
      totalTokens: 4,
      totalSteps: 3,
      createdAt: 7,
      finishedAt: 8,
      exceptionsCount: 1,
      files: [
        {
          id: 'f',
          type: 'image',
          name: null,
          mimeType: null,
          size: null,
          belongsTo: null,
          transferMethod: null,
          uploadId: null,
          url: 'u',
        },
      ],
    },
  ],
  [
    'workflow_paused',
    { task_id: 't', data: { workflow_run_id: 'r', reasons: [{ TYPE: 'human_input_required', form_id: 'f' }] } },
    { event: 'workflow_paused', ...flowEnvelope, reasons: [{ TYPE: 'human_input_required', form_id: 'f' }] },
  ],
  ...(['human_input_required', 'human_input_form_filled', 'human_input_form_timeout'] as const).map(
    (event) =>
      [event, { ...flow, data: { node_id: 'n' } }, { event, ...flowEnvelope, data: { node_id: 'n' } }] as const,
  ),
  [
    'node_started',
    {
      ...flow,
      data: {
        id: 'e',
        node_id: 'n',
        node_type: 'llm',
        title: 'T',
        index: 1,
        inputs: null,
        created_at: 7,
        parallel_id: 'old',
      },
    },
    {
      event: 'node_started',
      ...flowEnvelope,
      id: 'e',
      nodeId: 'n',
      nodeType: 'llm',
      title: 'T',
      index: 1,
      status: 'running',
      inputs: null,
      outputs: null,
      error: null,
      elapsedTime: null,
      totalTokens: null,
      totalPrice: null,
      currency: null,
      iterationId: null,
      iterationIndex: null,
      loopId: null,
      loopIndex: null,
      createdAt: 7,
      finishedAt: null,
      retryIndex: null,
    },
  ],
  ...(['node_finished', 'node_retry'] as const).map(
    (event) =>
      [
        event,
        {
          ...flow,
          data: {
            id: 'e',
            node_id: 'n',
            node_type: 'http-request',
            title: 'T',
            index: 1,
            inputs: { a: 1 },
            outputs: { b: 2 },
            status: event === 'node_retry' ? 'retry' : 'failed',
            error: 'no',
            elapsed_time: 1.5,
            execution_metadata: {
              total_tokens: 4,
              total_price: 6e-7,
              currency: 'USD',
              iteration_id: 'it',
              iteration_index: 0,
              loop_id: 'lo',
              loop_index: 1,
            },
            created_at: 7,
            finished_at: 8,
            iteration_id: null,
            retry_index: 2,
          },
        },
        {
          event,
          ...flowEnvelope,
          id: 'e',
          nodeId: 'n',
          nodeType: 'http-request',
          title: 'T',
          index: 1,
          status: event === 'node_retry' ? 'retry' : 'failed',
          inputs: { a: 1 },
          outputs: { b: 2 },
          error: 'no',
          elapsedTime: 1.5,
          totalTokens: 4,
          totalPrice: '0.0000006',
          currency: 'USD',
          iterationId: 'it',
          iterationIndex: 0,
          loopId: 'lo',
          loopIndex: 1,
          createdAt: 7,
          finishedAt: 8,
          retryIndex: event === 'node_retry' ? 2 : null,
        },
      ] as const,
  ),
  ...(['iteration_started', 'loop_started', 'iteration_completed', 'loop_completed'] as const).map(
    (event) =>
      [
        event,
        {
          ...flow,
          data: {
            id: 'n',
            node_id: 'n',
            node_type: 'loop',
            title: 'T',
            inputs: { counter: 0 },
            outputs: { loop_round: 2 },
            status: 'failed',
            error: null,
            elapsed_time: 1,
            total_tokens: 0,
            created_at: 7,
            finished_at: 8,
          },
        },
        {
          event,
          ...flowEnvelope,
          nodeId: 'n',
          nodeType: 'loop',
          title: 'T',
          status: event.endsWith('started') ? 'running' : 'failed',
          inputs: { counter: 0 },
          outputs: { loop_round: 2 },
          error: null,
          elapsedTime: 1,
          totalTokens: 0,
          createdAt: 7,
          finishedAt: 8,
        },
      ] as const,
  ),
  ...(['iteration_next', 'loop_next'] as const).map(
    (event) =>
      [
        event,
        { ...flow, data: { id: 'n', title: 'T', index: 2 } },
        { event, ...flowEnvelope, nodeId: 'n', title: 'T', index: 2 },
      ] as const,
  ),
  [
    'text_chunk',
    { ...flow, data: { text: 'a', from_variable_selector: ['n', 'text'] } },
    { event: 'text_chunk', ...flowEnvelope, text: 'a', source: ['n', 'text'] },
  ],
  ['text_replace', { ...flow, data: { text: 'b' } }, { event: 'text_replace', ...flowEnvelope, text: 'b' }],
  [
    'reasoning_chunk',
    { ...flow, data: { message_id: null, reasoning: 'hm', node_id: 'n', is_final: true } },
    { event: 'reasoning_chunk', ...flowEnvelope, reasoning: 'hm', nodeId: 'n', final: true },
  ],
  [
    'agent_log',
    {
      ...chat,
      data: { id: 'l', label: 'CALL', parent_id: 'p', error: null, status: 'start', data: { x: 1 }, node_id: 'n' },
    },
    {
      event: 'agent_log',
      ...chatEnvelope,
      id: 'l',
      parentId: 'p',
      nodeId: 'n',
      label: 'CALL',
      status: 'start',
      error: null,
      data: { x: 1 },
    },
  ],
];

const names = [...new Set(cases.map(([name]) => name))];

describe('parseEvent', () => {
  it.each(cases)('%s has all its members', (event, frame, expected) => {
    expect(parseEvent(event, { event, ...frame })).toEqual(expected);
  });

  it('C28 accepts a replacement without a reason', () => {
    expect(parseEvent('message_replace', { answer: 'x' })).toMatchObject({ answer: 'x', reason: null });
  });

  it('C29 makes a message of a file event that carries text, and a file of one that does not', () => {
    expect(parseEvent('message_file', { id: 'f', url: 'u' })).toMatchObject({ event: 'message_file', url: 'u' });
    expect(parseEvent('message_file', { id: 'm', answer: 't' })).toMatchObject({ event: 'message', answer: 't' });
  });

  it('C31 accepts a thought that is all null', () => {
    const nulls = {
      id: 'x',
      position: null,
      thought: null,
      observation: null,
      tool: null,
      tool_input: null,
      message_files: null,
    };
    expect(parseEvent('agent_thought', { ...nulls, tool_labels: null })).toMatchObject({
      thought: '',
      tool: '',
      files: [],
    });
  });

  it('C64 accepts a run id that is not known yet', () => {
    expect(parseEvent('text_chunk', { workflow_run_id: null, data: { text: 'a' } })).toMatchObject({
      workflowRunId: null,
    });
  });

  it('C67 hands on an event that is not known, with everything in it', () => {
    const frame = { event: 'foo_bar', task_id: 't', data: { x: 1 } };
    expect(parseEvent('foo_bar', frame)).toEqual({
      event: 'unknown',
      ...none,
      taskId: 't',
      name: 'foo_bar',
      data: frame,
    });
  });

  it('C68 ignores members that are not known', () => {
    const plain = parseEvent('message', { answer: 'a' });
    expect(parseEvent('message', { answer: 'a', foo: { bar: 1 } })).toEqual(plain);
  });

  it.each([
    {},
    { metadata: null },
    { metadata: {} },
    { metadata: { usage: null, retriever_resources: null }, files: null },
  ])('C87 makes an end without usage of %j', (frame) => {
    const end = { event: 'message_end', ...none, usage: null, citations: [], files: [], reasoning: {} };
    expect(parseEvent('message_end', frame)).toEqual(end);
  });

  it('reads numbers in quotes', () => {
    const data = { elapsed_time: '0.5', total_tokens: '12', total_steps: 'many' };
    expect(parseEvent('workflow_finished', { data })).toMatchObject({
      elapsedTime: 0.5,
      totalTokens: 12,
      totalSteps: 0,
    });
  });

  it.each(names)('%s survives any members', (name) => {
    const shape = Object.assign({}, ...cases.filter(([event]) => event === name).map(([, frame]) => frame)) as object;
    const members = fc.record(Object.fromEntries(Object.keys(shape).map((key) => [key, fc.jsonValue()])), {
      requiredKeys: [],
    });
    fc.assert(
      fc.property(members, (frame) => {
        const { event, ...rest } = parseEvent(name, frame);
        expect([name, 'message']).toContain(event);
        expect(Object.values(rest)).not.toContain(undefined);
      }),
    );
  });
});
