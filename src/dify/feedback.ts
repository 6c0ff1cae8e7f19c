import type { AppClient } from './app-client.ts';
import { id, text, texts, textOrNull, type Json } from './coerce.ts';
import { itemsOf } from './page.ts';
import { path } from './path.ts';
import type { Page } from './records.ts';
import { epochSeconds } from './time.ts';

/** One item of `GET /app/feedbacks` (§1.17). Times are epoch seconds. */
export interface FeedbackRecord {
  readonly id: string;
  readonly conversationId: string | null;
  readonly messageId: string | null;
  /** `like` or `dislike`. */
  readonly rating: string;
  readonly content: string | null;
  /** `user` through the API or the web app, `admin` from the console. */
  readonly fromSource: string | null;
  /** The end user's id in Dify. */
  readonly endUserId: string | null;
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

/** What users think of answers, and what they might ask next. */
export class Feedback {
  readonly #client: AppClient;

  constructor(client: AppClient) {
    this.#client = client;
  }

  /** `POST /messages/{id}/feedbacks` (§1.16). Replaces what was there, its content included; null takes it back. */
  async rate(q: {
    readonly user: string;
    readonly messageId: string;
    readonly rating: 'like' | 'dislike' | null;
    readonly content?: string;
  }): Promise<void> {
    const body = { user: q.user, rating: q.rating, ...(q.content === undefined ? {} : { content: q.content }) };
    await this.#client.command({
      method: 'POST',
      path: path`/messages/${q.messageId}/feedbacks`,
      body,
      idInPath: true,
    });
  }

  /** `GET /app/feedbacks` (§1.17): of all users, newest first. Dify does not say whether there is more: a full page may be the last. */
  async list(q: { readonly page?: number; readonly limit: number }): Promise<Page<FeedbackRecord>> {
    const query = { page: String(q.page ?? 1), limit: String(q.limit) };
    const items = itemsOf(await this.#client.read({ path: '/app/feedbacks', query }), parseFeedback, '/app/feedbacks');
    return { items, hasMore: items.length >= q.limit };
  }

  /** `GET /messages/{id}/suggested` (§1.15): none to three questions. Runs a model, so it is sent once and may take as long as one. */
  async suggested(q: { readonly user: string; readonly messageId: string }): Promise<readonly string[]> {
    const call = { path: path`/messages/${q.messageId}/suggested`, query: { user: q.user }, idInPath: true };
    return texts((await this.#client.once({ ...call, method: 'GET' }))['data']);
  }
}

function parseFeedback(from: Json): FeedbackRecord {
  return {
    id: text(from['id']),
    conversationId: id(from['conversation_id']),
    messageId: id(from['message_id']),
    rating: text(from['rating']),
    content: textOrNull(from['content']),
    fromSource: id(from['from_source']),
    endUserId: id(from['from_end_user_id']),
    createdAt: epochSeconds(from['created_at']),
    updatedAt: epochSeconds(from['updated_at']),
  };
}
