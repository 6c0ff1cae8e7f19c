import type { Deliver } from './fast/teller.ts';
import { GatewayError } from '../errors.ts';

/** What a request or an operation brings along to say who it is from. Each door fills in what it has. */
export interface Credentials {
  /** Of the HTTP request, or of the WebSocket's opening request. */
  readonly header: (name: string) => string | null | undefined;
  /** WebSocket: the payload of `connection_init`. */
  readonly connectionParams?: Readonly<Record<string, unknown>> | undefined;
  /** WebSocket: `extensions.headers` of the operation, where GraphiQL puts its headers. */
  readonly operationHeaders?: Readonly<Record<string, unknown>> | undefined;
  /** The address of whoever opened the connection: a client, or a proxy. */
  readonly peer?: string | undefined;
  /** `?token=` where an address is all that a client can give: a run token, nothing else. */
  readonly token?: string | null | undefined;
}

/** Who a request is from. */
export interface Identity {
  /** The end user, by whatever name they are known outside. */
  readonly id: string;
  /** What they may do besides: `admin` sees and changes what belongs to an app rather than to a user. */
  readonly scopes: readonly string[];
  /** The apps that they may use; null or left out: all. */
  readonly apps?: readonly string[] | null;
  /** The one run that their token shows, and nothing else; null or left out: it is no such token. */
  readonly onlyRun?: string | null;
  /** When their credentials end, in epoch milliseconds; left out: they do not. */
  readonly until?: number;
}

/** Says who a request is from. The one place in which another way of knowing users plugs in. */
export type Identify = (credentials: Credentials) => Identity | Promise<Identity>;

/** What each door adds to the context of an operation. */
export interface Visit {
  readonly viewer: string;
  readonly scopes: readonly string[];
  readonly onlyApps: readonly string[] | null;
  readonly onlyRun: string | null;
  readonly signal: AbortSignal;
  /** Of a door that can send JSON as it is. */
  readonly deliver?: Deliver;
}

export function visitOf({ id, scopes, apps = null, onlyRun = null }: Identity, signal: AbortSignal): Visit {
  return { viewer: id, scopes, onlyApps: apps, onlyRun, signal };
}

/**
 * Believes whoever speaks: `x-user` of the operation, of the connection or of the request, `anonymous` without one. Only for
 * servers whose clients are trusted, such as a backend that sets the header itself.
 */
export function believeUser(admins: readonly string[]): Identify {
  return (credentials) => {
    const id = userNamed(credentials) ?? 'anonymous';
    return { id, scopes: admins.includes(id) ? ['admin'] : [] };
  };
}

/** What `x-user` says; null if nothing does. */
export function userNamed(credentials: Credentials): string | null {
  const user =
    lowerCased(credentials.operationHeaders)['x-user'] ??
    credentials.connectionParams?.['user'] ??
    said(credentials, 'x-user');
  if (user === undefined || user === null) return null;
  if (typeof user === 'string' && isUser(user)) return user;
  throw new GatewayError(
    'BAD_USER_INPUT',
    'The user (`x-user`) must be a text of 1 to 255 characters without control characters.',
  );
}

/** Without half characters: two users that differ in those alone would be one to Dify. */
export function isUser(user: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return user.trim() !== '' && user.length <= 255 && user.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(user);
}

/** What comes as `authorization: Bearer …` or as `x-api-key`, from as near to the operation as there is one; null if none does. */
export function tokenOf({ token, ...credentials }: Credentials): string | null {
  if (token !== undefined && token !== null) return token;
  for (const level of levels(credentials)) {
    const authorization = level('authorization');
    // Others, such as Basic, are for a proxy.
    const [, bearer] = typeof authorization === 'string' ? (/^Bearer +(\S+) *$/i.exec(authorization) ?? []) : [];
    const found = bearer ?? level('x-api-key');
    if (typeof found === 'string') return found;
  }
  return null;
}

function said(credentials: Credentials, name: string): unknown {
  for (const level of levels(credentials)) {
    const value = level(name);
    if (value !== undefined && value !== null) return value;
  }
  return null;
}

/** From the operation outwards: what is nearer to it counts. */
function levels({ operationHeaders, connectionParams, header }: Credentials): readonly ((name: string) => unknown)[] {
  const own = [operationHeaders, connectionParams, connectionParams?.['headers']].map((one) => lowerCased(one));
  return [...own.map((one) => (name: string) => one[name]), header];
}

/** What clients send here is theirs to choose: it may be no object at all. */
function lowerCased(headers: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}
