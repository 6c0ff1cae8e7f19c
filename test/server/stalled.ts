import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { WebSocket } from 'ws';
import type { Data } from '../rig.ts';

/** A reader of a run that reads nothing until it is told to. */
export interface Stalled extends AsyncDisposable {
  /** Reads to the end: all events. */
  read(): Promise<Data[]>;
}

/** Opens one at a door: `url` is GraphQL's. */
export type Stall = (url: string, runId: string) => Promise<Stalled>;

const query = `subscription ($id: ID!) { runEvents(runId: $id, after: 0) {
  __typename seq
  ... on TextDelta { offset text }
  ... on NodeChanged { node { nodeId status outputs } }
  ... on RunFinished { status }
} }`;

const webSocket: Stall = async (url, runId) => {
  const ws = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
  await once(ws, 'open');
  ws.send('{"type":"connection_init"}');
  await once(ws, 'message');
  ws.pause();
  ws.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { id: runId } } }));
  return {
    async read() {
      const events: Data[] = [];
      const over = new Promise<void>((resolve, reject) => {
        ws.on('message', (data: Buffer) => {
          const { type, payload } = JSON.parse(data.toString()) as Data;
          if (type === 'complete') resolve();
          else if (type === 'next') events.push(payload.data.runEvents as Data);
        });
        ws.once('close', (code) => reject(new Error(`closed with ${code}`)));
      });
      ws.resume();
      await over;
      return events;
    },
    [Symbol.asyncDispose]: async () => ws.terminate(),
  };
};

const sse: Stall = async (url, runId) => {
  const request = http.request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
  });
  request.end(JSON.stringify({ query, variables: { id: runId } }));
  return stalledStream(request, (data) => (data === '' ? undefined : (JSON.parse(data) as Data)['data'].runEvents));
};

const runEvents: Stall = async (url, runId) =>
  stalledStream(http.get(new URL(`/runs/${runId}/events?after=0`, url)), (data) => JSON.parse(data) as Data);

async function stalledStream(
  request: http.ClientRequest,
  eventIn: (data: string) => Data | undefined,
): Promise<Stalled> {
  request.on('error', () => {});
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return {
    async read() {
      const events: Data[] = [];
      const parser = createParser({
        onEvent: ({ data }) => {
          const event = eventIn(data);
          if (event) events.push(event);
        },
      });
      for await (const piece of response.setEncoding('utf8')) parser.feed(piece as string);
      return events;
    },
    [Symbol.asyncDispose]: async () => void request.destroy(),
  };
}

export const stallAt: Readonly<Record<string, Stall>> = {
  'a WebSocket': webSocket,
  SSE: sse,
  '/runs/{id}/events': runEvents,
};
