import type { AppClient } from './app-client.ts';
import { id, type Json, number, text, textOrNull, whole } from './coerce.ts';
import { notDify } from './not-dify.ts';
import { itemsOf } from './page.ts';
import { path } from './path.ts';
import type { NumberedPage } from './records.ts';
import { epochSeconds } from './time.ts';

/** A prepared answer (§1.31). */
export interface AnnotationRecord {
  readonly id: string;
  readonly question: string | null;
  readonly answer: string | null;
  readonly hitCount: number | null;
  /** Epoch seconds. */
  readonly createdAt: number | null;
}

/** Prepared answers are switched on and off by a job, for every one is embedded anew (§1.33). */
export interface AnnotationReplyJob {
  readonly jobId: string;
  /** `waiting`, `processing`, `completed`, `error`. */
  readonly status: string;
  readonly error: string | null;
}

type Action = 'enable' | 'disable';

export interface AnnotationText {
  readonly question: string;
  readonly answer: string;
}

/** The prepared answers of an app, the same for all its users. */
export class Annotations {
  readonly #client: AppClient;

  constructor(client: AppClient) {
    this.#client = client;
  }

  /** `GET /apps/annotations`, newest first; more than 100 at once are not given. */
  async list(q: {
    readonly page?: number;
    readonly limit: number;
    readonly keyword?: string;
  }): Promise<NumberedPage<AnnotationRecord>> {
    const page = q.page ?? 1;
    const query = { page: String(page), limit: String(q.limit), keyword: q.keyword };
    const from = await this.#client.read({ path: '/apps/annotations', query });
    const items = itemsOf(from, parseAnnotation, '/apps/annotations');
    const total = number(from['total']);
    // Dify's `has_more` is true of every full page, the last one too (C94).
    const before = (page - 1) * (number(from['limit']) ?? q.limit);
    const hasMore = from['has_more'] === true && items.length > 0 && (total === null || before + items.length < total);
    return { items, hasMore, total };
  }

  /** `POST /apps/annotations` */
  async create({ question, answer }: AnnotationText): Promise<AnnotationRecord> {
    return known(await this.#client.once({ method: 'POST', path: '/apps/annotations', body: { question, answer } }));
  }

  /** `PUT /apps/annotations/{id}` */
  async update(q: AnnotationText & { readonly id: string }): Promise<AnnotationRecord> {
    const body = { question: q.question, answer: q.answer };
    return known(
      await this.#client.once({ method: 'PUT', path: path`/apps/annotations/${q.id}`, body, idInPath: true }),
    );
  }

  /** `DELETE /apps/annotations/{id}` */
  async delete(annotationId: string): Promise<void> {
    await this.#client.command({ method: 'DELETE', path: path`/apps/annotations/${annotationId}`, idInPath: true });
  }

  /** `POST /apps/annotation-reply/{action}`. Dify wants the model also to switch them off. */
  async setReply(q: {
    readonly action: Action;
    /** 0 to 1: how alike a question must be. */
    readonly scoreThreshold: number;
    readonly embeddingProvider: string;
    readonly embeddingModel: string;
  }): Promise<AnnotationReplyJob> {
    const body = {
      score_threshold: q.scoreThreshold,
      embedding_provider_name: q.embeddingProvider,
      embedding_model_name: q.embeddingModel,
    };
    return parseJob(await this.#client.once({ method: 'POST', path: path`/apps/annotation-reply/${q.action}`, body }));
  }

  /** `GET /apps/annotation-reply/{action}/status/{id}` */
  async replyJob(q: { readonly action: Action; readonly jobId: string }): Promise<AnnotationReplyJob> {
    const read = { path: path`/apps/annotation-reply/${q.action}/status/${q.jobId}`, idInPath: true };
    return parseJob(await this.#client.read(read));
  }
}

function known(from: Json): AnnotationRecord {
  return id(from['id']) === null ? notDify('/apps/annotations') : parseAnnotation(from);
}

function parseAnnotation(from: Json): AnnotationRecord {
  return {
    id: text(from['id']),
    question: textOrNull(from['question']),
    answer: textOrNull(from['answer']),
    hitCount: whole(from['hit_count']),
    createdAt: epochSeconds(from['created_at']),
  };
}

function parseJob(from: Json): AnnotationReplyJob {
  const jobId = id(from['job_id']);
  if (jobId === null) return notDify('/apps/annotation-reply');
  return { jobId, status: text(from['job_status']), error: id(from['error_msg']) };
}
