import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { WebSocketServer, type WebSocket } from 'ws';
import { serve } from './serve.ts';
import { sseSplit } from './sse-split.ts';

// The yardstick: the least one would write by hand to get an answer of Dify's into a WebSocket. No GraphQL, no log, no resuming,
// no back-pressure, no error handling.
let upstream = '';
/** Who is told what all others are told, too. */
const watchers = new Set<WebSocket>();

async function relay(socket: WebSocket, query: string): Promise<void> {
  const { body } = await request(`${upstream}/chat-messages`, {
    method: 'POST',
    headers: { authorization: 'Bearer app-bench', 'content-type': 'application/json' },
    body: JSON.stringify({ query, inputs: {}, user: 'bench', response_mode: 'streaming', auto_generate_name: false }),
  });
  function send(frame: string): void {
    socket.send(frame);
    for (const watcher of watchers) watcher.send(frame);
  }
  let seq = 0;
  const split = sseSplit((data) => {
    const event = JSON.parse(data) as { readonly event: string; readonly answer: string };
    if (event.event === 'message') send(`{"seq":${++seq},"text":${JSON.stringify(event.answer)}}`);
    else if (event.event === 'message_end') send('{"status":"SUCCEEDED"}');
  });
  body.setEncoding('utf8');
  body.on('data', split);
  body.on('error', () => {});
  const leave = () => void body.destroy();
  socket.once('close', leave);
  body.once('close', () => socket.off('close', leave));
}

serve({
  async listen({ upstream: url }: { readonly upstream: string }): Promise<string> {
    upstream = url;
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (socket) => {
      socket.on('close', () => watchers.delete(socket));
      socket.on('message', (frame: Buffer) => {
        const { query } = JSON.parse(frame.toString()) as { readonly query?: string };
        if (query === undefined) watchers.add(socket);
        else void relay(socket, query);
      });
    });
    await new Promise((resolve) => server.once('listening', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
});
