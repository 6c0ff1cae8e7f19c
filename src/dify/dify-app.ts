import type { Logger } from 'pino';
import { Annotations } from './annotations.ts';
import { AppClient, type AppUpstreams } from './app-client.ts';
import type { DifyAppOptions } from './app-options.ts';
import { Cached } from './cache.ts';
import { id, type Json } from './coerce.ts';
import { parseEndUser, type EndUserRecord } from './end-user.ts';
import { Feedback } from './feedback.ts';
import { Files } from './files.ts';
import { Forms } from './forms.ts';
import { notDify } from './not-dify.ts';
import { parsePage } from './page.ts';
import type { AppParameters } from './parameters.ts';
import { parseParameters } from './parse-parameters.ts';
import { parseConversation, parseInfo, parseMessage } from './parse-records.ts';
import { path } from './path.ts';
import { chatCall, completionCall, workflowCall } from './question.ts';
import type { ChatRequest, CompletionRequest, WorkflowRequest } from './question.ts';
import type { AppInfo, ConversationRecord, MessageRecord, Page } from './records.ts';
import { parseSite, type SiteRecord } from './site.ts';
import { Speech } from './speech.ts';
import type { DifyStream } from './stream.ts';
import { parseMeta, type AppMeta } from './tool-icons.ts';
import { Variables } from './variables.ts';
import { Workflows } from './workflows.ts';

const stopMs = 5_000;
const stopRoutes = {
  chat: '/chat-messages',
  completion: '/completion-messages',
  workflow: '/workflows/tasks',
} as const;

/** One configured app. What a method cannot do it rejects with a GatewayError, a call that was aborted with the signal's reason. */
export class DifyApp {
  readonly name: string;
  readonly files: Files;
  readonly speech: Speech;
  readonly feedback: Feedback;
  readonly variables: Variables;
  readonly annotations: Annotations;
  readonly workflows: Workflows;
  readonly forms: Forms;
  readonly #client: AppClient;
  readonly #info: Cached<AppInfo>;
  readonly #parameters: Cached<AppParameters>;
  readonly #meta: Cached<AppMeta>;
  readonly #site: Cached<SiteRecord>;
  readonly #version: Cached<string | null>;

  constructor(options: DifyAppOptions, upstreams: AppUpstreams, logger: Logger) {
    const { name, baseUrl, key, headersMs = 60_000, idleMs = 35_000, readMs = 15_000, cacheMs = 300_000 } = options;
    const { maxEventBytes: maxBytes = 16 * 1024 * 1024 } = options;
    const log = logger.child({ app: name });
    const client = new AppClient(upstreams, { baseUrl, key, headersMs, idleMs, readMs, maxBytes }, log);
    this.name = name;
    this.files = new Files(client, options.filesUrl);
    this.speech = new Speech(client);
    this.feedback = new Feedback(client);
    this.variables = new Variables(client);
    this.annotations = new Annotations(client);
    this.workflows = new Workflows(client);
    this.forms = new Forms(client);
    this.#client = client;
    const onStale = (err: unknown) => log.warn({ err }, 'an old answer is served: Dify does not give a new one');
    const cached = <T>(path: string, parse: (from: Json) => T | null): Cached<T> =>
      new Cached(async () => parse(await client.read({ path })) ?? notDify(path), cacheMs, onStale);
    this.#info = cached('/info', parseInfo);
    this.#parameters = cached('/parameters', parseParameters);
    this.#meta = cached('/meta', parseMeta);
    this.#site = cached('/site', parseSite);
    const readVersion = () =>
      client.read({ path: '/' }).then(
        (from) => id(from['server_version']),
        () => null,
      );
    this.#version = new Cached(readVersion, cacheMs, onStale);
  }

  /** Sent at most once. */
  chat(q: ChatRequest, signal: AbortSignal): Promise<DifyStream> {
    return this.#client.stream(chatCall(q), signal);
  }

  /** Sent at most once. */
  runWorkflow(q: WorkflowRequest, signal: AbortSignal): Promise<DifyStream> {
    return this.#client.stream(workflowCall(q), signal);
  }

  /** Sent at most once. */
  complete(q: CompletionRequest, signal: AbortSignal): Promise<DifyStream> {
    return this.#client.stream(completionCall(q), signal);
  }

  /** Asks Dify to stop; success means only that the wish was noted (§8.1). Takes 5 s at most. */
  async stop(task: {
    readonly kind: keyof typeof stopRoutes;
    readonly taskId: string;
    readonly user: string;
  }): Promise<void> {
    const to = `${stopRoutes[task.kind]}${path`/${task.taskId}/stop`}`;
    await this.#client.command({ method: 'POST', path: to, body: { user: task.user }, idInPath: true }, stopMs);
  }

  /** `GET /info`, cached. */
  info(): Promise<AppInfo> {
    return this.#info.get();
  }

  /** `GET /parameters`, cached; not older than `maxAgeMs`, if that is given. */
  parameters(maxAgeMs?: number): Promise<AppParameters> {
    return maxAgeMs === undefined ? this.#parameters.get() : this.#parameters.recent(maxAgeMs);
  }

  /** `GET /meta`, cached. */
  meta(): Promise<AppMeta> {
    return this.#meta.get();
  }

  /** `GET /site`, cached. */
  site(): Promise<SiteRecord> {
    return this.#site.get();
  }

  /** `GET /end-users/{id}` (§1.30), by Dify's own id. */
  async endUser(userId: string): Promise<EndUserRecord> {
    const read = { path: path`/end-users/${userId}`, idInPath: true };
    return parseEndUser(await this.#client.read(read)) ?? notDify('/end-users');
  }

  /** Of the Dify behind this app, as it said last; asked for once if it did not say. Null if unknown; see `quirks.ts`. */
  async version(): Promise<string | null> {
    if (this.#client.serverVersion !== null) return this.#client.serverVersion;
    const asked = await this.#version.get();
    return this.#client.serverVersion ?? asked;
  }

  /** `GET /conversations` (§1.13): those after `lastId`, by `-updated_at` unless told otherwise. */
  async conversations(q: {
    readonly user: string;
    readonly lastId?: string;
    readonly limit: number;
    readonly sortBy?: string;
  }): Promise<Page<ConversationRecord>> {
    const query = { user: q.user, last_id: q.lastId, limit: String(q.limit), sort_by: q.sortBy };
    return parsePage(await this.#client.read({ path: '/conversations', query }), parseConversation, '/conversations');
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
    return parsePage(await this.#client.read({ path: '/messages', query }), parseMessage, '/messages');
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
    const to = path`/conversations/${q.conversationId}/name`;
    return parseConversation(await this.#client.once({ method: 'POST', path: to, body, idInPath: true }));
  }

  async deleteConversation({
    user,
    conversationId,
  }: {
    readonly user: string;
    readonly conversationId: string;
  }): Promise<void> {
    const to = path`/conversations/${conversationId}`;
    // Without a JSON body Dify answers 415 (§0.1).
    await this.#client.command({ method: 'DELETE', path: to, body: { user }, idInPath: true });
  }
}
