import { GatewayError } from '../errors.ts';
import { isJson, type Json } from './coerce.ts';
import { errorFromReply } from './error-reply.ts';
import { header, readText, type Reply, type Upstream } from './http.ts';
import { parseJson } from './json.ts';
import { retried } from './retry.ts';

/** Of a reply that says no. */
const maxErrorBytes = 64 * 1024;
const maxErrorMs = 5_000;

export interface AppClientOptions {
  readonly baseUrl: string;
  readonly key: string;
  readonly headersMs: number;
  /** Total for one read, its repetitions included. */
  readonly readMs: number;
  readonly maxReplyBytes: number;
}

export interface Call {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  /** JSON, also for DELETE: without a body Dify answers 415 (§0.1). */
  readonly body: Json;
  readonly idInPath?: boolean;
}

/** One app's HTTP: adds the key, says what a reply means. The key never leaves this object but in the header. */
export class AppClient {
  readonly #upstream: Upstream;
  readonly #options: Omit<AppClientOptions, 'key' | 'baseUrl'>;
  readonly #basePath: string;
  readonly #key: string;

  constructor(upstream: Upstream, { key, baseUrl, ...options }: AppClientOptions) {
    this.#upstream = upstream;
    this.#options = options;
    this.#basePath = new URL(baseUrl).pathname.replace(/\/+$/, '');
    this.#key = key;
  }

  /** A `GET`, repeated while the way to Dify fails. */
  read(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<Json> {
    const search = new URLSearchParams(
      Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined),
    );
    const ask = {
      method: 'GET' as const,
      path: `${this.#basePath}${path}${search.size === 0 ? '' : `?${search.toString()}`}`,
      headers: this.#headers('application/json'),
      headersMs: 0,
    };
    return limited(this.#options.readMs, (signal) =>
      retried(async () => this.#json(await this.#upstream.read(ask, signal), signal, false), signal),
    );
  }

  /** Sends once, and answers with the JSON of the reply. */
  change(call: Call, totalMs = this.#options.headersMs): Promise<Json> {
    return limited(totalMs, async (signal) => this.#json(await this.#send(call, signal), signal, call.idInPath));
  }

  /** Sends once; any success will do, whatever its body. */
  async command(call: Call, totalMs = this.#options.headersMs): Promise<void> {
    await limited(totalMs, async (signal) => {
      const reply = await this.#send(call, signal);
      if (!isSuccess(reply)) throw await this.#refusal(reply, call.idInPath);
      await readText(reply, maxErrorBytes);
    });
  }

  /** Sends once, and answers with the open event stream. */
  async openStream(call: Call, signal: AbortSignal): Promise<Reply> {
    const reply = await this.#send(call, signal, 'text/event-stream');
    if (!isSuccess(reply)) {
      const refusal = await this.#refusal(reply, call.idInPath);
      signal.throwIfAborted();
      throw refusal;
    }
    const type = header(reply, 'content-type');
    const encoding = header(reply, 'content-encoding');
    if (!type.toLowerCase().startsWith('text/event-stream'))
      throw strange(reply, `not an event stream but ${type || 'no type'}`);
    if (encoding !== '' && encoding !== 'identity')
      throw strange(reply, `a compressed stream (${encoding}) that was not asked for`);
    return reply;
  }

  #send(call: Call, signal: AbortSignal, accept = 'application/json'): Promise<Reply> {
    const ask = {
      method: call.method,
      path: this.#basePath + call.path,
      headers: { ...this.#headers(accept), 'content-type': 'application/json' },
      body: JSON.stringify(call.body),
      headersMs: this.#options.headersMs,
    };
    return this.#upstream.send(ask, signal);
  }

  async #json(reply: Reply, signal: AbortSignal, idInPath: boolean | undefined): Promise<Json> {
    if (!isSuccess(reply)) throw await this.#refusal(reply, idInPath);
    const { text, end } = await readText(reply, this.#options.maxReplyBytes);
    signal.throwIfAborted();
    if (end === 'broken')
      throw new GatewayError('UPSTREAM_UNREACHABLE', 'Dify closed the connection within its answer');
    if (end === 'too long') throw strange(reply, `an answer of more than ${this.#options.maxReplyBytes} bytes`);
    const body = parseJson(text);
    if (!isJson(body)) throw strange(reply, `not JSON but ${header(reply, 'content-type') || 'no type'}`);
    return body;
  }

  async #refusal(reply: Reply, idInPath = false): Promise<GatewayError> {
    const limit = setTimeout(() => reply.release(), maxErrorMs);
    const { text } = await readText(reply, maxErrorBytes).finally(() => clearTimeout(limit));
    // What answers may be an echo.
    const safe = text.replaceAll(this.#key, '[key]');
    const retryAfter = header(reply, 'retry-after') || undefined;
    return errorFromReply(reply.status, header(reply, 'content-type'), safe, { retryAfter, idInPath });
  }

  #headers(accept: string): Readonly<Record<string, string>> {
    return {
      authorization: `Bearer ${this.#key}`,
      accept,
      'accept-encoding': 'identity',
      'user-agent': 'dify-graphql',
    };
  }
}

function isSuccess(reply: Reply): boolean {
  return reply.status >= 200 && reply.status < 300;
}

function strange(reply: Reply, what: string): GatewayError {
  reply.release();
  return new GatewayError('UPSTREAM_PROTOCOL', `What answers at the base URL sends ${what}`, {
    difyStatus: reply.status,
  });
}

/** Runs `work` with a signal that ends it after `ms`, with UPSTREAM_TIMEOUT. */
async function limited<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const timeout = new GatewayError('UPSTREAM_TIMEOUT', `Dify did not answer within ${ms / 1000} s`);
  const timer = setTimeout(() => limit.abort(timeout), ms);
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
  }
}
