import { createHash, timingSafeEqual } from 'node:crypto';
import type { AuthConfig } from '../../config/auth-config.ts';
import type { Identity } from '../viewer.ts';
import { KEY } from './names.ts';

/** Keys of backends and scripts. Only their hashes are known here. */
export class ApiKeys {
  readonly #keys: readonly { readonly digest: Buffer; readonly identity: Identity }[];

  constructor(keys: AuthConfig['apiKeys']) {
    this.#keys = keys.map(({ name, sha256, scopes, apps }) => ({
      digest: Buffer.from(sha256, 'hex'),
      identity: { id: KEY + name, scopes, apps: apps ?? null },
    }));
  }

  /** Whose key it is. All are compared, and each in the same time. */
  find(key: string): Identity | null {
    const digest = createHash('sha256').update(key).digest();
    const fitting = this.#keys.filter((one) => timingSafeEqual(one.digest, digest));
    return fitting[0]?.identity ?? null;
  }
}
