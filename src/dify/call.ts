import type { Json } from './coerce.ts';
import type { Ask } from './exchange.ts';

export interface Read {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** The path holds an id that must be a UUID: of another one Dify's router knows nothing (§1). */
  readonly idInPath?: boolean;
  /** From the root of the server of files, and without the key: an address that Dify has signed. */
  readonly isSigned?: boolean;
  /** The body is a file. */
  readonly isUpload?: boolean;
  /** A part of the path that may appear in no message. */
  readonly secret?: string;
}

export interface Call extends Read {
  readonly method: Ask['method'];
  /** JSON, also for `DELETE`. */
  readonly body?: Json;
}
