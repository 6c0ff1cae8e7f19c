import type { ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { endOf, put } from './stream-writer.ts';

/** A reply that a test dictates. Without `status` it is 200, without headers an event stream. */
export interface ScriptedReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly steps: readonly ScriptStep[];
}

/**
 * `write` is one socket write; the first one takes the headers along, an empty one sends only them. `hang` sends nothing
 * more until the peer goes away, `reset` breaks the connection. After the last step the reply ends normally.
 */
export type ScriptStep =
  | { readonly write: string | Uint8Array }
  | { readonly waitMs: number }
  | { readonly until: Promise<unknown> }
  | { readonly hang: true }
  | { readonly reset: true };

/** The replies that tests have laid out, by app; each is used once. */
export class Scripts {
  readonly #queues = new Map<string, ScriptedReply[]>();

  add(app: string, reply: ScriptedReply): void {
    this.#queues.set(app, [...(this.#queues.get(app) ?? []), reply]);
  }

  take(app: string): ScriptedReply | undefined {
    return this.#queues.get(app)?.shift();
  }
}

/** Plays a script to its end, or until the peer is gone. */
export async function playScript(response: ServerResponse, script: ScriptedReply): Promise<void> {
  const over = new AbortController();
  const gone = endOf(response).then(() => over.abort());
  response.statusCode = script.status ?? 200;
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  for (const [name, value] of Object.entries(script.headers ?? {})) response.setHeader(name, value);
  for (const step of script.steps) {
    if (over.signal.aborted) return;
    if ('write' in step) await (step.write.length === 0 ? response.flushHeaders() : put(response, step.write));
    else if ('waitMs' in step) await setTimeout(step.waitMs, undefined, { signal: over.signal }).catch(() => undefined);
    else if ('until' in step) await Promise.race([step.until, gone]);
    else if ('hang' in step) await gone;
    else response.socket?.resetAndDestroy();
  }
  if (!over.signal.aborted) response.end();
}
