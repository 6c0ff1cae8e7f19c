import { GatewayError } from '../errors.ts';

/** What a request or an operation brings along to say who it is from. Each door fills in what it has. */
export interface Credentials {
  /** Of the HTTP request, or of the WebSocket's opening request. */
  readonly header: (name: string) => string | null | undefined;
  /** WebSocket: the payload of `connection_init`. */
  readonly connectionParams?: Readonly<Record<string, unknown>> | undefined;
  /** WebSocket: `extensions.headers` of the operation, where GraphiQL puts its headers. */
  readonly operationHeaders?: Readonly<Record<string, unknown>> | undefined;
}

/** Who a request is from. */
export interface Identity {
  /** The end user, by whatever name they are known outside. */
  readonly id: string;
  /** What they may do besides: `admin` sees and changes what belongs to an app rather than to a user. */
  readonly scopes: readonly string[];
}

/** Says who a request is from. The one place in which another way of knowing users plugs in. */
export type Identify = (credentials: Credentials) => Identity | Promise<Identity>;

/**
 * Believes whoever speaks: `x-user` of the operation, of the connection or of the request, `anonymous` without one. Only for
 * servers whose clients are trusted, such as a backend that sets the header itself.
 */
export function believeUser(admins: readonly string[]): Identify {
  return (credentials) => {
    const id = userOf(credentials);
    return { id, scopes: admins.includes(id) ? ['admin'] : [] };
  };
}

function userOf({ header, connectionParams, operationHeaders }: Credentials): string {
  const user =
    lowerCased(operationHeaders)['x-user'] ??
    connectionParams?.['user'] ??
    lowerCased(connectionParams)['x-user'] ??
    header('x-user') ??
    'anonymous';
  if (typeof user === 'string' && isName(user)) return user;
  throw new GatewayError(
    'BAD_USER_INPUT',
    'The user (`x-user`) must be a text of 1 to 255 characters without control characters.',
  );
}

/** Without half characters: two users that differ in those alone would be one to Dify. */
function isName(user: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return user.trim() !== '' && user.length <= 255 && user.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(user);
}

/** What clients send here is theirs to choose: it may be no object at all. */
function lowerCased(headers: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}
