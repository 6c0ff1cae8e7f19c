import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { elapsed } from '../runs/wait.ts';
import { at } from './deadline.ts';

/** How long a client may read nothing of what waits for it, in ms: then it is cut off, and may come again. */
export const STALLED_MS = 60_000;

/** The responses that are event streams, of both kinds: GraphQL's and those of runs. Some have no end of their own. */
export class EventStreams {
  readonly #open = new Map<ServerResponse, Readable>();
  readonly #stalledMs: number;
  #idle = (): void => {};

  constructor(stalledMs: number = STALLED_MS) {
    this.#stalledMs = stalledMs;
  }

  /** From when a stream is piped into it. Its beats keep it alive, unless they cannot be sent: Node tells that from sending slowly. */
  watch(response: ServerResponse): void {
    response.once('pipe', (stream: Readable) => {
      this.#open.set(response, stream);
      response.setTimeout(this.#stalledMs, () => response.destroy());
      // What has begun can only be broken off.
      stream.once('error', () => response.destroy());
      response.once('close', () => {
        stream.destroy();
        this.#open.delete(response);
        if (this.#open.size === 0) this.#idle();
      });
    });
  }

  /** Ends it then without a word, if it is a stream that goes on: its client comes again, with new credentials. */
  endAt(response: ServerResponse, time: number): void {
    response.once(
      'close',
      at(time, () => this.#end(response)),
    );
  }

  /** Ends those that do not end by themselves within `catchUpMs`. They tell of no end: their clients go on with another server. */
  async close(catchUpMs: number): Promise<void> {
    if (this.#open.size > 0) await elapsed(catchUpMs, new Promise<void>((resolve) => (this.#idle = resolve)));
    for (const response of this.#open.keys()) this.#end(response);
  }

  #end(response: ServerResponse): void {
    if (!this.#open.has(response)) return;
    this.#open.get(response)?.unpipe(response);
    response.end(() => response.req.socket.end());
  }
}
