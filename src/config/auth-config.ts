/** How users prove who they are. */
export interface AuthConfig {
  /** Who issues tokens. */
  readonly jwt: readonly JwtConfig[];
  readonly apiKeys: readonly {
    readonly name: string;
    /** Of the key, in hex. */
    readonly sha256: string;
    readonly scopes: readonly ('admin' | 'impersonate')[];
    /** All. */
    readonly apps: readonly string[] | undefined;
  }[];
  /** Says who asks, in a header that is believed from its addresses only. */
  readonly proxy:
    | {
        /** x-user */
        readonly header: string;
        /** None: in which the scopes stand, with spaces or commas between them. */
        readonly scopesHeader: string | undefined;
        /** 10.0.0.5, 10.0.0.0/8 */
        readonly addresses: readonly string[];
      }
    | undefined;
  /** false: without any of these, only this machine is listened to. */
  readonly allowAnonymous: boolean;
}

/** An issuer of tokens, with one of `jwksUrl`, `publicKey` and `secret`. */
export interface JwtConfig {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly jwksUrl: string | undefined;
  /** PEM */
  readonly publicKey: string | undefined;
  readonly secret: string | undefined;
  /** All that fit the key. */
  readonly algorithms: readonly string[];
  /** 30 */
  readonly clockSkewSeconds: number;
  /** sub */
  readonly userClaim: string;
  /** scope */
  readonly scopesClaim: string;
  /** None: the names of the apps that may be used; all, if it is not written here. */
  readonly appsClaim: string | undefined;
}
