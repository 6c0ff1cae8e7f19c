import { GatewayError, type ErrorCode } from '../errors.ts';
import { id, isJson, type Json } from './coerce.ts';
import { errorText, isAboutForm, oneLine } from './error-text.ts';
import { parseJson } from './json.ts';
import type { ErrorEvent } from './wire-event.ts';

/** Dify's own codes (§5.3) that mean the same in a reply and in the stream; the others go by status. */
const codes: Readonly<Record<string, ErrorCode>> = {
  unauthorized: 'UPSTREAM_UNAUTHORIZED',
  forbidden: 'UPSTREAM_UNAUTHORIZED',
  too_many_requests: 'UPSTREAM_RATE_LIMITED',
  rate_limit_error: 'UPSTREAM_RATE_LIMITED',
  not_chat_app: 'WRONG_APP_MODE',
  not_workflow_app: 'WRONG_APP_MODE',
  not_completion_app: 'WRONG_APP_MODE',
  app_unavailable: 'UPSTREAM_MISCONFIGURED',
  agent_not_published: 'UPSTREAM_MISCONFIGURED',
  provider_not_initialize: 'UPSTREAM_MISCONFIGURED',
  model_currently_not_support: 'UPSTREAM_MISCONFIGURED',
  provider_quota_exceeded: 'UPSTREAM_QUOTA_EXCEEDED',
  not_found: 'NOT_FOUND',
  end_user_not_found: 'NOT_FOUND',
  file_not_found: 'NOT_FOUND',
  // A file of another app.
  file_access_denied: 'NOT_FOUND',
  file_too_large: 'FILE_TOO_LARGE',
  audio_too_large: 'FILE_TOO_LARGE',
  unsupported_file_type: 'UNSUPPORTED_FILE_TYPE',
  unsupported_audio_type: 'UNSUPPORTED_FILE_TYPE',
  file_extension_blocked: 'UNSUPPORTED_FILE_TYPE',
  no_file_uploaded: 'BAD_USER_INPUT',
  no_audio_uploaded: 'BAD_USER_INPUT',
  too_many_files: 'BAD_USER_INPUT',
  filename_not_exists_error: 'BAD_USER_INPUT',
  invalid_form_data: 'BAD_USER_INPUT',
  human_input_form_submitted: 'FORM_EXPIRED',
  human_input_form_expired: 'FORM_EXPIRED',
  speech_to_text_disabled: 'UPSTREAM_MISCONFIGURED',
  provider_not_support_speech_to_text: 'UPSTREAM_MISCONFIGURED',
  completion_request_error: 'UPSTREAM_ERROR',
  internal_server_error: 'UPSTREAM_ERROR',
  unknown: 'UPSTREAM_ERROR',
};

/** Dify names no time to wait (§5.4). */
const usualRetryAfterMs = 2_000;
/** Whoever names a longer time is asked again after this one. */
const longestRetryAfterMs = 86_400_000;

export interface ReplyContext {
  /** The `Retry-After` header: seconds or a date. */
  readonly retryAfter?: string | undefined;
  /** The path held an id: then an HTML 404 means that the id is no UUID (§1), not that the base URL is wrong. */
  readonly idInPath?: boolean;
  /** A file was sent: then 413 is about it, whoever says so. */
  readonly isUpload?: boolean;
  /** Of the Dify that answered, where it says so. */
  readonly serverVersion?: string | null;
}

/** A reply that is no success, in any of the shapes E1–E7 (§5.1). The status of the HTTP line wins over the body's. */
export function errorFromReply(
  status: number,
  contentType: string,
  text: string,
  context: ReplyContext = {},
): GatewayError {
  const parsed = status >= 400 && contentType.includes('json') ? parseJson(text) : undefined;
  const body = isJson(parsed) ? parsed : undefined;
  const difyCode = body && id(body['code']);
  const said = body ? errorText(body) : { message: '', aboutInput: false };
  const code =
    codeOfProxy(status) ??
    (difyCode ? codeOf(difyCode, said.message) : undefined) ??
    (said.aboutInput && status < 500 ? 'BAD_USER_INPUT' : undefined) ??
    codeOfStatus(status, body, context);
  const message = saidWhich(said.message) ? said.message : saidNothing(status, code, context);
  return new GatewayError(code, message, {
    difyStatus: status,
    ...(difyCode ? { difyCode } : {}),
    ...(code === 'UPSTREAM_RATE_LIMITED' ? { retryAfterMs: milliseconds(context.retryAfter) } : {}),
  });
}

/** The stream's `error` event; its relay form has no code (§2.5). */
export function errorFromEvent(event: ErrorEvent): GatewayError {
  const message = oneLine(event.message);
  const code =
    (event.code === null ? undefined : codeOf(event.code, message)) ??
    (isAboutForm(message) ? 'BAD_USER_INPUT' : undefined) ??
    codeOfEvent(event);
  return new GatewayError(code, message || 'Dify reports an error and does not say which', {
    ...(event.code === null ? {} : { difyCode: event.code }),
    ...(event.status === null ? {} : { difyStatus: event.status }),
    ...(code === 'UPSTREAM_RATE_LIMITED' ? { retryAfterMs: usualRetryAfterMs } : {}),
  });
}

function codeOf(difyCode: string, message: string): ErrorCode | undefined {
  // The app's own limit comes as a 400 under a code that means anything else, too (§5.4).
  if (difyCode === 'invalid_param' && message.startsWith('Too many requests.')) return 'UPSTREAM_RATE_LIMITED';
  // So does a file name whose ending the administrator has shut out (§5.3).
  if (difyCode === 'invalid_param' && /^File extension '.*' is not allowed/.test(message))
    return 'UNSUPPORTED_FILE_TYPE';
  // And so does a chatflow that failed: it was not refused (§4.1).
  if (difyCode === 'invalid_param' && message.startsWith('Run failed')) return 'UPSTREAM_ERROR';
  return Object.hasOwn(codes, difyCode) ? codes[difyCode] : undefined;
}

/** Statuses that proxies answer with, too, and that mean the same whatever the body is. */
function codeOfProxy(status: number): ErrorCode | undefined {
  if (status === 429) return 'UPSTREAM_RATE_LIMITED';
  return status === 504 || status === 524 ? 'UPSTREAM_TIMEOUT' : undefined;
}

function codeOfStatus(status: number, body: Json | undefined, context: ReplyContext): ErrorCode {
  if (status === 401) return 'UPSTREAM_UNAUTHORIZED';
  if (status === 404 && id(body?.['code']) === null) return context.idInPath ? 'NOT_FOUND' : 'UPSTREAM_PROTOCOL';
  if (status === 413 && context.isUpload) return 'FILE_TOO_LARGE';
  if (status === 405 || status === 415 || status < 400) return 'UPSTREAM_PROTOCOL';
  return status >= 500 ? 'UPSTREAM_ERROR' : 'UPSTREAM_REJECTED';
}

function codeOfEvent(event: ErrorEvent): ErrorCode {
  if (event.code === null) return 'UPSTREAM_ERROR';
  if (event.code === 'invalid_param') return 'UPSTREAM_REJECTED';
  if (event.status === 429) return 'UPSTREAM_RATE_LIMITED';
  return event.status !== null && event.status >= 400 && event.status < 500 ? 'UPSTREAM_REJECTED' : 'UPSTREAM_ERROR';
}

/** Some texts of Dify are templates that were never filled: `File size exceeded. {message}` (seen on 1.12.1). */
function saidWhich(message: string): boolean {
  return message !== '' && !message.includes('{message}');
}

function saidNothing(status: number, code: ErrorCode, { serverVersion }: ReplyContext): string {
  if (status >= 300 && status < 400)
    return `The base URL answers with a redirect (HTTP ${status}): give the address it leads to`;
  if (code === 'NOT_FOUND') return 'Dify knows nothing of this id';
  if (code === 'FILE_TOO_LARGE') return 'The file is larger than Dify takes';
  if (code === 'UNSUPPORTED_FILE_TYPE') return 'Dify does not take files of this type';
  if (code === 'FORM_EXPIRED') return 'This form was answered before, or its time is over';
  if (code === 'UPSTREAM_PROTOCOL' && status === 404 && serverVersion)
    return `Dify ${serverVersion} does not know this operation: it is older, or the base URL is not right`;
  if (code === 'UPSTREAM_PROTOCOL') return `What answers at the base URL does not speak like Dify (HTTP ${status})`;
  if (code === 'UPSTREAM_RATE_LIMITED') return `Requests to Dify are limited (HTTP ${status})`;
  return `Dify, or a proxy before it, answers HTTP ${status}`;
}

function milliseconds(retryAfter: string | undefined): number {
  if (retryAfter === undefined || retryAfter.trim() === '') return usualRetryAfterMs;
  const seconds = Number(retryAfter);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(wait) ? usualRetryAfterMs : Math.min(Math.max(0, Math.round(wait)), longestRetryAfterMs);
}
