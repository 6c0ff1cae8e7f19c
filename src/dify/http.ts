import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buildConnector, Client, Pool, type Dispatcher } from 'undici';
import { GatewayError } from '../errors.ts';
import { connectTo } from './connect.ts';
import type { Ask, Reply, TextAsk } from './exchange.ts';
import { LiveReply, type Origin } from './live-reply.ts';
import { errorFromNetwork } from './network-error.ts';

const common = {
  // One request per connection is what keeps a question from being sent twice: no HTTP/2, which would share them.
  allowH2: false,
  bodyTimeout: 0,
} as const;

export interface UpstreamOptions {
  /** How long a connection may take, in ms. */
  readonly connectMs: number;
  /** How many reads have one at once; 0: all. */
  readonly maxReads: number;
}

/**
 * The connections to one server. Dify closes idle ones after 2 s, so a pooled connection may be dying when it is used:
 * reads take that risk, for they can be repeated; everything else gets a connection that never carried a request.
 */
export class Upstream {
  readonly #url: URL;
  readonly #live: Origin;
  readonly #reads: Pool;
  readonly #connect: buildConnector.connector;
  readonly #open = new Set<() => void>();
  #closed = false;

  constructor(origin: string, { connectMs, maxReads }: UpstreamOptions) {
    this.#url = new URL(origin);
    this.#live = { ...connectTo(this.#url), host: this.#url.host, connectMs };
    this.#connect = buildConnector({ timeout: connectMs, allowH2: false });
    const connections = maxReads === 0 ? null : maxReads;
    const keepAlive = { keepAliveTimeout: 1_000, keepAliveTimeoutThreshold: 1_000 };
    this.#reads = new Pool(origin, { ...common, ...keepAlive, connections, connect: this.#connect });
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
  async send(ask: Ask, signal: AbortSignal): Promise<Reply> {
    this.#check(signal);
    let socket: Socket | undefined;
    const client = new Client(this.#url.origin, {
      ...common,
      // `connection: close`
      pipelining: 0,
      connect: (options, callback) => {
        // Typed as void, but it is the socket: without it a connection attempt could not be stopped.
        socket = this.#connect(options, callback) as unknown as Socket;
      },
    });
    const release = this.#watch(signal, () => {
      const why = signal.reason instanceof Error ? signal.reason : letGo;
      client.destroy(why).catch(ignore);
      socket?.destroy(why);
      if (ask.body instanceof Readable) ask.body.destroy();
    });
    try {
      const { statusCode: status, headers, body } = await client.request(request(ask));
      body.on('error', ignore);
      return { status, headers, body, release };
    } catch (error) {
      release();
      signal.throwIfAborted();
      throw errorFromNetwork(error);
    }
  }

  /** As `send`, for a reply that is told as it comes. */
  async open(ask: TextAsk, signal: AbortSignal): Promise<LiveReply> {
    this.#check(signal);
    const reply = new LiveReply(this.#live, ask, () => leave());
    const leave = this.#watch(signal, () => reply.release());
    try {
      await reply.opened;
      return reply;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Lets go of every connection. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const release of this.#open) release();
    await this.#reads.destroy();
  }

  #check(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#closed) throw new GatewayError('DRAINING', 'This server is shutting down');
  }

  /** `letGo` is called when `signal` is aborted, when all connections are let go, or by what this returns; once. */
  #watch(signal: AbortSignal, letGo: () => void): () => void {
    const release = () => {
      signal.removeEventListener('abort', release);
      if (this.#open.delete(release)) letGo();
    };
    signal.addEventListener('abort', release, { once: true });
    this.#open.add(release);
    return release;
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
