import type { IncomingMessage } from 'node:http';
import type { Plugin } from 'graphql-yoga';
import type { Identify, Identity } from './viewer.ts';

/** Who HTTP operations are from: found out before a body is read, of which strangers may send much. */
export class Visitors {
  readonly #identify: Identify;
  readonly #known = new WeakMap<Request, Identity>();

  constructor(identify: Identify) {
    this.#identify = identify;
  }

  async of(request: Request, { socket }: IncomingMessage): Promise<Identity> {
    const known = this.#known.get(request);
    if (known) return known;
    const header = (name: string) => request.headers.get(name);
    const identity = await this.#identify({ header, peer: socket.remoteAddress });
    this.#known.set(request, identity);
    return identity;
  }

  get plugin(): Plugin<{ readonly req: IncomingMessage }> {
    return {
      onRequestParse: async ({ request, serverContext }) => {
        await this.of(request, (serverContext as unknown as { readonly req: IncomingMessage }).req);
      },
    };
  }
}
