import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network between a client and a gateway that a test can break. */
export interface Proxy extends AsyncDisposable {
  /** Of the gateway, by way of this network. */
  readonly url: string;
  /** Connections so far, also those that are gone. */
  readonly connections: number;
  /** Resets every connection, as a router that forgets them does. */
  cut(): void;
  /** From now on carries nothing of the connections that are open, and closes none: as when a laptop changes networks. */
  freeze(): void;
  /** The same, and no new connection comes about until it is back. */
  leave(): void;
  comeBack(): void;
}

/** Opens a network to the gateway at `target`. `overhear` gets every byte that the gateway says. */
export async function openProxy(target: string, overhear?: (bytes: Buffer) => void): Promise<Proxy> {
  const { port, pathname } = new URL(target);
  const open = new Set<Socket>();
  let connections = 0;
  let away = false;
  const server = createServer((near) => {
    if (away) return void near.resetAndDestroy();
    connections += 1;
    const far = connect(Number(port), '127.0.0.1');
    if (overhear) far.on('data', overhear);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.once('close', () => open.delete(from));
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function freeze(): void {
    for (const socket of open) socket.unpipe().pause();
  }
  function cut(): void {
    for (const socket of open) socket.resetAndDestroy();
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    get connections() {
      return connections;
    },
    cut,
    freeze,
    leave() {
      away = true;
      freeze();
    },
    comeBack: () => void (away = false),
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
      await once(server, 'close');
    },
  };
}
