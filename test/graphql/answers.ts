import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from 'graphql-ws';
import { expect } from 'vitest';
import type { Data, Rig } from '../rig.ts';

type Result = ExecutionResult<Data, Record<string, unknown>>;

/** The data of an operation that worked. */
export function dataOf(result: Result): Data {
  expect(result.errors).toBeUndefined();
  return result.data ?? {};
}

/** The codes of the errors of an operation. */
export function codesOf(result: Result): unknown[] {
  return (result.errors ?? []).map(({ extensions }) => extensions?.['code']);
}

/** The events of a subscription's results. */
export function eventsOf(results: readonly Result[], field: string): Data[] {
  return results.map((result) => dataOf(result)[field] as Data);
}

/** The names of the events, runs of the same name as one. */
export function outlineOf(events: readonly Data[]): string[] {
  return events.map(({ __typename }) => String(__typename)).filter((name, index, all) => name !== all[index - 1]);
}

/** An answer that Dify does not finish by itself. */
export interface Held {
  readonly conversationId: string;
  readonly messageId: string;
  /** What it says before it pauses, and all that it says. */
  readonly begun: string;
  readonly whole: string;
  /** Lets it come to its end. */
  release(): void;
}

/** The next answer of a chat app says “Hal”, and “lo!” when it is released. */
export function holdAnswer({ sandbox }: Rig, app = 'assistant'): Held {
  const { promise, resolve } = Promise.withResolvers<void>();
  const conversationId = randomUUID();
  const messageId = randomUUID();
  const taskId = randomUUID();
  const frame = (event: string, more: object) =>
    `data: ${JSON.stringify({ event, conversation_id: conversationId, message_id: messageId, created_at: 1, task_id: taskId, ...more })}\n\n`;
  sandbox.script(app, {
    steps: [
      { write: frame('message', { answer: 'Hal' }) },
      { until: promise },
      { write: frame('message', { answer: 'lo!' }) },
      { write: frame('message_end', { metadata: {} }) },
    ],
  });
  return { conversationId, messageId, begun: 'Hal', whole: 'Hallo!', release: resolve };
}

/** Asks and does not wait: the id of a run that says what `holdAnswer` laid out, or goes on by itself. */
export async function startRun(rig: Rig, query = 'Hello?', user?: string): Promise<string> {
  const started = await rig.query(
    `mutation ($query: String!) { chat(input: { query: $query, waitMs: 0, autoGenerateName: false }) { run { id } } }`,
    { query },
    user,
  );
  return dataOf(started)['chat'].run.id as string;
}

/** Asks and waits: the id of a run that has ended. */
export async function endedRun(rig: Rig, query = '!echo Hello', user?: string): Promise<string> {
  const asked = await rig.query(
    `mutation ($query: String!) { chat(input: { query: $query, autoGenerateName: false }) { complete run { id } } }`,
    { query },
    user,
  );
  expect(dataOf(asked)['chat'].complete).toBe(true);
  return dataOf(asked)['chat'].run.id as string;
}
