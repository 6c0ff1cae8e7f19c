import { once } from 'node:events';
import { createServer } from 'node:net';

/** A free port, of those that systems give to nobody by themselves: it is still free after its server has been away. */
export async function keptPort(): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return keptPort();
  }
  server.close();
  await once(server, 'close');
  return port;
}
