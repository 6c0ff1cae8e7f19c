import type { OutgoingHttpHeaders } from 'node:http';
import { pythonJson } from './python-json.ts';

/** A request that Dify answers with an HTTP error: thrown by whatever notices, written by the router. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly body: string;
  readonly headers: OutgoingHttpHeaders;

  constructor(status: number, body: string, headers: OutgoingHttpHeaders) {
    super(`${status} ${body.slice(0, 200)}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }

  /** The message in the body, if it is JSON. */
  get text(): string {
    try {
      return (JSON.parse(this.body) as { message: string }).message;
    } catch {
      return this.message;
    }
  }
}

/** The usual shape (E1 in §5.1): `{"code", "message", "status"}`. */
export function refusal(status: number, code: string, message: string, headers: OutgoingHttpHeaders = {}): Refusal {
  const body = `${pythonJson({ code, message, status })}\n`;
  return new Refusal(status, body, { 'Content-Type': 'application/json', ...headers });
}

/** Dify’s catch-all for whatever a request has wrong. */
export const invalidParam = (message: string) => refusal(400, 'invalid_param', message);

/** No key, or a wrong one (§5.1). */
export const unauthorized = (message: string) =>
  refusal(401, 'unauthorized', message, { 'WWW-Authenticate': 'Bearer realm="api"' });

const wrongMode = 'Please check if your app mode matches the right API route.';
export const notChatApp = () => refusal(400, 'not_chat_app', wrongMode);
export const notWorkflowApp = () => refusal(400, 'not_workflow_app', wrongMode);
export const appUnavailable = () =>
  refusal(400, 'app_unavailable', 'App unavailable, please check your app configurations.');

/** The provider's quota is used up, noticed before anything was said. */
export const quotaExceeded = () =>
  refusal(
    400,
    'provider_quota_exceeded',
    'Your quota for Dify Hosted Model Provider has been exhausted. ' +
      'Please go to Settings -> Model Provider to complete your own provider credentials.',
  );

/** An exception nobody caught: other keys first, and the code says nothing (E5). */
export const unknownError = () =>
  new Refusal(500, `${pythonJson({ message: 'Internal Server Error', code: 'unknown', status: 500 })}\n`, {
    'Content-Type': 'application/json',
  });

/** The proxy in front of Dify speaks, not Dify. */
export const badGateway = () =>
  new Refusal(
    502,
    '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n' +
      '<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n',
    { 'Content-Type': 'text/html' },
  );

/** No such route: an HTML page, also when a UUID in the path is not one. */
export const noSuchRoute = () =>
  new Refusal(
    404,
    '<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found ' +
      'on the server. If you entered the URL manually please check your spelling and try again.</p>\n',
    { 'Content-Type': 'text/html; charset=utf-8' },
  );

/** The route exists, for other methods. */
export const methodNotAllowed = (allowed: readonly string[]) =>
  refusal(405, 'method_not_allowed', 'The method is not allowed for the requested URL.', { Allow: allowed.join(', ') });

/** The web framework adds the routes it finds similar to every 404 text (§5.1); these are as recorded, or by analogy. */
const similarRoutes: Readonly<Record<string, string>> = {
  '/v1/chat-messages': '/v1/chat-messages or /api/chat-messages or /v1/chat-messages/<string:task_id>/stop',
  '/v1/messages': '/v1/messages or /v1/chat-messages or /api/messages',
  '/v1/conversations': '/v1/conversations or /api/conversations or /v1/conversations/<uuid:c_id>',
};

/** 404, with the hint at similar routes that `path` gets. */
export function notFound(message: string, path: string): Refusal {
  const similar = similarRoutes[path];
  const hint = similar === undefined ? '' : ` You have requested this URI [${path}] but did you mean ${similar} ?`;
  return refusal(404, 'not_found', message + hint);
}
