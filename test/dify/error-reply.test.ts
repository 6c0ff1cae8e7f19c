import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorFromEvent, errorFromReply } from '../../src/dify/error-reply.ts';
import type { ErrorEvent } from '../../src/dify/wire-event.ts';
import { recorded, recordings } from './fake-server.ts';

const html = '<!doctype html><html><head><title>404 Not Found</title></head></html>';

function fromJson(status: number, body: unknown, headers: { retryAfter?: string } = {}) {
  return errorFromReply(status, 'application/json', JSON.stringify(body), headers);
}

function fromEvent(code: string | null, message: string, status: number | null = 400) {
  const ids = { taskId: null, conversationId: null, messageId: null, workflowRunId: null };
  return errorFromEvent({ event: 'error', ...ids, code, status, message } satisfies ErrorEvent);
}

describe('errorFromReply', () => {
  it.each([
    [401, 'unauthorized', 'UPSTREAM_UNAUTHORIZED'],
    [403, 'forbidden', 'UPSTREAM_UNAUTHORIZED'],
    [403, 'file_access_denied', 'NOT_FOUND'],
    [404, 'file_not_found', 'NOT_FOUND'],
    [404, 'end_user_not_found', 'NOT_FOUND'],
    [429, 'too_many_requests', 'UPSTREAM_RATE_LIMITED'],
    [429, 'rate_limit_error', 'UPSTREAM_RATE_LIMITED'],
    [400, 'not_chat_app', 'WRONG_APP_MODE'],
    [400, 'not_workflow_app', 'WRONG_APP_MODE'],
    [400, 'not_completion_app', 'WRONG_APP_MODE'],
    [400, 'app_unavailable', 'UPSTREAM_MISCONFIGURED'],
    [400, 'agent_not_published', 'UPSTREAM_MISCONFIGURED'],
    [400, 'provider_not_initialize', 'UPSTREAM_MISCONFIGURED'],
    [400, 'model_currently_not_support', 'UPSTREAM_MISCONFIGURED'],
    [400, 'provider_quota_exceeded', 'UPSTREAM_QUOTA_EXCEEDED'],
    [404, 'not_found', 'NOT_FOUND'],
    [400, 'completion_request_error', 'UPSTREAM_ERROR'],
    [500, 'internal_server_error', 'UPSTREAM_ERROR'],
    [500, 'unknown', 'UPSTREAM_ERROR'],
    [503, 'anything', 'UPSTREAM_ERROR'],
    [405, 'method_not_allowed', 'UPSTREAM_PROTOCOL'],
    [415, 'unsupported_media_type', 'UPSTREAM_PROTOCOL'],
    [400, 'invalid_param', 'UPSTREAM_REJECTED'],
    [400, 'conversation_completed', 'UPSTREAM_REJECTED'],
    [400, 'constructor', 'UPSTREAM_REJECTED'],
    [413, 'file_too_large', 'FILE_TOO_LARGE'],
    [413, 'audio_too_large', 'FILE_TOO_LARGE'],
    [415, 'unsupported_file_type', 'UNSUPPORTED_FILE_TYPE'],
    [415, 'unsupported_audio_type', 'UNSUPPORTED_FILE_TYPE'],
    [400, 'file_extension_blocked', 'UNSUPPORTED_FILE_TYPE'],
    [400, 'no_file_uploaded', 'BAD_USER_INPUT'],
    [400, 'too_many_files', 'BAD_USER_INPUT'],
    [400, 'filename_not_exists_error', 'BAD_USER_INPUT'],
    [400, 'no_audio_uploaded', 'BAD_USER_INPUT'],
    [400, 'speech_to_text_disabled', 'UPSTREAM_MISCONFIGURED'],
    [400, 'provider_not_support_speech_to_text', 'UPSTREAM_MISCONFIGURED'],
    [400, 'invalid_form_data', 'BAD_USER_INPUT'],
    [412, 'human_input_form_submitted', 'FORM_EXPIRED'],
    [412, 'human_input_form_expired', 'FORM_EXPIRED'],
  ])('makes of HTTP %i with the code %s %s', (status, difyCode, code) => {
    const error = fromJson(status, { code: difyCode, message: 'Some text.', status: 418 });
    expect(error).toMatchObject({ code, difyCode, difyStatus: status, message: 'Some text.' });
  });

  it.each([
    [301, 'UPSTREAM_PROTOCOL', /redirect/],
    [401, 'UPSTREAM_UNAUTHORIZED', /401/],
    [403, 'UPSTREAM_REJECTED', /403/],
    [404, 'UPSTREAM_PROTOCOL', /base URL/],
    [405, 'UPSTREAM_PROTOCOL', /base URL/],
    [413, 'UPSTREAM_REJECTED', /413/],
    [429, 'UPSTREAM_RATE_LIMITED', /limited/],
    [502, 'UPSTREAM_ERROR', /502/],
    [503, 'UPSTREAM_ERROR', /503/],
    [504, 'UPSTREAM_TIMEOUT', /504/],
    [521, 'UPSTREAM_ERROR', /521/],
    [524, 'UPSTREAM_TIMEOUT', /524/],
  ])('makes of HTTP %i without JSON %s', (status, code, message) => {
    for (const text of [html, '']) {
      const error = errorFromReply(status, 'text/html', text);
      expect(error).toMatchObject({ code, difyCode: undefined, difyStatus: status });
      expect(error.message).toMatch(message);
      expect(error.message).not.toContain('<');
    }
  });

  it('takes an HTML 404 for an unknown id where the path held one', () => {
    expect(errorFromReply(404, 'text/html', html, { idInPath: true }).code).toBe('NOT_FOUND');
  });

  it('goes by the status when what calls itself JSON is none', () => {
    expect(errorFromReply(500, 'application/json', '{"code":').code).toBe('UPSTREAM_ERROR');
    expect(errorFromReply(400, 'application/json', '[]').code).toBe('UPSTREAM_REJECTED');
  });

  it('C75 reads the old form with `params` and without a status', () => {
    const error = fromJson(400, { code: 'invalid_param', message: 'Missing required parameter', params: 'inputs' });
    expect(error).toMatchObject({
      code: 'BAD_USER_INPUT',
      difyStatus: 400,
      message: 'inputs: Missing required parameter',
    });
  });

  it('C76 reads the form with `errors`', () => {
    const errors = { query: "'query' is a required property", response_mode: "'SECRET' is not one of …" };
    const error = fromJson(400, { errors, message: 'Input payload validation failed' });
    expect(error).toMatchObject({ code: 'BAD_USER_INPUT', message: 'Dify does not accept query, response_mode' });
  });

  it('C77 reduces what pydantic says to the fields and echoes nothing', () => {
    const message = [
      '2 validation errors for ChatRequestPayload',
      'inputs',
      "  Field required [type=missing, input_value={'query': 'SECRET'}, input_type=dict]",
      '    For further information visit https://errors.pydantic.dev/2.10/v/missing',
      'files.0.type',
      "  Input should be 'image' [type=enum, input_value='SECRET', input_type=str]",
      '    For further information visit https://errors.pydantic.dev/2.10/v/enum',
    ].join('\n');
    const error = fromJson(400, { code: 'invalid_param', message, status: 400 });
    expect(error).toMatchObject({ code: 'BAD_USER_INPUT', message: 'Dify does not accept inputs, files.0.type' });
  });

  it('C78 takes the 400 of the app limit for what it is', () => {
    const message =
      'Too many requests. Please try again later. The current maximum concurrent requests allowed for x is 1.';
    const error = fromJson(400, { code: 'invalid_param', message, status: 400 });
    expect(error).toMatchObject({
      code: 'UPSTREAM_RATE_LIMITED',
      retryAfterMs: 2000,
      retryable: true,
      difyStatus: 400,
    });
  });

  it('C79 C80 takes a 429 of Dify or of the edge for a limit, with the time to wait', () => {
    const body = { code: 'too_many_requests', message: 'Slow.', status: 429 };
    expect(fromJson(429, body)).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterMs: 2000 });
    expect(fromJson(429, body, { retryAfter: '7' }).retryAfterMs).toBe(7000);
    expect(fromJson(429, body, { retryAfter: 'soon' }).retryAfterMs).toBe(2000);
    expect(fromJson(429, body, { retryAfter: 'Wed, 21 Oct 2015 07:28:00 GMT' }).retryAfterMs).toBe(0);
    for (const far of ['1e12', 'Wed, 21 Oct 2099 07:28:00 GMT'])
      expect(fromJson(429, body, { retryAfter: far }).retryAfterMs).toBe(86_400_000);
    const edge = errorFromReply(429, 'text/html; charset=UTF-8', 'error code: 1015', { retryAfter: '30' });
    expect(edge).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterMs: 30_000 });
  });

  it.each(['errors/15-chat-unknown-conversation', 'errors/25-messages-unknown-conversation'])(
    'C81 takes the advice of the router off %s',
    (name) => {
      const error = errorFromReply(404, 'application/json', recorded(`${name}.json`).toString());
      expect(error).toMatchObject({ code: 'NOT_FOUND', message: 'Conversation Not Exists.' });
    },
  );

  it('takes the texts of the input form for a fault of the input', () => {
    for (const message of [
      'topic is required in input form',
      "mode in input form must be one of the following: ['a', 'b']",
    ]) {
      expect(fromJson(400, { code: 'invalid_param', message })).toMatchObject({ code: 'BAD_USER_INPUT', message });
    }
  });

  it('keeps messages to one line of 300 characters', () => {
    const { message } = fromJson(400, { code: 'invalid_param', message: `a\n\tb\u0007 ${'😀'.repeat(300)}` });
    expect(message.startsWith('a b 😀')).toBe(true);
    expect(message.length).toBeLessThanOrEqual(300);
    expect(message.isWellFormed()).toBe(true);
  });

  it.each([
    ['errors/01-no-auth', 'UPSTREAM_UNAUTHORIZED'],
    ['errors/05-wrong-method', 'UPSTREAM_PROTOCOL'],
    ['errors/07-wrong-mode-chat', 'WRONG_APP_MODE'],
    ['errors/09-chat-missing-user', 'UPSTREAM_REJECTED'],
    ['errors/11-chat-missing-inputs', 'BAD_USER_INPUT'],
    ['errors/13-chat-bad-json', 'UPSTREAM_REJECTED'],
    ['errors/17-wf-missing-required', 'BAD_USER_INPUT'],
    ['errors/19-wf-bad-select', 'BAD_USER_INPUT'],
    ['errors/21-wf-by-id-unknown', 'NOT_FOUND'],
    ['chat/09-bad-input-select', 'BAD_USER_INPUT'],
    ['chat-errors/07-blocking-ratelimit', 'UPSTREAM_ERROR'],
    ['chatflow/19-variables-by-name', 'UPSTREAM_ERROR'],
    ['files/03-upload-none', 'BAD_USER_INPUT'],
    ['files/05-upload-two', 'BAD_USER_INPUT'],
    ['files/11-chat-unknown-file', 'UPSTREAM_REJECTED'],
    ['files/15-preview-other-app', 'NOT_FOUND'],
    ['tts/07-audio-to-text-bad-type', 'UNSUPPORTED_FILE_TYPE'],
    ['errors/27-suggested-unknown-message', 'NOT_FOUND'],
    ['chatflow/21-variable-put-bad-type', 'UPSTREAM_REJECTED'],
  ])('makes of the recording %s %s', (name, code) => {
    const { status } = JSON.parse(readFileSync(`${recordings}${name}.meta.json`, 'utf8')) as { status: number };
    const error = errorFromReply(status, 'application/json', recorded(`${name}.json`).toString());
    expect(error).toMatchObject({ code, difyStatus: status });
    expect(error.message).not.toMatch(/\n|input_value/);
  });
});

describe('errorFromEvent', () => {
  it.each([
    ['rate_limit_error', 'slow down', 'UPSTREAM_RATE_LIMITED'],
    ['provider_quota_exceeded', 'no quota', 'UPSTREAM_QUOTA_EXCEEDED'],
    ['provider_not_initialize', 'no model', 'UPSTREAM_MISCONFIGURED'],
    ['completion_request_error', 'model is down', 'UPSTREAM_ERROR'],
    ['internal_server_error', 'Internal Server Error', 'UPSTREAM_ERROR'],
    ['invalid_param', 'Run failed: down', 'UPSTREAM_ERROR'],
    ['invalid_param', '{"error_type": "SomethingElse"}', 'UPSTREAM_REJECTED'],
    ['invalid_param', 'Too many requests. Please', 'UPSTREAM_RATE_LIMITED'],
    [null, 'topic is required in input form', 'BAD_USER_INPUT'],
    [null, 'it broke', 'UPSTREAM_ERROR'],
    ['some_new_code', 'refused', 'UPSTREAM_REJECTED'],
  ])('makes of the code %s and the text "%s" %s', (difyCode, message, code) => {
    expect(fromEvent(difyCode, message)).toMatchObject({
      code,
      message,
      difyStatus: 400,
      difyCode: difyCode ?? undefined,
    });
  });

  it('C41 marks the limit of a provider as worth another try', () => {
    expect(fromEvent('rate_limit_error', 'slow', 429)).toMatchObject({
      retryable: true,
      retryAfterMs: 2000,
      difyStatus: 429,
    });
  });

  it('says something when Dify does not, as 1.8.1 may', () => {
    expect(fromEvent('internal_server_error', '', null).message).not.toBe('');
  });
});
