import type { Sandbox } from '../../src/sandbox/sandbox.ts';

export type Json = Record<string, unknown>;

/** A reply read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Json;
}

/** Talks to one app of a sandbox as one user. */
export class Client {
  readonly #sandbox: Sandbox;
  readonly #key: string;
  readonly user: string;

  constructor(sandbox: Sandbox, app: string, user = 'ann') {
    const found = sandbox.apps.find(({ name }) => name === app);
    if (found === undefined) throw new Error(`no app ${app}`);
    this.#sandbox = sandbox;
    this.#key = found.key;
    this.user = user;
  }

  fetch(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    return fetch(this.#sandbox.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.fetch(method, path, body);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? (JSON.parse(text) as Json) : {},
    };
  }

  get(path: string, query: Record<string, string> = {}): Promise<Answer> {
    return this.call('GET', `${path}?${new URLSearchParams({ user: this.user, ...query }).toString()}`);
  }

  post(path: string, body: Json = {}): Promise<Answer> {
    return this.call('POST', path, { user: this.user, ...body });
  }

  /** Asks a chat app and streams; no title is generated unless the body says so. */
  ask(query: string, more: Json = {}, signal?: AbortSignal): Promise<Stream> {
    return this.stream('/chat-messages', { query, auto_generate_name: false, ...more }, signal);
  }

  run(inputs: Json, more: Json = {}, signal?: AbortSignal): Promise<Stream> {
    return this.stream('/workflows/run', { inputs, ...more }, signal);
  }

  /** Follows a run. */
  async follow(run: unknown, query: Record<string, string> = {}, signal?: AbortSignal): Promise<Stream> {
    const asked = new URLSearchParams({ user: this.user, ...query }).toString();
    return new Stream(await this.fetch('GET', `/workflow/${String(run)}/events?${asked}`, undefined, signal));
  }

  async stream(path: string, body: Json, signal?: AbortSignal): Promise<Stream> {
    const asked = { user: this.user, inputs: {}, response_mode: 'streaming', ...body };
    return new Stream(await this.fetch('POST', path, asked, signal));
  }
}

/** The frames of an event stream, as they come. */
export class Stream implements AsyncIterable<string> {
  readonly response: Response;
  #left = '';
  readonly #decoder = new TextDecoder();

  constructor(response: Response) {
    this.response = response;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    const body = this.response.body;
    if (body === null) return;
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      this.#left += this.#decoder.decode(chunk, { stream: true });
      const frames = this.#left.split('\n\n');
      this.#left = frames.pop() ?? '';
      yield* frames;
    }
  }

  /** All events until the end; pings are left out. */
  async events(): Promise<Json[]> {
    const found: Json[] = [];
    for await (const frame of this) if (frame.startsWith('data: ')) found.push(parse(frame));
    return found;
  }

  /** Reads until an event passes, and breaks off there: the connection is closed. */
  async until(wanted: (event: Json) => boolean): Promise<Json> {
    for await (const frame of this) {
      if (frame.startsWith('data: ') && wanted(parse(frame))) return parse(frame);
    }
    throw new Error('the stream ended before it came');
  }
}

export const parse = (frame: string) => JSON.parse(frame.slice('data: '.length)) as Json;

/** Runs of the same event count once: `message, message, message_end` is `message message_end`. */
export function outline(events: readonly Json[]): string[] {
  return events.map(({ event }) => String(event)).filter((event, index, all) => event !== all[index - 1]);
}

export const textOf = (events: readonly Json[]) =>
  events
    .filter(({ event }) => ['message', 'agent_message', 'message_file'].includes(String(event)))
    .map(({ answer }) => (typeof answer === 'string' ? answer : ''))
    .join('');

export const last = (events: readonly Json[]) => events.at(-1) ?? {};
