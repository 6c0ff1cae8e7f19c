import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import type { Call, Read } from './call.ts';
import { isJson, type Json } from './coerce.ts';
import { errorFromReply } from './error-reply.ts';
import { header, readText, type Ask, type Reply, type Upstream } from './http.ts';
import { parseJson } from './json.ts';
import { limited, type Limit } from './limited.ts';
import { multipart, type FilePart } from './multipart.ts';
import { retried } from './retry.ts';
import { ReplyStream, type DifyStream } from './stream.ts';

/** Of a reply that says no. */
const maxErrorBytes = 64 * 1024;
const maxErrorMs = 5_000;

const plain = 'application/json';

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
  readonly #options: Omit<AppClientOptions, 'key' | 'baseUrl'>;
  readonly #log: Logger;
  readonly #basePath: string;
  readonly #key: string;
  #serverVersion: string | null = null;

  constructor(upstream: Upstream, { key, baseUrl, ...options }: AppClientOptions, log: Logger) {
    this.#upstream = upstream;
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
    return limited(totalMs, async ({ signal }) => this.#json(call, await this.#send(call, plain, signal), signal));
  }

  /** Sends once; any success will do, whatever its body. */
  async command(call: Call, totalMs = this.#options.headersMs): Promise<void> {
    await limited(totalMs, async ({ signal }) => {
      await readText(await this.#accepted(call, await this.#send(call, plain, signal), signal), maxErrorBytes);
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
    const reply = await this.#opened(call, await this.#send(call, 'text/event-stream', signal), signal);
    const type = header(reply, 'content-type');
    if (!type.toLowerCase().startsWith('text/event-stream'))
      throw strange(reply, `not an event stream but ${type || 'no type'}`);
    const { idleMs, maxBytes } = this.#options;
    return new ReplyStream(reply, { idleMs, maxEventBytes: maxBytes, signal, log: this.#log });
  }

  /** The reply with its body still to be read, which `signal` ends, too. A `GET` is repeated as a read is. */
  async download(call: Call, signal: AbortSignal): Promise<Reply> {
    const { headersMs, idleMs: silenceMs } = this.#options;
    const ask = this.#ask(call, '*/*', { headersMs, silenceMs });
    const open = async (how: 'read' | 'send') => this.#opened(call, await this.#upstream[how](ask, signal), signal);
    const reply = await (call.method === 'GET' ? retried(() => open('read'), signal) : open('send')).catch((error) => {
      signal.throwIfAborted();
      throw error;
    });
    reply.body.once('close', () => reply.release());
    return reply;
  }

  #send(call: Call, accept: string, signal: AbortSignal): Promise<Reply> {
    return this.#upstream.send(this.#ask(call, accept, { headersMs: this.#options.headersMs }), signal);
  }

  #ask(call: Call, accept: string, limits: Pick<Ask, 'headersMs' | 'silenceMs'>): Ask {
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
  async #opened(call: Call, sent: Reply, signal: AbortSignal): Promise<Reply> {
    const reply = await this.#accepted(call, sent, signal);
    const encoding = header(reply, 'content-encoding');
    if (encoding !== '' && encoding !== 'identity')
      throw strange(reply, `a compressed stream (${encoding}) that was not asked for`);
    return reply;
  }

  async #accepted(call: Call, reply: Reply, signal: AbortSignal): Promise<Reply> {
    this.#serverVersion = /^\d+\.\d+[\w.+-]*$/.exec(header(reply, 'x-version'))?.[0] ?? this.#serverVersion;
    if (reply.status >= 200 && reply.status < 300) return reply;
    const refusal = await this.#refusal(call, reply);
    signal.throwIfAborted();
    throw refusal;
  }

  async #refusal({ idInPath = false, isUpload = false, secret }: Call, reply: Reply): Promise<GatewayError> {
    const limit = setTimeout(() => reply.release(), maxErrorMs);
    const { text } = await readText(reply, maxErrorBytes).finally(() => clearTimeout(limit));
    // What answers may be an echo.
    const secrets = [this.#key, ...(secret ? [secret, encodeURIComponent(secret)] : [])];
    const safe = secrets.reduce((said, hidden) => said.replaceAll(hidden, '[hidden]'), text);
    const retryAfter = header(reply, 'retry-after') || undefined;
    const serverVersion = header(reply, 'x-version') === '' ? null : this.#serverVersion;
    const context = { retryAfter, idInPath, isUpload, serverVersion };
    return errorFromReply(reply.status, header(reply, 'content-type'), safe, context);
  }
}

function strange(reply: Reply, what: string): GatewayError {
  reply.release();
  return new GatewayError('UPSTREAM_PROTOCOL', `What answers at the base URL sends ${what}`, {
    difyStatus: reply.status,
  });
}
