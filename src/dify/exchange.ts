import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

export interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream is sent as it comes, and destroyed when the connection is let go. */
  readonly body?: string | Readable;
  /** How long the headers may take once the request is out, in ms; 0 for no limit of its own. */
  readonly headersMs: number;
  /** How long the reply's body may be silent while it is read, in ms, about a second coarse; without it, for ever. */
  readonly silenceMs?: number;
}

/** A reply whose body is still to be read: whoever gets it reads it to its end or calls `release`. */
export interface Reply {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Readable;
  /** Lets go of the connection at once; may be called again, and after the end. */
  release(): void;
}

/** One whose body is at hand. */
export type TextAsk = Ask & { readonly body?: string };
