import net, { type OnReadOpts, type Socket } from 'node:net';
import tls from 'node:tls';

/** Makes a connection that is read into a buffer of the caller's. */
export type Connect = (onread: OnReadOpts) => Socket;

/** How connections to one server are made: `ready` is what a socket emits when it can carry a request. */
export function connectTo(origin: URL): { readonly connect: Connect; readonly ready: 'connect' | 'secureConnect' } {
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  const common = { host, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };
  if (origin.protocol !== 'https:') {
    const port = Number(origin.port || 80);
    return { ready: 'connect', connect: (onread) => net.connect({ ...common, port, onread }) };
  }
  const secure = { ...common, port: Number(origin.port || 443), ALPNProtocols: ['http/1.1'] };
  // An address has no name to ask for.
  const servername = net.isIP(host) === 0 ? host : '';
  let session: Buffer | undefined;
  return {
    ready: 'secureConnect',
    connect: (onread) => {
      const socket = tls.connect({ ...secure, servername, onread, ...(session ? { session } : {}) } as never);
      return socket.on('session', (next) => (session = next));
    },
  };
}
