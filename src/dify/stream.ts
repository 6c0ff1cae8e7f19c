import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import type { BodyListener, LiveReply } from './live-reply.ts';
import { interrupted } from './network-error.ts';
import { Silence } from './silence.ts';
import { SseReader } from './sse.ts';
import type { WireEvent } from './wire-event.ts';

export interface DifyStream {
  /**
   * Calls `onEvents` with all events that one read of the socket completed; a promise that it returns pauses the socket
   * until it resolves. Resolves with how the stream ended, after the last call has; never rejects for what upstream does.
   * To be called once.
   */
  read(onEvents: OnEvents): Promise<StreamEnd>;
  /** Lets go of the socket at once; nothing is read any more. */
  close(): void;
}

export type OnEvents = (events: readonly WireEvent[]) => void | Promise<void>;

export type StreamEnd =
  | { readonly by: 'eof' }
  | { readonly by: 'failed'; readonly error: GatewayError }
  /** `close` was called, or the signal that the stream was opened with. */
  | { readonly by: 'closed' };

export interface StreamOptions {
  /** A stream that is silent for so long is dead: pings are due every 10 s. */
  readonly idleMs: number;
  readonly maxEventBytes: number;
  /** May appear in no event. */
  readonly secret?: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** A whole stream may be as long as so many of the longest events: all that it says is kept while it goes on. */
const MOST_LONGEST = 16;

export class ReplyStream implements DifyStream, BodyListener {
  readonly #reply: LiveReply;
  readonly #options: StreamOptions;
  readonly #sse: SseReader;
  readonly #ended = Promise.withResolvers<StreamEnd>();
  #onEvents: OnEvents = () => {};
  #end: StreamEnd | undefined;
  #silence: Silence | undefined;
  /** A call of `onEvents` runs or has not resolved yet; in the latter case the socket is paused. */
  #handling = false;
  #bytes = 0;

  constructor(reply: LiveReply, options: StreamOptions) {
    this.#reply = reply;
    this.#options = options;
    this.#sse = new SseReader(options.maxEventBytes, options.secret);
    reply.listen(this);
  }

  read(onEvents: OnEvents): Promise<StreamEnd> {
    if (this.#end === undefined) {
      this.#onEvents = onEvents;
      this.#silence = new Silence(this.#options.idleMs, () => this.#silent());
      this.#reply.resume();
    }
    return this.#ended.promise;
  }

  onPiece(bytes: Buffer, from: number, to: number): void {
    if (this.#end !== undefined) return;
    this.#silence?.heard();
    this.#hand(this.#sse.read(bytes, from, to));
    this.#bytes += to - from;
    const most = this.#options.maxEventBytes;
    if (this.#sse.overflowed) this.#finish({ by: 'failed', error: tooLong('an event', most) });
    else if (this.#bytes > most * MOST_LONGEST)
      this.#finish({ by: 'failed', error: tooLong('a stream', most * MOST_LONGEST) });
  }

  onEnd(): void {
    if (this.#end !== undefined) return;
    this.#hand(this.#sse.end());
    this.#finish({ by: 'eof' });
  }

  onBreak(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#finish(this.#options.signal.aborted ? { by: 'closed' } : { by: 'failed', error: interrupted(error) });
  }

  close(): void {
    this.#finish({ by: 'closed' });
  }

  #hand(events: readonly WireEvent[]): void {
    if (events.length === 0) return;
    this.#handling = true;
    try {
      const handled = this.#onEvents(events);
      if (handled === undefined) return this.#handled();
      this.#reply.pause();
      handled.then(
        () => this.#handled(true),
        (error: unknown) => this.#breakOff(error),
      );
    } catch (error) {
      this.#breakOff(error);
    }
  }

  #handled(paused = false): void {
    this.#handling = false;
    if (this.#end !== undefined) {
      this.#ended.resolve(this.#end);
    } else if (paused) {
      this.#silence?.heard();
      this.#reply.resume();
    }
  }

  /** The first end counts. It is told after the running call of `onEvents`, so that none runs when `read` resolves. */
  #finish(end: StreamEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#silence?.[Symbol.dispose]();
    this.#reply.release();
    if (this.#sse.malformed > 0) {
      this.#options.log.debug({ frames: this.#sse.malformed }, 'frames without JSON were skipped');
    }
    if (!this.#handling) this.#ended.resolve(end);
  }

  /** The reader failed, not the upstream: `read` rejects with its error. */
  #breakOff(error: unknown): void {
    this.#ended.reject(error);
    this.#finish({ by: 'closed' });
  }

  #silent(): void {
    if (this.#handling) return this.#silence?.again();
    const seconds = this.#options.idleMs / 1000;
    const error = new GatewayError('UPSTREAM_TIMEOUT', `Dify has sent nothing, not even a ping, for ${seconds} s`);
    this.#finish({ by: 'failed', error });
  }
}

function tooLong(what: string, limit: number): GatewayError {
  return new GatewayError('UPSTREAM_PROTOCOL', `Dify has sent ${what} of more than ${limit} bytes`);
}
