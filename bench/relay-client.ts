import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Answer } from './answer.ts';
import type { Client } from './clients.ts';

export async function openRelayClient(url: string): Promise<Client> {
  const socket = new WebSocket(url.replace('http', 'ws'), { perMessageDeflate: false });
  await once(socket, 'open');
  let answer: Answer | null = null;
  let last: number | null = 0;
  socket.on('message', (data: Buffer) => {
    const { seq, text } = JSON.parse(data.toString()) as { readonly seq: number; readonly text?: string };
    if (text === undefined) return answer?.end(null);
    last ??= seq - 1;
    last += 1;
    if (answer && seq !== last) answer.problem ??= `out of place: ${data.toString()}`;
    answer?.take(text);
  });
  socket.on('error', () => {});
  socket.once('close', (code) => answer?.end(`the socket was closed with ${code}`));
  function listen(next: Answer, frame: string): void {
    if (socket.readyState !== socket.OPEN) return next.end('the socket is closed');
    answer = next;
    socket.send(frame);
  }
  function leave(): void {
    answer = null;
    socket.terminate();
  }
  return {
    runId: '',
    ask(query, next) {
      last = 0;
      listen(next, JSON.stringify({ query }));
    },
    watch(_, next) {
      last = null;
      listen(next, '{}');
    },
    complete: leave,
    cut: leave,
    resume: () => Promise.reject(new Error('the relay knows no resuming')),
    pause: () => socket.pause(),
    unpause: () => socket.resume(),
    close() {
      answer = null;
      socket.close();
    },
  };
}
