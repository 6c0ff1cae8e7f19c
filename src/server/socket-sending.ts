import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** How much may wait in a socket before each of its readers waits for it, in bytes: more is at most one event of each. */
const MOST_BUFFERED = 65_536;

/** Does not wait for the socket unless it is behind: then the reader waits, and catches up in larger steps. */
export function send(socket: WebSocket, text: string): Promise<void> | void {
  if (socket.readyState !== socket.OPEN) return;
  // A long text that has to wait takes three times its size in Node, its bytes do not.
  const data = text.length > 4_096 ? Buffer.from(text) : text;
  if (socket.bufferedAmount + text.length < MOST_BUFFERED) return socket.send(data, { binary: false });
  return new Promise((resolve) => socket.send(data, { binary: false }, () => resolve()));
}

/** What is sent in one turn of the event loop leaves in one system call: a read from Dify often makes several events. */
export function gathering(tcp: Socket): () => void {
  let corked = false;
  return () => {
    if (corked) return;
    corked = true;
    tcp.cork();
    process.nextTick(() => {
      corked = false;
      tcp.uncork();
    });
  };
}
