import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'graphql-yoga';
import { rateLimited, type OpenRate, type Rate } from '../runs/rates.ts';
import { isMultipart } from './file-map.ts';
import { Peers, type Peer } from './peers.ts';
import type { Visit } from './viewer.ts';

/** Whose an operation is. */
type Visitor = Pick<Visit, 'viewer' | 'onlyRun'>;

/** What one user, or one address, may do; 0 is no limit. */
export interface Allowance {
  readonly operationsPerMinute: number;
  /** Open at once, in this process. A user’s are WebSockets and requests, an address’s WebSockets and event streams. */
  readonly connections: number;
}

export interface AdmissionLimits {
  readonly user: Allowance;
  readonly address: Allowance;
  /** Whose `x-forwarded-for` is believed. */
  readonly proxies: readonly string[];
  /** Bytes of requests that are held in memory at once; from one address half of it. */
  readonly bodyBytes: number;
}

/** When there may be room again for a connection, in ms: nobody can know. */
const RETRY_MS = 5_000;

/** Smaller bodies are always taken: what others send that is large shall not keep them out. */
const SMALL_BODY = 65_536;

/** Who may ask how often and how much at once, the same at every door: what begins is counted, never what is told of it. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #ofUser: Rate | null;
  readonly #ofAddress: Rate | null;
  readonly #peers: Peers;
  /** Connections that are open and bytes that are held, by whose they are. */
  readonly #open = new Map<string, number>();

  constructor(limits: AdmissionLimits, openRate: OpenRate) {
    this.#limits = limits;
    this.#peers = new Peers(limits.proxies);
    this.#ofUser = openRate('user', limits.user.operationsPerMinute, 'operations of one user');
    this.#ofAddress = openRate('address', limits.address.operationsPerMinute, 'operations from one address');
  }

  /** An operation, before anything is done for it. */
  async fromAddress(request: Peer): Promise<void> {
    const address = this.#peers.addressOf(request);
    if (address !== null) await this.#ofAddress?.take(address);
  }

  /** The same, once it is known whose it is. By HTTP it is a connection of theirs until it is answered. */
  async fromUser(visitor: Visitor, response?: ServerResponse): Promise<void> {
    await this.#ofUser?.take(userOf(visitor));
    if (response && !response.closed) response.once('close', this.userEnters(visitor));
  }

  /** Opens a connection of a user's. Throws RATE_LIMITED where that is one too many. Returns what closes it. */
  userEnters(visitor: Visitor): () => void {
    return this.#enter(`user ${userOf(visitor)}`, this.#limits.user.connections, 'connections of one user');
  }

  /** The same for where it comes from. */
  addressEnters(request: IncomingMessage): () => void {
    const address = this.#peers.addressOf(request);
    if (address === null) return () => {};
    return this.#enter(`address ${address}`, this.#limits.address.connections, 'connections from one address');
  }

  /** An event stream, as long as its response is open. */
  streamEnters(response: ServerResponse): void {
    if (!response.closed) response.once('close', this.addressEnters(response.req));
  }

  /** A body that will be held in memory until it is answered; one that does not say how large it is may be of `most` bytes. */
  bodyEnters(request: IncomingMessage, response: ServerResponse, most: number): void {
    const bytes = Number(request.headers['content-length'] ?? (request.headers['transfer-encoding'] ? most : 0));
    if (!(bytes > SMALL_BODY) || response.closed) return;
    const { bodyBytes } = this.#limits;
    const what = 'bytes of requests';
    response.once('close', this.#enter('bodies', bodyBytes, what, bytes));
    const address = this.#peers.addressOf(request);
    if (address === null) return;
    response.once('close', this.#enter(`bodies ${address}`, bodyBytes / 2, `${what} from one address`, bytes));
  }

  #enter(whose: string, most: number, what: string, size = 1): () => void {
    const open = this.#open.get(whose) ?? 0;
    if (most > 0 && open + size > most) throw rateLimited(`More than ${most} ${what} at once`, RETRY_MS);
    this.#open.set(whose, open + size);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const rest = (this.#open.get(whose) ?? 0) - size;
      if (rest > 0) this.#open.set(whose, rest);
      else this.#open.delete(whose);
    };
  }
}

/** Whoever comes with the token of a run takes nothing from the user whose run it is. */
export function userOf({ viewer, onlyRun }: Visitor): string {
  return onlyRun === null ? viewer : `token of ${onlyRun}`;
}

interface HttpContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Counts what comes by HTTP; other doors count by themselves. */
export function httpAdmission(admission: Admission, documentBytes: number, uploadBytes: number): Plugin<HttpContext> {
  return {
    onRequestParse: async ({ serverContext }) => {
      const { req, res } = serverContext as unknown as HttpContext;
      await admission.fromAddress(req);
      admission.bodyEnters(req, res, isMultipart(req.headers['content-type']) ? uploadBytes : documentBytes);
    },
    onSubscribe: ({ args: { contextValue } }) => {
      const { res } = contextValue as Partial<HttpContext>;
      if (res) admission.streamEnters(res);
    },
  };
}
