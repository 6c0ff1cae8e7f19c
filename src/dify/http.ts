import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buildConnector, Client, Pool, type Dispatcher } from 'undici';
import { GatewayError } from '../errors.ts';
import { LiveBody } from './live-body.ts';
import { errorFromNetwork } from './network-error.ts';

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

/** One whose pieces can be had as they come, too: either by `live` or by `body`. */
export interface LiveReply extends Reply {
  readonly live: LiveBody;
}

const common = {
  // One request per connection is what keeps a question from being sent twice: no HTTP/2, which would share them.
  allowH2: false,
  bodyTimeout: 0,
} as const;

/**
 * The connections to one server. Dify closes idle ones after 2 s, so a pooled connection may be dying when it is used:
 * reads take that risk, for they can be repeated; everything else gets a connection that never carried a request.
 */
export class Upstream {
  readonly #origin: string;
  readonly #reads: Pool;
  readonly #connect: buildConnector.connector;
  readonly #open = new Set<() => void>();
  #closed = false;

  constructor(origin: string, connectMs: number) {
    this.#origin = origin;
    this.#connect = buildConnector({ timeout: connectMs, allowH2: false });
    this.#reads = new Pool(origin, { ...common, connect: this.#connect, keepAliveTimeout: 1_000 });
  }

  /** Rejects with a GatewayError, or with the signal's reason. */
  async read(ask: Ask, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    // undici hears of an abort only once it is connected: hence the race.
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const reply = this.#reads.request({ ...request(ask), signal });
      reply.catch(ignore);
      const { statusCode: status, headers, body } = await Promise.race([reply, aborted.promise]);
      body.on('error', ignore);
      return { status, headers, body, release: () => body.destroy() };
    } catch (error) {
      signal.throwIfAborted();
      throw errorFromNetwork(error);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Sends over a connection of its own, which `signal` destroys in every phase. Rejects as `read` does. */
  async send(ask: Ask, signal: AbortSignal): Promise<LiveReply> {
    signal.throwIfAborted();
    if (this.#closed) throw new GatewayError('DRAINING', 'This server is shutting down');
    let socket: Socket | undefined;
    const client = new Client(this.#origin, {
      ...common,
      // `connection: close`
      pipelining: 0,
      connect: (options, callback) => {
        // Typed as void, but it is the socket: without it a connection attempt could not be stopped.
        socket = this.#connect(options, callback) as unknown as Socket;
      },
    });
    const release = () => {
      signal.removeEventListener('abort', release);
      this.#open.delete(release);
      client.destroy(letGo).catch(ignore);
      socket?.destroy(letGo);
      if (ask.body instanceof Readable) ask.body.destroy();
    };
    signal.addEventListener('abort', release, { once: true });
    this.#open.add(release);
    try {
      const live = new LiveBody();
      client.dispatch(request(ask), live);
      let body: Readable | undefined;
      return {
        ...(await live.head),
        live,
        get body() {
          return (body ??= live.stream());
        },
        release,
      };
    } catch (error) {
      release();
      signal.throwIfAborted();
      throw errorFromNetwork(error);
    }
  }

  /** Lets go of every connection. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const release of this.#open) release();
    await this.#reads.destroy();
  }
}

export interface ReplyText {
  readonly text: string;
  readonly end: 'whole' | 'too long' | 'broken';
}

/** Reads the body to its end or to `maxBytes`, then lets go of the connection. Never rejects. */
export async function readText(reply: Reply, maxBytes: number): Promise<ReplyText> {
  const chunks: Buffer[] = [];
  let size = 0;
  let end: ReplyText['end'] = 'whole';
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      chunks.push(chunk);
      if (size > maxBytes) {
        end = 'too long';
        break;
      }
    }
  } catch {
    end = 'broken';
  } finally {
    reply.release();
  }
  return { text: Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8'), end };
}

/** One header as text, or `''`. */
export function header(reply: Reply, name: string): string {
  const value = reply.headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

function request(ask: Ask): Dispatcher.RequestOptions {
  return {
    method: ask.method,
    path: ask.path,
    headers: { ...ask.headers },
    headersTimeout: ask.headersMs,
    bodyTimeout: ask.silenceMs ?? 0,
    body: ask.body ?? null,
  };
}

/** One for all: to make an error costs more than the rest of letting go. */
const letGo = new Error('The connection was let go');

function ignore(): void {}
