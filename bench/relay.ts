import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { WebSocketServer, type WebSocket } from 'ws';
import { serve } from './serve.ts';
import { sseSplit } from './sse-split.ts';

// The yardstick: the least one would write by hand to get an answer of Dify's into a WebSocket. No GraphQL, no log, no resuming,
// no back-pressure, no error handling.
let upstream = '';

async function relay(socket: WebSocket, query: string): Promise<void> {
  const { body } = await request(`${upstream}/chat-messages`, {
    method: 'POST',
    headers: { authorization: 'Bearer app-bench', 'content-type': 'application/json' },
    body: JSON.stringify({ query, inputs: {}, user: 'bench', response_mode: 'streaming', auto_generate_name: false }),
  });
  let seq = 0;
  const split = sseSplit((data) => {
    const event = JSON.parse(data) as { readonly event: string; readonly answer: string };
    if (event.event === 'message') socket.send(`{"seq":${++seq},"text":${JSON.stringify(event.answer)}}`);
    else if (event.event === 'message_end') socket.send('{"status":"SUCCEEDED"}');
  });
  body.setEncoding('utf8');
  body.on('data', split);
}

serve({
  async listen(url: string): Promise<string> {
    upstream = url;
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (socket) => {
      socket.on('message', (frame: Buffer) => {
        const { query } = JSON.parse(frame.toString()) as { readonly query: string };
        void relay(socket, query);
      });
    });
    await new Promise((resolve) => server.once('listening', resolve));
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
});
