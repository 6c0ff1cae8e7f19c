import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Who asks: of a request as much as is needed of it as long as its connection is open. */
export type Peer = Pick<IncomingMessage, 'socket' | 'headers'>;

/** Where requests come from, also behind proxies. */
export class Peers {
  readonly #proxies = new BlockList();

  /** `proxies`: addresses and networks (`10.0.0.0/8`) whose `x-forwarded-for` is believed. */
  constructor(proxies: readonly string[]) {
    for (const one of proxies) {
      const [address = '', bits] = one.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (bits === undefined) this.#proxies.addAddress(address, family);
      else this.#proxies.addSubnet(address, Number(bits), family);
    }
  }

  /**
   * One name for all that is likely one client: an IPv4 address, or the /64 of an IPv6 address, which has as many as it likes. Null
   * where it is not known: a proxy that does not say for whom it speaks.
   */
  addressOf({ socket, headers }: Peer): string | null {
    const peer = plain(socket.remoteAddress ?? '');
    if (!this.#isProxy(peer)) return nameOf(peer);
    const hops = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    // What stands left of the first that is no proxy of ours is whatever the client has written.
    for (const hop of hops.toReversed()) {
      const address = plain(hop.trim());
      if (isIP(address) === 0) return null;
      if (!this.#isProxy(address)) return nameOf(address);
    }
    return null;
  }

  #isProxy(address: string): boolean {
    return isIP(address) !== 0 && this.#proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}

/** IPv4 also where it comes as IPv6; without a zone. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function nameOf(address: string): string {
  if (!isIPv6(address)) return address;
  // The URL parser writes each address in one way only, zeros shortened.
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = short.split('::');
  const [left, right] = [head, tail ?? ''].map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = tail === undefined ? 0 : 8 - left!.length - right!.length;
  const groups = [...left!, ...Array.from({ length: zeros }, () => '0'), ...right!];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
