import { createClient, type Client } from 'graphql-ws';

/**
 * One WebSocket for all subscriptions. Whatever becomes of it (closed, cut, silent, server restarted, token expired), it connects
 * again and subscribes again by itself: an answer under way goes on as if nothing had happened. `who` gets a token, for each
 * connection anew; it waits for one, since graphql-ws gives up if it fails. In development it is a user's name.
 */
export function openSocket(url: string, who: string | (() => Promise<string>), pingMs = 10_000): Client {
  let silence: ReturnType<typeof setTimeout> | undefined;
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: async () =>
      typeof who === 'string' ? { user: who } : { authorization: `Bearer ${await who()}` },
    retryAttempts: Infinity,
    // By default only a closed socket is worth a retry: a server that is down for a moment ends every subscription for good.
    shouldRetry: () => true,
    // At most 0.5 s, 1 s, 2 s, then 5 s, and not all clients at the same moment.
    retryWait: (retries) => wait(Math.min(500 * 2 ** retries, 5_000) * (0.5 + Math.random() / 2)),
    connectionAckWaitTimeout: pingMs,
    // A network that is gone closes nothing: when nothing comes any more, not even an answer to a ping, the socket is given up.
    keepAlive: pingMs,
    on: {
      message: () => {
        clearTimeout(silence);
        silence = setTimeout(() => socket.terminate(), pingMs * 1.5);
      },
      closed: () => clearTimeout(silence),
    },
  });
  return socket;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
