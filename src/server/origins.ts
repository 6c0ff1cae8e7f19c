import type { IncomingHttpHeaders } from 'node:http';

export interface OriginOptions {
  /** Of pages besides our own, such as `https://app.example.com`; `*` for any. Default none. */
  readonly cors?: readonly string[];
  /** Where clients reach this server, if not at the host that they name. */
  readonly publicUrl?: string | undefined;
  /** Nobody proves who they are, and only this machine can reach it: pages of this machine may come, other names of it may not. */
  readonly development?: boolean;
}

/** Which pages may talk to this server. Programs, which send no `origin`, always may. */
export class Origins {
  readonly #listed: ReadonlySet<string>;
  readonly #own: URL | null;
  readonly #development: boolean;
  /** Every page may, and none with what its browser adds by itself. */
  readonly any: boolean;

  constructor({ cors = [], publicUrl, development = false }: OriginOptions) {
    this.#listed = new Set(cors);
    this.any = this.#listed.has('*');
    this.#own = publicUrl === undefined ? null : new URL(publicUrl);
    this.#development = development;
  }

  /** Behind a proxy the scheme is the proxy’s: the host alone is compared. */
  allows({ origin, host }: IncomingHttpHeaders): boolean {
    if (origin === undefined || this.any || this.#listed.has(origin)) return true;
    const url = URL.parse(origin);
    if (url === null || !/^https?:$/.test(url.protocol)) return false;
    if (url.origin === this.#own?.origin || url.host === host?.toLowerCase()) return true;
    return this.#development && isThisMachine(url.hostname);
  }

  /**
   * A page may give its own name our address (DNS rebinding), and is of our origin then: a server that believes whoever reaches it
   * goes by no name but those of this machine.
   */
  knowsHost({ host }: IncomingHttpHeaders): boolean {
    if (!this.#development || host === undefined) return true;
    const hostname = URL.parse(`http://${host}`)?.hostname ?? '';
    return isThisMachine(hostname) || hostname === this.#own?.hostname;
  }
}

/** As the host of a URL, or as an address to listen on. */
export function isThisMachine(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host);
}
