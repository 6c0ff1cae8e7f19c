import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Answer } from './answer.ts';

/** Who is measured: the yardstick and the product. */
export type Subject = 'relay' | 'gateway';

export interface Client {
  /** One question at a time. */
  ask(answer: Answer): void;
  close(): void;
}

export function openClient(subject: Subject, url: string, user: string): Promise<Client> {
  return subject === 'gateway' ? openGatewayClient(url, user) : openRelayClient(url);
}

const operation = `subscription Ask($input: ChatInput!) {
  chatStream(input: $input) { __typename ... on TextDelta { seq offset text } ... on RunFinished { status } }
}`;

interface GatewayFrame {
  readonly type: string;
  readonly id?: string;
  readonly payload?: { readonly data?: { readonly chatStream: GatewayEvent } | null; readonly errors?: unknown };
}
interface GatewayEvent {
  readonly __typename: string;
  readonly seq: number;
  readonly offset: number;
  readonly text: string;
  readonly status: string;
}

/** `graphql-transport-ws`, written by hand. */
async function openGatewayClient(url: string, user: string): Promise<Client> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { user } }));
  await once(socket, 'message');
  let answer: Answer | null = null;
  let asked = 0;
  let seq = 0;
  let length = 0;
  let ending: string | null = 'it completed without RunFinished';

  socket.on('message', (data: Buffer) => {
    const text = data.toString();
    const { type, id, payload } = JSON.parse(text) as GatewayFrame;
    if (type === 'ping') return socket.send('{"type":"pong"}');
    if (!answer || id !== String(asked)) return;
    const event = payload?.data?.chatStream;
    if (type === 'complete') answer.end(ending);
    else if (type !== 'next' || !event || payload.errors) answer.end(`unexpected: ${text}`);
    else if (event.__typename === 'RunFinished') ending = event.status === 'SUCCEEDED' ? null : `it ${event.status}`;
    else if (event.__typename === 'TextDelta') {
      if (event.seq <= seq || event.offset !== length) answer.problem ??= `out of place: ${text}`;
      seq = event.seq;
      length = event.offset + event.text.length;
      answer.take(event.text);
    }
  });
  socket.once('close', (code) => answer?.end(`the socket was closed with ${code}`));

  return {
    ask(next) {
      if (socket.readyState !== socket.OPEN) return next.end('the socket is closed');
      answer = next;
      asked += 1;
      [seq, length, ending] = [0, 0, 'it completed without RunFinished'];
      const input = { query: 'hello', idempotencyKey: randomUUID(), autoGenerateName: false };
      socket.send(
        JSON.stringify({ id: String(asked), type: 'subscribe', payload: { query: operation, variables: { input } } }),
      );
    },
    close() {
      answer = null;
      socket.close();
    },
  };
}

async function openRelayClient(url: string): Promise<Client> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, 'open');
  let answer: Answer | null = null;
  let last = 0;
  socket.on('message', (data: Buffer) => {
    const { seq, text } = JSON.parse(data.toString()) as { readonly seq: number; readonly text?: string };
    if (text === undefined) return answer?.end(null);
    if (answer && seq !== ++last) answer.problem ??= `out of place: ${data.toString()}`;
    answer?.take(text);
  });
  socket.once('close', (code) => answer?.end(`the socket was closed with ${code}`));
  return {
    ask(next) {
      if (socket.readyState !== socket.OPEN) return next.end('the socket is closed');
      answer = next;
      last = 0;
      socket.send('{"query":"hello"}');
    },
    close() {
      answer = null;
      socket.close();
    },
  };
}
