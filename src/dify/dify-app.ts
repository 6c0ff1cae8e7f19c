import type { Logger } from 'pino';
import { GatewayError } from '../errors.ts';
import { AppClient } from './app-client.ts';
import { Cached } from './cache.ts';
import type { Json } from './coerce.ts';
import type { Upstream } from './http.ts';
import { parseConversation, parseInfo, parseMessage, parsePage, parseParameters } from './parse-records.ts';
import type { AppInfo, AppParameters, ConversationRecord, MessageRecord, Page } from './records.ts';
import { ReplyStream, type DifyStream } from './stream.ts';

export interface DifyAppOptions {
  readonly name: string;
  /** With its path: `https://host/v1`. */
  readonly baseUrl: string;
  readonly key: string;
  /** Default 10,000. */
  readonly connectMs?: number;
  /** Default 60,000: chat and agent apps send nothing before the first token. */
  readonly headersMs?: number;
  /** Silence after which a stream is dead. Default 35,000: pings are due every 10 s. */
  readonly idleMs?: number;
  /** Total for one read. Default 15,000. */
  readonly readMs?: number;
  /** Longest event of a stream, and longest reply to a read. Default 16 MiB. */
  readonly maxEventBytes?: number;
  /** How long `info` and `parameters` are kept. Default 300,000. */
  readonly cacheMs?: number;
}

export interface ChatRequest {
  readonly query: string;
  readonly user: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly conversationId?: string;
}

export interface WorkflowRequest {
  readonly user: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const stopMs = 5_000;

/** One configured app. What a method cannot do it rejects with a GatewayError, a call that was aborted with the signal's reason. */
export class DifyApp {
  readonly name: string;
  readonly #client: AppClient;
  readonly #log: Logger;
  readonly #idleMs: number;
  readonly #maxEventBytes: number;
  readonly #info: Cached<AppInfo>;
  readonly #parameters: Cached<AppParameters>;

  constructor(options: DifyAppOptions, upstream: Upstream, log: Logger) {
    const { name, baseUrl, key, headersMs = 60_000, idleMs = 35_000, readMs = 15_000, cacheMs = 300_000 } = options;
    const { maxEventBytes = 16 * 1024 * 1024 } = options;
    this.name = name;
    this.#client = new AppClient(upstream, { baseUrl, key, headersMs, readMs, maxReplyBytes: maxEventBytes });
    this.#log = log.child({ app: name });
    this.#idleMs = idleMs;
    this.#maxEventBytes = maxEventBytes;
    const onStale = (err: unknown) => this.#log.warn({ err }, 'an old answer is served: Dify does not give a new one');
    this.#info = new Cached(() => this.#loadInfo(), cacheMs, onStale);
    this.#parameters = new Cached(
      async () => parseParameters(await this.#client.read('/parameters')),
      cacheMs,
      onStale,
    );
  }

  /** `POST /chat-messages` (§1.1). Sent at most once. */
  chat(q: ChatRequest, signal: AbortSignal): Promise<DifyStream> {
    const { query, user, inputs, conversationId } = q;
    return this.#stream('/chat-messages', signal, {
      query,
      user,
      inputs,
      response_mode: 'streaming',
      // Else the first turn comes in one burst, a second late.
      auto_generate_name: false,
      ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
    });
  }

  /** `POST /workflows/run` (§1.5). Sent at most once. */
  runWorkflow({ user, inputs }: WorkflowRequest, signal: AbortSignal): Promise<DifyStream> {
    return this.#stream('/workflows/run', signal, { user, inputs, response_mode: 'streaming' });
  }

  /** Asks Dify to stop; success means only that the wish was noted (§8.1). Takes 5 s at most. */
  async stop(task: {
    readonly kind: 'chat' | 'workflow';
    readonly taskId: string;
    readonly user: string;
  }): Promise<void> {
    const route = task.kind === 'chat' ? '/chat-messages' : '/workflows/tasks';
    const path = `${route}/${segment(task.taskId)}/stop`;
    await this.#client.command({ method: 'POST', path, body: { user: task.user }, idInPath: true }, stopMs);
  }

  /** `GET /info`, cached. */
  info(): Promise<AppInfo> {
    return this.#info.get();
  }

  /** `GET /parameters`, cached. */
  parameters(): Promise<AppParameters> {
    return this.#parameters.get();
  }

  /** `GET /conversations` (§1.13): those after `lastId`, by `-updated_at` unless told otherwise. */
  async conversations(q: {
    readonly user: string;
    readonly lastId?: string;
    readonly limit: number;
    readonly sortBy?: string;
  }): Promise<Page<ConversationRecord>> {
    const query = { user: q.user, last_id: q.lastId, limit: String(q.limit), sort_by: q.sortBy };
    return parsePage(await this.#client.read('/conversations', query), parseConversation) ?? notDify('/conversations');
  }

  /** `GET /messages` (§1.14): the newest, or those before `firstId`; ascending within the page. */
  async messages(q: {
    readonly user: string;
    readonly conversationId: string;
    readonly firstId?: string;
    readonly limit: number;
  }): Promise<Page<MessageRecord>> {
    const { user, conversationId, firstId, limit } = q;
    const query = { conversation_id: conversationId, user, first_id: firstId, limit: String(limit) };
    return parsePage(await this.#client.read('/messages', query), parseMessage) ?? notDify('/messages');
  }

  /** Gives a name, or with null lets the model find one, which takes as long as a short answer (§1.19). */
  async renameConversation(q: {
    readonly user: string;
    readonly conversationId: string;
    readonly name: string | null;
  }): Promise<ConversationRecord> {
    const body = {
      user: q.user,
      ...(q.name === null ? { auto_generate: true } : { name: q.name, auto_generate: false }),
    };
    const path = `/conversations/${segment(q.conversationId)}/name`;
    return parseConversation(await this.#client.change({ method: 'POST', path, body, idInPath: true }));
  }

  async deleteConversation({
    user,
    conversationId,
  }: {
    readonly user: string;
    readonly conversationId: string;
  }): Promise<void> {
    const path = `/conversations/${segment(conversationId)}`;
    await this.#client.command({ method: 'DELETE', path, body: { user }, idInPath: true });
  }

  async #stream(path: string, signal: AbortSignal, body: Json): Promise<DifyStream> {
    const reply = await this.#client.openStream({ method: 'POST', path, body }, signal);
    return new ReplyStream(reply, { idleMs: this.#idleMs, maxEventBytes: this.#maxEventBytes, signal, log: this.#log });
  }

  async #loadInfo(): Promise<AppInfo> {
    return parseInfo(await this.#client.read('/info')) ?? notDify('/info');
  }
}

/** An id as part of a path. Dots alone would name another path: no id looks like that. */
function segment(id: string): string {
  if (/^\.{0,2}$/.test(id)) throw new GatewayError('NOT_FOUND', 'Dify knows nothing of this id');
  return encodeURIComponent(id);
}

function notDify(path: string): never {
  throw new GatewayError('UPSTREAM_PROTOCOL', `What answers at the base URL does not answer ${path} as Dify does`);
}
