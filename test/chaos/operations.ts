import { fields } from './event.ts';
import type { Question } from './question.ts';

const streams = {
  chat: `subscription ($input: ChatInput!, $options: StreamOptions) { chatStream(input: $input, options: $options) { ${fields} } }`,
  workflow: `subscription ($input: RunWorkflowInput!, $options: StreamOptions) { workflowStream(input: $input, options: $options) { ${fields} } }`,
  run: `subscription ($runId: ID!, $after: Int, $options: StreamOptions) { runEvents(runId: $runId, after: $after, options: $options) { ${fields} } }`,
};

const answer = 'deduplicated complete run { id status lastSeq error { code message } }';

function inputOf({ app, query, key, conversationId }: Question, onBusy: 'REJECT' | 'QUEUE'): object {
  if (app === 'summarize') return { app, idempotencyKey: key, inputs: { text: query, sentences: 2, tone: 'neutral' } };
  const conversation = conversationId === null ? {} : { conversationId, onBusy };
  return { app, query, idempotencyKey: key, autoGenerateName: false, ...conversation };
}

export function stream(question: Question, options: object = {}, onBusy: 'REJECT' | 'QUEUE' = 'QUEUE') {
  const query = question.app === 'summarize' ? streams.workflow : streams.chat;
  return { query, variables: { input: inputOf(question, onBusy), options } };
}

/** Asks, and waits for the end for so long. */
export function mutation(question: Question, waitMs: number) {
  const input = { ...inputOf(question, 'QUEUE'), waitMs };
  const isWorkflow = question.app === 'summarize';
  return {
    query: isWorkflow
      ? `mutation ($input: RunWorkflowInput!) { asked: runWorkflow(input: $input) { ${answer} } }`
      : `mutation ($input: ChatInput!) { asked: chat(input: $input) { answer ${answer} } }`,
    variables: { input },
  };
}

/** What `mutation` is answered. */
export interface Asked {
  readonly asked: {
    readonly answer?: string;
    readonly complete: boolean;
    readonly run: { readonly id: string; readonly status: string };
  };
}

export function events(runId: string, after: number | null, options: object = {}) {
  return { query: streams.run, variables: { runId, after, options } };
}

export function stop(runId: string) {
  return {
    query: 'mutation ($runId: ID!) { stopRun(runId: $runId, waitMs: 8000) { confirmed run { status } } }',
    variables: { runId },
  };
}
