import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { App } from './app.ts';
import { invalidParam, refusal, unknownError } from './errors.ts';
import { endUser, type EndUser } from './ids.ts';
import { boundaryOf, readForm, type Form } from './multipart.ts';
import { pythonJson } from './python-json.ts';

/** One request, after the key has been checked. */
export interface Call {
  readonly app: App;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The form, when the body is one. */
  readonly form: Form | undefined;
  readonly response: ServerResponse;
}

/** What a handler answers: JSON, nothing at all (204), bytes, or `taken` when it wrote the reply itself. */
export type Reply =
  | { readonly json: unknown; readonly status?: number }
  | { readonly bytes: Uint8Array; readonly type: string; readonly headers?: Readonly<Record<string, string>> }
  | 'no content'
  | 'taken';

/** A JSON reply. */
export const json = (value: unknown, status = 200): Reply => ({ json: value, status });

/** What all calls answer that only do something. */
export const success: Reply = json({ result: 'success' });

/** The JSON object a request brought, or the refusal Dify has for its absence. */
export function bodyOf(call: Pick<Call, 'headers' | 'body'>): Readonly<Record<string, unknown>> {
  const type = call.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json' && !/^application\/.+\+json$/.test(type)) {
    throw refusal(
      415,
      'unsupported_media_type',
      "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
    );
  }
  const body = parsed(call.body.toString('utf8'));
  if (body === undefined) {
    throw refusal(400, 'bad_request', 'The browser (or proxy) sent a request that this server could not understand.');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw unknownError();
  return { ...body };
}

/** JSON, or undefined when it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The user of a request that must name one. */
export function requiredUser(app: App, user: unknown): EndUser {
  if (user === null || user === undefined || user === '') throw invalidParam('Arg user must be provided.');
  return endUser(app.name, typeof user === 'string' ? user : pythonJson(user));
}

/** The user of a request that need not name one: all who do not share a default user (§6.1). */
export function optionalUser(app: App, user: unknown): EndUser {
  return user === null || user === undefined || user === ''
    ? endUser(app.name, 'DEFAULT-USER')
    : requiredUser(app, user);
}

/** How much the proxy in front of Dify lets through; JSON here less. */
const mostJson = 20 * 1024 * 1024;
const mostUpload = 100 * 1024 * 1024;

/** How much of one uploaded file is held in memory. */
const mostHeld = 64 * 1024 * 1024;

/** What came with a request: the fields and files of a form, else bytes. */
export type Body = Pick<Call, 'body' | 'form'>;

/** Reads the body of a request; undefined when it is larger than a proxy would let through. */
export async function readBody(request: IncomingMessage): Promise<Body | undefined> {
  const boundary = boundaryOf(request.headers['content-type'] ?? '');
  const most = boundary === undefined ? mostJson : mostUpload;
  let size = 0;
  async function* metered(): AsyncGenerator<Buffer> {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= most) yield chunk;
    }
  }
  const form = boundary === undefined ? undefined : await readForm(metered(), boundary, mostHeld);
  const chunks: Buffer[] = [];
  if (form === undefined) for await (const chunk of metered()) chunks.push(chunk);
  return size > most ? undefined : { body: Buffer.concat(chunks), form };
}

/** A body that was too large: the proxy says so, in HTML. */
export function refuseBody(response: ServerResponse): void {
  const page = '<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n</html>\r\n';
  sendText(response, 413, page, { 'Content-Type': 'text/html' });
}

/** Writes a reply; JSON is spaced, ASCII and ends in a newline (§0.3). */
export function sendReply(response: ServerResponse, reply: Exclude<Reply, 'taken'>): void {
  if (reply === 'no content') {
    response.writeHead(204, { 'Content-Type': 'application/json' }).end();
  } else if ('bytes' in reply) {
    const headers = { 'Content-Type': reply.type, 'Content-Length': reply.bytes.length, ...reply.headers };
    response.writeHead(200, headers).end(reply.bytes);
  } else {
    sendText(response, reply.status ?? 200, `${pythonJson(reply.json)}\n`, { 'Content-Type': 'application/json' });
  }
}

/** Writes a text whose length is told in advance. */
export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string | number | readonly string[] | undefined>>,
): void {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  response.statusCode = status;
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}
