import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { now, piece } from './pieces.ts';
import type { Script } from './script.ts';
import { serve } from './serve.ts';
import { ids, messageEnd, messagesPage, taskId, wholeAnswer } from './upstream-records.ts';

const burst = 10;

interface Held {
  readonly response: ServerResponse;
  readonly script: Script;
}

function message(index: number, pieces = 1): string {
  let text = '';
  for (let at = 0; at < pieces; at += 1) text += piece(index + at, now());
  return `data: {"event":"message",${ids},"answer":"${text}","from_variable_selector":null}\n\n`;
}

/** Written before they are needed. Only the stamps of a flood are wrong for that, and nobody reads them. */
const written = new Map<string, readonly Buffer[]>();
/** Streams that have sent their first event and wait, by cue. */
const held = new Map<string, Held[]>();
/** Streams that have sent everything but the end, and wait for that, by cue. */
const whole = new Map<string, ServerResponse[]>();
/** Cues whose streams need not wait for it any more. */
const ending = new Set<string>();
/** Silent streams, by task. */
const silent = new Map<string, { readonly response: ServerResponse; readonly cue: string }>();
/** When streams were let go, or stopped, by whoever had asked, by cue. */
const left = new Map<string, number[]>();

function add<Item>(lists: Map<string, Item[]>, cue: string, item: Item): void {
  const known = lists.get(cue);
  if (known) known.push(item);
  else lists.set(cue, [item]);
}

const server = createServer((request, response) => {
  const body: Buffer[] = [];
  request.on('data', (bytes: Buffer) => body.push(bytes));
  request.once('end', () => answer(request, response, Buffer.concat(body).toString()));
});
// As Dify's own server does.
server.keepAliveTimeout = 2_000;

function answer({ method, url = '' }: IncomingMessage, response: ServerResponse, body: string): void {
  const { pathname, searchParams } = new URL(url, 'http://upstream');
  if (method === 'POST' && pathname === '/v1/chat-messages') return ask(response, body);
  if (pathname.endsWith('/stop')) stop(pathname.split('/').at(-2) ?? '');
  response.setHeader('content-type', 'application/json');
  if (pathname === '/v1/messages') return void response.end(messagesPage(Number(searchParams.get('limit') ?? 20)));
  const info = { name: 'bench', description: '', tags: [], mode: 'chat', author_name: 'bench' };
  response.end(JSON.stringify(pathname === '/v1/info' ? info : {}));
}

function ask(response: ServerResponse, body: string): void {
  const { query, response_mode: mode } = JSON.parse(body) as {
    readonly query: string;
    readonly response_mode: string;
  };
  const script = JSON.parse(query) as Script;
  if (mode !== 'blocking') return start(response, script);
  response.setHeader('content-type', 'application/json');
  later(script.pauseMs, () => response.end(wholeAnswer));
}

function later(ms: number | undefined, then: () => void): void {
  if (ms) setTimeout(then, ms);
  else then();
}

function leave(cue: string): void {
  add(left, cue, now());
}

/** As Dify does it: the stream ends. */
function stop(task: string): void {
  const stopped = silent.get(task);
  if (!stopped || !silent.delete(task)) return;
  leave(stopped.cue);
  stopped.response.end(messageEnd.replace(taskId, task));
}

function start(response: ServerResponse, script: Script): void {
  const { mode, cue = '', events, pieces } = script;
  response.once('close', () => {
    if (!response.writableFinished) leave(cue);
  });
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-version': '1.12.1' });
  if (mode === 'whole') return later(script.pauseMs, () => response.end(message(0) + messageEnd));
  if (mode === 'silent') {
    const task = randomUUID();
    silent.set(task, { response, cue });
    return void response.write(message(0).replace(taskId, task));
  }
  response.write(message(0));
  // The end comes by itself, so that the first event is read alone.
  if (mode === 'first') setTimeout(() => response.end(messageEnd), 5);
  if (mode === 'flood') write(events, pieces);
  if (mode === 'flood' || mode === 'paced') add(held, cue, { response, script });
}

function write(events: number, pieces = 1): readonly Buffer[] {
  const key = `${events} ${pieces}`;
  const known = written.get(key);
  if (known) return known;
  const all = Array.from({ length: Math.ceil(events / burst) }, (_, at) => {
    const size = Math.min(burst, events - at * burst);
    const texts = Array.from({ length: size }, (__, one) => message((at * burst + one) * pieces + 1, pieces));
    return Buffer.from(texts.join(''));
  });
  written.set(key, all);
  return all;
}

function end(response: ServerResponse, { holdsEnd, cue = '' }: Script): void {
  if (holdsEnd && !ending.has(cue)) add(whole, cue, response);
  else response.end(messageEnd);
}

function flood({ response, script }: Held, bursts: readonly Buffer[], next = 0): void {
  const bytes = bursts[next];
  if (response.destroyed) return;
  if (bytes === undefined) return end(response, script);
  const go = () => flood({ response, script }, bursts, next + 1);
  if (response.write(bytes)) setImmediate(go);
  else response.once('drain', go);
}

function pace({ response, script }: Held): void {
  const { events, pauseMs = 50 } = script;
  let index = 0;
  const timer = setInterval(() => {
    index += 1;
    if (index <= events && !response.destroyed) return void response.write(message(index));
    clearInterval(timer);
    end(response, script);
  }, pauseMs);
}

serve({
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4_096, resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  },
  /** Streams go on in turn: paced ones evenly over the pause, since models do not speak in step. */
  go(cue: string) {
    const all = held.get(cue) ?? [];
    held.delete(cue);
    ending.delete(cue);
    for (const [turn, stream] of all.entries()) {
      const { mode, events, pieces, pauseMs = 50 } = stream.script;
      if (mode === 'flood') flood(stream, write(events, pieces));
      else setTimeout(() => pace(stream), (turn * pauseMs) / all.length);
    }
  },
  /** Of those that wait for it. */
  end(cue: string) {
    for (const response of whole.get(cue) ?? []) response.end(messageEnd);
    whole.delete(cue);
    ending.add(cue);
  },
  /** When each of a cue's streams was stopped, or let go before its end, on the clock of `now()`. */
  left(cue: string): readonly number[] {
    return left.get(cue) ?? [];
  },
});
