import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import type { Call, Read } from './call.ts';
import { isJson, type Json } from './coerce.ts';
import { errorFromReply } from './error-reply.ts';
import type { Ask, Reply, TextAsk } from './exchange.ts';
import { header, readText, type Upstream } from './http.ts';
import { parseJson } from './json.ts';
import { limited, type Limit } from './limited.ts';
import { multipart, type FilePart } from './multipart.ts';
import { notStreamed } from './not-streamed.ts';
import { retried } from './retry.ts';
import { HIDDEN } from './sse.ts';
import { ReplyStream, type DifyStream } from './stream.ts';

/** Of a reply that says no. */
const maxErrorBytes = 64 * 1024;
const maxErrorMs = 5_000;

const plain = 'application/json';

/** The servers that an app is asked on: often they are one. */
export interface AppUpstreams {
  readonly api: Upstream;
  /** For what Dify has signed an address for. */
  readonly files: Upstream;
}

export interface AppClientOptions {
  readonly baseUrl: string;
  readonly key: string;
  readonly headersMs: number;
  /** Silence after which a stream or a download is dead. */
  readonly idleMs: number;
  /** Total for one read, its repetitions included. */
  readonly readMs: number;
  /** Longest event of a stream, and longest reply that is no stream. */
  readonly maxBytes: number;
}

/** One app's HTTP: adds the key, says what a reply means. The key never leaves this object but in the header. */
export class AppClient {
  readonly #upstream: Upstream;
  readonly #files: Upstream;
  readonly #options: Omit<AppClientOptions, 'key' | 'baseUrl'>;
  readonly #log: Logger;
  readonly #basePath: string;
  readonly #key: string;
  #serverVersion: string | null = null;

  constructor({ api, files }: AppUpstreams, { key, baseUrl, ...options }: AppClientOptions, log: Logger) {
    this.#upstream = api;
    this.#files = files;
    this.#options = options;
    this.#log = log;
    this.#basePath = new URL(baseUrl).pathname.replace(/\/+$/, '');
    this.#key = key;
  }

  /** What the last reply said of its server, if it did. */
  get serverVersion(): string | null {
    return this.#serverVersion;
  }

  /** A `GET`, repeated while the way to Dify fails. */
  read(read: Read): Promise<Json> {
    const call = { ...read, method: 'GET' as const };
    const ask = this.#ask(call, plain, { headersMs: 0 });
    return limited(this.#options.readMs, ({ signal }) =>
      retried(async () => this.#json(call, await this.#upstream.read(ask, signal), signal), signal),
    );
  }

  /** Sends once, and answers with the JSON of the reply. */
  once(call: Call, totalMs = this.#options.headersMs): Promise<Json> {
    return limited(totalMs, async ({ signal }) => this.#json(call, await this.#send(call, signal), signal));
  }

  /** Sends once; any success will do, whatever its body. */
  async command(call: Call, totalMs = this.#options.headersMs): Promise<void> {
    await limited(totalMs, async ({ signal }) => {
      await readText(await this.#accepted(call, await this.#send(call, signal), signal), maxErrorBytes);
    });
  }

  /** Sends a file once, piece by piece. The time is for each piece, from either side, and for the reply; not for the whole. */
  upload(path: string, user: string, file: FilePart, signal: AbortSignal): Promise<Json> {
    const call = { method: 'POST' as const, path, isUpload: true };
    const send = async (limit: Limit): Promise<Json> => {
      const form = multipart({ user }, file, () => limit.restart());
      const length = form.length === undefined ? {} : { 'content-length': String(form.length) };
      // No limit of undici's for the headers: it would count from the first piece.
      const { headers, ...ask } = this.#ask(call, plain, { headersMs: 0 });
      const asked = { ...ask, headers: { ...headers, 'content-type': form.contentType, ...length }, body: form.body };
      try {
        return await this.#json(call, await this.#upstream.send(asked, limit.signal), limit.signal);
      } finally {
        form.body.destroy();
      }
    };
    return limited(this.#options.headersMs, send, signal, 'The upload did not move');
  }

  /** Sends once, and answers with the open event stream. */
  async stream(call: Call, signal: AbortSignal): Promise<DifyStream> {
    const ask = this.#ask(call, 'text/event-stream', { headersMs: this.#options.headersMs });
    const reply = await this.#opened(call, await this.#upstream.open(ask, signal), signal);
    const type = header(reply, 'content-type');
    if (!type.toLowerCase().startsWith('text/event-stream')) {
      const said = type.includes('json') ? await this.#said(call, reply, signal) : '';
      reply.release();
      throw notStreamed(type, said, reply.status);
    }
    const { idleMs, maxBytes } = this.#options;
    return new ReplyStream(reply, { idleMs, maxEventBytes: maxBytes, secret: this.#key, signal, log: this.#log });
  }

  /** The reply with its body still to be read, which `signal` ends, too. A `GET` is repeated as a read is. */
  async download(call: Call, signal: AbortSignal): Promise<Reply> {
    const { headersMs, idleMs: silenceMs } = this.#options;
    const ask = this.#ask(call, '*/*', { headersMs, silenceMs });
    const upstream = call.isSigned ? this.#files : this.#upstream;
    // On a connection of its own: it takes as long as its reader does, and others wait for those that reads share.
    const open = async () => this.#opened(call, await upstream.send(ask, signal), signal);
    const reply = await (call.method === 'GET' ? retried(open, signal) : open()).catch((error) => {
      signal.throwIfAborted();
      throw error;
    });
    reply.body.once('close', () => reply.release());
    return reply;
  }

  #send(call: Call, signal: AbortSignal): Promise<Reply> {
    return this.#upstream.send(this.#ask(call, plain, { headersMs: this.#options.headersMs }), signal);
  }

  #ask(call: Call, accept: string, limits: Pick<Ask, 'headersMs' | 'silenceMs'>): TextAsk {
    const { method, path, query = {}, body, isSigned = false } = call;
    const search = new URLSearchParams(
      Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined),
    );
    const headers = {
      ...(isSigned ? {} : { authorization: `Bearer ${this.#key}` }),
      accept,
      'accept-encoding': 'identity',
      'user-agent': 'dify-graphql',
    };
    const ask = {
      method,
      path: `${isSigned ? '' : this.#basePath}${path}${search.size === 0 ? '' : `?${search.toString()}`}`,
      ...limits,
    };
    if (body === undefined) return { ...ask, headers };
    return { ...ask, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  }

  async #json(call: Call, sent: Reply, signal: AbortSignal): Promise<Json> {
    const reply = await this.#accepted(call, sent, signal);
    const { maxBytes } = this.#options;
    const { text, end } = await readText(reply, maxBytes);
    signal.throwIfAborted();
    if (end === 'broken')
      throw new GatewayError('UPSTREAM_UNREACHABLE', 'Dify closed the connection within its answer');
    if (end === 'too long') throw strange(reply, `an answer of more than ${maxBytes} bytes`);
    const body = parseJson(text);
    if (!isJson(body)) throw strange(reply, `not JSON but ${header(reply, 'content-type') || 'no type'}`);
    return body;
  }

  /** A success whose body is handed on as it comes. */
  async #opened<R extends Reply>(call: Call, sent: R, signal: AbortSignal): Promise<R> {
    const reply = await this.#accepted(call, sent, signal);
    const encoding = header(reply, 'content-encoding');
    if (encoding !== '' && encoding !== 'identity')
      throw strange(reply, `a compressed stream (${encoding}) that was not asked for`);
    return reply;
  }

  async #accepted<R extends Reply>(call: Call, reply: R, signal: AbortSignal): Promise<R> {
    // What serves files may be a storage or a network in between, with versions of its own.
    const version = call.isSigned ? null : /^\d+\.\d+[\w.+-]*$/.exec(header(reply, 'x-version'));
    this.#serverVersion = version?.[0] ?? this.#serverVersion;
    if (reply.status >= 200 && reply.status < 300) return reply;
    throw this.#refusal(call, reply, await this.#said(call, reply, signal));
  }

  /** The body of a reply that is not what was asked for, without what must not be told. */
  async #said({ secret }: Call, reply: Reply, signal: AbortSignal): Promise<string> {
    const limit = setTimeout(() => reply.release(), maxErrorMs);
    const { text } = await readText(reply, maxErrorBytes).finally(() => clearTimeout(limit));
    signal.throwIfAborted();
    // What answers may be an echo.
    const secrets = [this.#key, ...(secret ? [secret, encodeURIComponent(secret)] : [])];
    return secrets.reduce((said, hidden) => said.replaceAll(hidden, HIDDEN), text);
  }

  #refusal({ idInPath = false, isUpload = false }: Call, reply: Reply, said: string): GatewayError {
    const retryAfter = header(reply, 'retry-after') || undefined;
    const serverVersion = header(reply, 'x-version') === '' ? null : this.#serverVersion;
    const context = { retryAfter, idInPath, isUpload, serverVersion };
    return errorFromReply(reply.status, header(reply, 'content-type'), said, context);
  }
}

function strange(reply: Reply, what: string): GatewayError {
  reply.release();
  return new GatewayError('UPSTREAM_PROTOCOL', `What answers at the base URL sends ${what}`, {
    difyStatus: reply.status,
  });
}
