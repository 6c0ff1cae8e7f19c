/**
 * Every code a client can meet, as `extensions.code` of a request error or as `RunError.code`, with what it means.
 * The README's error table lists exactly these. Codes are the contract; messages are not.
 */
export const errorCodes = {
  UNAUTHENTICATED: 'Who you are is not proven: there are no credentials, or they are wrong or have expired.',
  AUTH_UNAVAILABLE:
    'Who you are cannot be checked now, because the issuer of your token cannot be reached: ask again soon.',
  BAD_USER_INPUT: 'The operation, its variables or an argument is not valid: the message says which and why.',
  FORBIDDEN: 'You may not do this: it needs a scope that you do not have.',
  NOT_FOUND: 'No such conversation, message, run, file or form, or it is not yours.',
  LIMIT_EXCEEDED: 'The operation is larger than this server takes: the message says in what, and what the limit is.',
  PERSISTED_OPERATION_NOT_FOUND:
    'This server takes only operations that it knows beforehand, and this is none of them.',
  RATE_LIMITED: 'You ask too often, or too much at once: ask again after `retryAfterMs`.',
  APP_NOT_FOUND: 'No app of that name is served here.',
  WRONG_APP_MODE: 'This app is of another kind: chat apps take `chat`, workflow apps take `runWorkflow`.',
  IDEMPOTENCY_KEY_REQUIRED: '`chatStream` and `workflowStream` need `input.idempotencyKey`.',
  IDEMPOTENCY_CONFLICT: 'This idempotency key was used before with other content.',
  CONVERSATION_BUSY: 'This conversation is answering: wait, or ask with another `onBusy`.',
  QUEUE_FULL: 'Too many questions wait already, or this one has waited too long: ask again later.',
  FILE_TOO_LARGE: 'The file is larger than Dify, or a proxy before it, takes.',
  UNSUPPORTED_FILE_TYPE: 'Dify does not take files of this type.',
  FORM_EXPIRED: 'This form was answered before, or its time is over.',
  STORE_UNAVAILABLE: 'The store that this server shares with others cannot be reached: ask again soon.',
  DRAINING: 'This server is shutting down: ask again, another one will answer.',
  UPSTREAM_UNREACHABLE: 'Dify could not be reached.',
  UPSTREAM_TIMEOUT: 'Dify did not answer in time.',
  UPSTREAM_UNAUTHORIZED: 'Dify refused the API key, or the app or its API is switched off.',
  UPSTREAM_RATE_LIMITED: 'Dify or the model provider is limiting requests.',
  UPSTREAM_QUOTA_EXCEEDED: 'The model provider’s quota is used up.',
  UPSTREAM_MISCONFIGURED: 'The app is not ready in Dify: unpublished, or its model is not set up.',
  UPSTREAM_REJECTED: 'Dify refused the request: the message has its reason.',
  UPSTREAM_ERROR: 'Dify, or something the app uses, failed.',
  UPSTREAM_PROTOCOL: 'What answered does not speak like Dify: check the base URL and the proxies in between.',
  STREAM_INTERRUPTED: 'The stream from Dify broke off before its end; the text so far is kept.',
  INTERNAL: 'A defect of this server: report the `errorId` that comes with it.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** The codes after which the same question may succeed if it is asked again (with a new idempotency key). */
const retryable: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'AUTH_UNAVAILABLE',
  'RATE_LIMITED',
  'STORE_UNAVAILABLE',
  'CONVERSATION_BUSY',
  'QUEUE_FULL',
  'DRAINING',
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_RATE_LIMITED',
  'UPSTREAM_ERROR',
  'STREAM_INTERRUPTED',
]);

/** What is wrong in one place of an operation's variables: `input.inputs.tone` `must be one of: …`. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

export interface GatewayErrorDetails {
  /** What led here; kept for the log, never sent. */
  readonly cause?: unknown;
  /** Dify's own code, e.g. `provider_quota_exceeded`. */
  readonly difyCode?: string;
  /** HTTP status of Dify's reply, or the status its `error` event names. */
  readonly difyStatus?: number;
  /** How long to wait before asking again, in ms. */
  readonly retryAfterMs?: number;
  /** All that is wrong, place by place; the message names them, too. */
  readonly problems?: readonly Problem[];
}

/** The one error class that is meant for clients: everything else is masked on its way out. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly difyCode: string | undefined;
  readonly difyStatus: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly problems: readonly Problem[] | undefined;

  constructor(code: ErrorCode, message: string, details: GatewayErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.difyCode = details.difyCode;
    this.difyStatus = details.difyStatus;
    this.retryAfterMs = details.retryAfterMs;
    this.problems = details.problems;
  }

  get retryable(): boolean {
    return retryable.has(this.code);
  }
}
