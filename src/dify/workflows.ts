import { GatewayError } from '../errors.ts';
import type { AppClient } from './app-client.ts';
import { number } from './coerce.ts';
import { itemsOf } from './page.ts';
import { parseWorkflowLog, parseWorkflowRun } from './parse-workflow-run.ts';
import { path } from './path.ts';
import type { NumberedPage } from './records.ts';
import type { DifyStream } from './stream.ts';
import type { WorkflowLogRecord, WorkflowRunRecord } from './workflow-run.ts';

/** All of them narrow. Times are ISO 8601. Only `status`, `keyword`, `page` and `limit` before Dify 1.5. */
export interface WorkflowLogFilter {
  readonly keyword?: string;
  readonly status?: 'succeeded' | 'failed' | 'stopped';
  /** From 1. */
  readonly page?: number;
  /** 1 to 100. */
  readonly limit?: number;
  readonly createdBefore?: string;
  readonly createdAfter?: string;
  /** The `user` that asked. */
  readonly user?: string;
  /** A member of the workspace, by e-mail. */
  readonly account?: string;
}

/** The runs of a workflow or chatflow app. */
export class Workflows {
  readonly #client: AppClient;

  constructor(client: AppClient) {
    this.#client = client;
  }

  /** `GET /workflows/run/{id}` (§1.8), of whichever user; null for an unknown one. */
  async run(id: string): Promise<WorkflowRunRecord | null> {
    try {
      // Unknown is 200 with nothing but nulls on some versions.
      return parseWorkflowRun(await this.#client.read({ path: path`/workflows/run/${id}` }));
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  /** `GET /workflows/logs` (§1.9): of all users unless told otherwise, newest first. */
  async logs(q: WorkflowLogFilter = {}): Promise<NumberedPage<WorkflowLogRecord>> {
    const query = {
      keyword: q.keyword,
      status: q.status,
      page: q.page?.toString(),
      limit: q.limit?.toString(),
      created_at__before: q.createdBefore,
      created_at__after: q.createdAfter,
      created_by_end_user_session_id: q.user,
      created_by_account: q.account,
    };
    const from = await this.#client.read({ path: '/workflows/logs', query });
    const items = itemsOf(from, parseWorkflowLog, '/workflows/logs');
    return { items, hasMore: from['has_more'] === true, total: number(from['total']) };
  }

  /**
   * `GET /workflow/{id}/events` (§8.2, since Dify 1.14): what a run of this user does from now on, after what it did so far if
   * `snapshot`; of a run that is over only its end. `continueOnPause` without `snapshot` does not end with the run.
   */
  events(
    q: {
      readonly runId: string;
      readonly user: string;
      readonly snapshot?: boolean;
      readonly continueOnPause?: boolean;
    },
    signal: AbortSignal,
  ): Promise<DifyStream> {
    const query = {
      user: q.user,
      include_state_snapshot: q.snapshot === true ? 'true' : undefined,
      continue_on_pause: q.continueOnPause === true ? 'true' : undefined,
    };
    return this.#client.stream({ method: 'GET', path: path`/workflow/${q.runId}/events`, query }, signal);
  }
}
