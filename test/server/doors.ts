import { createParser } from 'eventsource-parser';
import type { ExecutionResult } from 'graphql-ws';
import type { Data, Rig } from '../rig.ts';

type Result = ExecutionResult<Data, Record<string, unknown>>;

export interface Operation {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
  readonly extensions?: Record<string, unknown>;
}

/** One way into the server: all results of an operation, errors before any result as a result of their own. */
export type Door = (rig: Rig, operation: Operation, user?: string) => Promise<Result[]>;

export function post(
  rig: Pick<Rig, 'url'>,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(rig.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

const named = (user: string | undefined) => (user === undefined ? {} : { 'x-user': user });

const http: Door = async (rig, operation, user) => {
  const response = await post(rig, operation, { accept: 'application/json', ...named(user) });
  return [(await response.json()) as Result];
};

const sse: Door = async (rig, operation, user) => {
  const response = await post(rig, operation, { accept: 'text/event-stream', ...named(user) });
  return resultsIn(await response.text());
};

const webSocket: Door = async (rig, operation, user) => {
  const client = rig.client(user === undefined ? {} : { connectionParams: { user } });
  const results: Result[] = [];
  try {
    for await (const result of client.iterate<Data, Record<string, unknown>>({ ...operation }))
      results.push(result as Result);
  } catch (errors) {
    if (!Array.isArray(errors)) throw errors;
    results.push({ errors } as Result);
  }
  await client.dispose();
  return results;
};

/** The doors for a query or a mutation, and those for a subscription. */
export const doors: Readonly<Record<string, Door>> = { HTTP: http, SSE: sse, WebSocket: webSocket };
export const streamingDoors: Readonly<Record<string, Door>> = { SSE: sse, WebSocket: webSocket };

export function resultsIn(text: string): Result[] {
  const results: Result[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === 'next') results.push(JSON.parse(data) as Result);
    },
  });
  parser.feed(text);
  return results;
}
