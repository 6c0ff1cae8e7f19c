import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { now, piece } from './pieces.ts';
import { serve } from './serve.ts';

/** What every question is answered with from now on. */
export interface Script {
  readonly mode: 'flood' | 'paced' | 'first';
  /** After the first, which comes at once. */
  readonly events: number;
}

const pauseMs = 50;
const burst = 10;

// A recorded stream of a chat app (Dify 1.12.1), with another text.
const ids =
  '"conversation_id":"a529aa50-1b4f-43a7-a081-3a83c46bc510","message_id":"d2424220-6377-44da-95e2-d4b50c1a0c7f","created_at":1795329892,' +
  '"task_id":"b2dd8a66-c8c0-4000-ad77-1a68b5456376","id":"d2424220-6377-44da-95e2-d4b50c1a0c7f"';
const messageEnd = `data: {"event":"message_end",${ids},"metadata":{"annotation_reply":null,"retriever_resources":[],"usage":{"prompt_tokens":15,"prompt_unit_price":"0.15","prompt_price_unit":"0.000001","prompt_price":"0.0000022","completion_tokens":22,"completion_unit_price":"0.60","completion_price_unit":"0.000001","completion_price":"0.0000132","total_tokens":37,"total_price":"0.0000154","currency":"USD","latency":1.042928492000101,"time_to_first_token":0.0,"time_to_generate":0.328}},"files":null}\n\n`;

function message(index: number): string {
  return `data: {"event":"message",${ids},"answer":"${piece(index, now())}","from_variable_selector":null}\n\n`;
}

let script: Script = { mode: 'first', events: 0 };
/** Written before anybody asks. Only the stamps of a flood are wrong for that, and nobody reads them. */
let bursts: readonly Buffer[] = [];
/** Streams that have sent their first event and wait for `go`. */
let held: ServerResponse[] = [];

const server = createServer((request, response) => {
  request.resume();
  request.once('end', () => answer(request, response));
});
// As Dify's own server does.
server.keepAliveTimeout = 2_000;

function answer({ method, url }: IncomingMessage, response: ServerResponse): void {
  if (method === 'POST' && url === '/v1/chat-messages') return start(response);
  response.setHeader('content-type', 'application/json');
  const info = { name: 'bench', description: '', tags: [], mode: 'chat', author_name: 'bench' };
  response.end(JSON.stringify(url === '/v1/info' ? info : {}));
}

function start(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-version': '1.12.1' });
  response.write(message(0));
  if (script.mode !== 'first') held.push(response);
  // The end comes by itself, so that the first event is read alone.
  else setTimeout(() => response.end(messageEnd), 5);
}

function flood(response: ServerResponse, next = 0): void {
  const bytes = bursts[next];
  if (bytes === undefined) return void response.end(messageEnd);
  const go = () => flood(response, next + 1);
  if (response.write(bytes)) setImmediate(go);
  else response.once('drain', go);
}

function pace(response: ServerResponse): void {
  let index = 0;
  const timer = setInterval(() => {
    index += 1;
    if (index <= script.events) return void response.write(message(index));
    clearInterval(timer);
    response.end(messageEnd);
  }, pauseMs);
}

serve({
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  },
  play(next: Script) {
    script = next;
    bursts = Array.from({ length: Math.ceil(script.events / burst) }, (_, at) => {
      const size = Math.min(burst, script.events - at * burst);
      return Buffer.from(Array.from({ length: size }, (__, index) => message(at * burst + index + 1)).join(''));
    });
  },
  /** Streams go on in turn: paced ones evenly over the pause, since models do not speak in step. */
  go() {
    const all = held;
    held = [];
    for (const [turn, response] of all.entries()) {
      if (script.mode === 'flood') flood(response);
      else setTimeout(() => pace(response), (turn * pauseMs) / all.length);
    }
  },
});
