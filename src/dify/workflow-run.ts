/** `GET /workflows/run/{id}` (§1.8). Times are epoch seconds. */
export interface WorkflowRunRecord {
  readonly id: string;
  readonly workflowId: string | null;
  /** `running`, `succeeded`, `partial-succeeded`, `failed`, `stopped`, `paused`; after a crash it may be `running` for ever. */
  readonly status: string;
  /** With `sys.…` keys, `sys.user_id` among them. */
  readonly inputs: Readonly<Record<string, unknown>> | null;
  readonly outputs: Readonly<Record<string, unknown>> | null;
  readonly error: string | null;
  readonly totalSteps: number | null;
  readonly totalTokens: number | null;
  /** Seconds. */
  readonly elapsedTime: number | null;
  readonly createdAt: number | null;
  readonly finishedAt: number | null;
}

/** One item of `GET /workflows/logs` (§1.9). */
export interface WorkflowLogRecord {
  readonly id: string;
  readonly run: WorkflowLogRun | null;
  /** `service-api`, `web-app`, `explore` …; an open set. */
  readonly createdFrom: string | null;
  /** `end_user` or `account`. */
  readonly createdByRole: string | null;
  readonly account: { readonly id: string; readonly name: string | null; readonly email: string | null } | null;
  readonly endUser: {
    readonly id: string;
    readonly type: string | null;
    readonly isAnonymous: boolean;
    /** The `user` that asked. */
    readonly sessionId: string | null;
  } | null;
  readonly createdAt: number | null;
}

export interface WorkflowLogRun {
  readonly id: string;
  readonly version: string | null;
  readonly status: string;
  readonly triggeredFrom: string | null;
  readonly error: string | null;
  readonly elapsedTime: number | null;
  readonly totalTokens: number | null;
  readonly totalSteps: number | null;
  readonly exceptionsCount: number | null;
  readonly createdAt: number | null;
  readonly finishedAt: number | null;
}
