import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Answer } from './answer.ts';
import type { Client } from './clients.ts';

const selection = `{ __typename ... on TextDelta { seq offset text } ... on RunAttached { runId } ... on RunFinished { status } }`;
const operations = {
  chatStream: `subscription Ask($input: ChatInput!, $after: Int) { chatStream(input: $input, after: $after) ${selection} }`,
  runEvents: `subscription Watch($runId: ID!, $after: Int) { runEvents(runId: $runId, after: $after) ${selection} }`,
};

interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly payload?: { readonly data?: Readonly<Record<string, Event>> | null; readonly errors?: unknown };
}
interface Event {
  readonly __typename: string;
  readonly seq: number;
  readonly offset: number;
  readonly text: string;
  readonly status: string;
  readonly runId: string;
}

export async function openGraphqlClient(url: string, user: string): Promise<Client> {
  const client = new GraphqlClient(url, user);
  await client.open();
  return client;
}

/** `graphql-transport-ws`, written by hand. */
class GraphqlClient implements Client {
  runId = '';
  readonly #url: string;
  readonly #user: string;
  /** Null while it is cut. */
  #socket: WebSocket | null = null;
  #answer: Answer | null = null;
  #operation: keyof typeof operations = 'chatStream';
  #variables: Readonly<Record<string, unknown>> = {};
  #subscriptions = 0;
  #seq = 0;
  /** Where the next text stands; null: wherever the first one does. */
  #length: number | null = 0;
  #ending: string | null = null;
  #attached = Promise.withResolvers<void>();

  constructor(url: string, user: string) {
    this.#url = url.replace('http', 'ws');
    this.#user = user;
  }

  async open(): Promise<void> {
    const socket = new WebSocket(this.#url, 'graphql-transport-ws', { perMessageDeflate: false });
    this.#socket = socket;
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { user: this.#user } }));
    await once(socket, 'message');
    socket.on('message', (data: Buffer) => {
      if (this.#socket === socket) this.#take(data.toString());
    });
    socket.on('error', () => {});
    socket.once('close', (code) => {
      if (this.#socket === socket) this.#answer?.end(`the socket was closed with ${code}`);
    });
  }

  ask(query: string, answer: Answer, cancel = false): void {
    const onDisconnect = cancel ? { onDisconnect: 'CANCEL' } : {};
    const input = { query, idempotencyKey: randomUUID(), autoGenerateName: false, ...onDisconnect };
    this.#length = 0;
    this.#begin('chatStream', { input }, answer);
  }

  watch(runId: string, answer: Answer): void {
    this.#length = null;
    this.#begin('runEvents', { runId, after: 0 }, answer);
  }

  complete(): void {
    this.#answer = null;
    this.#send({ id: String(this.#subscriptions), type: 'complete' });
  }

  cut(): void {
    const socket = this.#socket;
    // Its end is not the answer's.
    this.#socket = null;
    socket?.terminate();
  }

  async resume(): Promise<void> {
    this.#attached = Promise.withResolvers();
    await this.open();
    this.#variables = { ...this.#variables, after: this.#seq };
    this.#subscribe();
    await this.#attached.promise;
  }

  pause(): void {
    this.#socket?.pause();
  }

  unpause(): void {
    this.#socket?.resume();
  }

  close(): void {
    this.#answer = null;
    this.#socket?.close();
  }

  #begin(operation: keyof typeof operations, variables: Readonly<Record<string, unknown>>, answer: Answer): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return answer.end('the socket is closed');
    [this.#operation, this.#variables, this.#answer] = [operation, variables, answer];
    [this.#seq, this.#ending] = [0, 'it completed without RunFinished'];
    this.#subscribe();
  }

  #subscribe(): void {
    const payload = { query: operations[this.#operation], variables: this.#variables };
    this.#subscriptions += 1;
    this.#send({ id: String(this.#subscriptions), type: 'subscribe', payload });
  }

  #send(frame: object): void {
    this.#socket?.send(JSON.stringify(frame));
  }

  #take(text: string): void {
    const { type, id, payload } = JSON.parse(text) as Frame;
    if (type === 'ping') return this.#send({ type: 'pong' });
    const answer = this.#answer;
    if (!answer || id !== String(this.#subscriptions)) return;
    if (type === 'complete') return answer.end(this.#ending);
    const event = payload?.data?.[this.#operation];
    if (type !== 'next' || !event || payload?.errors) return answer.end(`unexpected: ${text.slice(0, 300)}`);
    if (event.__typename === 'RunFinished') {
      this.#ending = event.status === 'SUCCEEDED' ? null : `it ${event.status}`;
      // What a PubSub tells does not complete.
      if (this.#operation === 'runEvents') answer.end(this.#ending);
    }
    if (event.__typename === 'RunAttached') {
      this.runId = event.runId;
      this.#attached.resolve();
    }
    if (event.__typename !== 'TextDelta') return;
    this.#length ??= event.offset;
    if (event.seq <= this.#seq || event.offset !== this.#length) answer.problem ??= `out of place: ${text}`;
    this.#seq = event.seq;
    this.#length = event.offset + event.text.length;
    answer.take(event.text);
  }
}
