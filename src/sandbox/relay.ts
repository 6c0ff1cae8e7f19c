import type { ServerResponse } from 'node:http';
import { endOf, put } from './stream-writer.ts';
import type { Topic } from './topic.ts';

/** How one reply relays a topic. */
export interface RelayOptions {
  readonly pingMs: number;
  /** After so long without anything from the topic the reply ends (Dify: 300 s). */
  readonly idleMs: number;
  /** The events after which the reply ends; all others it survives, `error` and `message_end` included. */
  readonly endsOn: ReadonlySet<string>;
  /** Whether the worker's own pings are passed on. */
  readonly passesPings: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent before anything live, as a list of frames. */
  readonly first?: readonly string[];
}

/** The two events a relay closes on (§2.2). */
export const terminal: ReadonlySet<string> = new Set(['workflow_finished', 'workflow_paused']);

/**
 * Relays a topic to one client: a ping at once, whatever is said from now on, and pings while nothing is said. Resolves
 * when the reply is over.
 */
export async function relay(topic: Topic, response: ServerResponse, options: RelayOptions): Promise<void> {
  const { pingMs, idleMs, endsOn, passesPings, headers = {}, first = [] } = options;
  response.statusCode = 200;
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  let last = Promise.resolve();
  let silent = false;
  let over = false;
  const write = (text: string) => {
    if (!silent && !over) last = last.then(() => put(response, text));
  };
  const ping = setInterval(() => write('event: ping\n\n'), pingMs);
  const idle = setTimeout(() => !silent && end(), idleMs);
  const leave = topic.listen({
    hear: (frame, event) => {
      if (event === undefined && !passesPings) return;
      ping.refresh();
      idle.refresh();
      write(frame);
      if (event !== undefined && endsOn.has(event)) end();
    },
    silence: () => (silent = true),
    cut: () => {
      over = true;
      void last.then(() => response.socket?.resetAndDestroy());
    },
  });
  function end(): void {
    over = true;
    void last.then(() => response.end());
  }
  write('event: ping\n\n');
  for (const frame of first) write(frame);
  const lastFirst = first.at(-1);
  if (lastFirst !== undefined && endsOn.has(nameIn(lastFirst))) end();
  await endOf(response);
  clearInterval(ping);
  clearTimeout(idle);
  leave();
}

const nameIn = (frame: string) => (JSON.parse(frame.slice('data: '.length)) as { event: string }).event;
