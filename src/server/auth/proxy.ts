import { BlockList, isIP } from 'node:net';
import type { AuthConfig } from '../../config/auth-config.ts';
import type { Credentials, Identity } from '../viewer.ts';
import { scopesOf, userOf } from './names.ts';

/** Whether an address is among these: `10.0.0.5`, `10.0.0.0/8`, `fd00::/8`. */
export function among(addresses: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const one of addresses) {
    const [ip = '', bits] = one.split('/');
    const family = isIP(ip) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(ip, family);
    else list.addSubnet(ip, Number(bits), family);
  }
  return (address) => {
    const version = isIP(address ?? '');
    return version !== 0 && list.check(address!, version === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Who a request is from by what a proxy says of it: in headers of the request itself, whose sender cannot choose them. */
export function behindProxy(proxy: NonNullable<AuthConfig['proxy']>): (credentials: Credentials) => Identity | null {
  const isProxy = among(proxy.addresses);
  return ({ peer, header }) => {
    const user = isProxy(peer) ? header(proxy.header) : null;
    if (user == null) return null;
    return { id: userOf(user), scopes: proxy.scopesHeader === undefined ? [] : scopesOf(header(proxy.scopesHeader)) };
  };
}
