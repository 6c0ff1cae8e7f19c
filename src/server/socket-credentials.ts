import { GatewayError } from '../errors.ts';
import { at } from './deadline.ts';
import type { Peer } from './peers.ts';
import { tokenOf, type Credentials, type Identify, type Identity } from './viewer.ts';

type Said = Readonly<Record<string, unknown>> | undefined;

/** Who the operations of a socket are from. It is closed with 4403 when what proved it has expired: its client comes again. */
export class SocketCredentials {
  readonly #identify: Identify;
  readonly #peer: Peer;
  readonly #close: (code: number, reason: string) => void;
  #until = Infinity;
  #giveUp = (): void => {};

  constructor(identify: Identify, peer: Peer, close: (code: number, reason: string) => void) {
    this.#identify = identify;
    this.#peer = peer;
    this.#close = close;
  }

  /**
   * False for credentials that are wrong. None are fine: operations may bring their own. 4403 and 1013 are codes after which
   * clients connect again, with credentials that they have asked for anew.
   */
  async admit(connectionParams: Said): Promise<boolean> {
    try {
      await this.identity(connectionParams, undefined);
      return true;
    } catch (error) {
      // What else is wrong is told to each operation.
      const code = error instanceof GatewayError ? error.code : null;
      if (code === 'AUTH_UNAVAILABLE') this.#close(1013, 'Try again later');
      const isMistaken = code === 'UNAUTHENTICATED' && tokenOf(this.#credentials(connectionParams, undefined)) !== null;
      return code !== 'AUTH_UNAVAILABLE' && !isMistaken;
    }
  }

  /** Of an operation, or of all that do not say for themselves. */
  async identity(connectionParams: Said, operationHeaders: Said): Promise<Identity> {
    const identity = await this.#identify(this.#credentials(connectionParams, operationHeaders));
    const { until = Infinity } = identity;
    if (until < this.#until) {
      this.#until = until;
      this.#giveUp();
      this.#giveUp = at(until, () => this.#close(4403, 'Forbidden'));
    }
    return identity;
  }

  /** The socket is gone. */
  close(): void {
    this.#until = -Infinity;
    this.#giveUp();
  }

  #credentials(connectionParams: Said, operationHeaders: Said): Credentials {
    const { headers, socket } = this.#peer;
    return {
      header: (name) => headers[name]?.toString(),
      peer: socket.remoteAddress,
      connectionParams,
      operationHeaders,
    };
  }
}
