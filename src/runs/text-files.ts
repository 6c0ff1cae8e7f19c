import { fileRoute, signedPath } from '../dify/signed-path.ts';
import type { Envelope } from '../dify/wire-event.ts';
import { SignedUrls } from './signed-urls.ts';

/** Stands in a text for an address that cannot be served: readers of Markdown show nothing there. */
export const NOWHERE = 'about:blank';

/** A file that a text names by an address that Dify has signed. */
export interface TextFile {
  readonly id: string;
  readonly name: string | null;
}

/** The file of an address; null if Dify cannot have signed that. */
export function textFile(url: string): TextFile | null {
  const path = signedPath(url)?.replace(/\?.*$/, '');
  const { tool, extension = '', upload } = fileRoute.exec(path ?? '')?.groups ?? {};
  if (tool !== undefined) return { id: tool, name: `${tool}${extension}` };
  return upload === undefined ? null : { id: upload, name: null };
}

/** A copy of a value in whose texts addresses that Dify has signed are replaced; what has none is the same. */
export function withUrls<T>(value: T, replace: (url: string) => string): T {
  return replaced(value, new SignedUrls(replace)) as T;
}

function replaced(value: unknown, urls: SignedUrls): unknown {
  if (typeof value === 'string') return value.includes('/files/') ? urls.feed(value) + urls.end() : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => replaced(item, urls));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, urls)]));
}

/** Makes an address of this server's for one that Dify has signed; null where it cannot be served. */
export type AddressMaker = (url: string, ids: Envelope) => string | null;

/** The files in the texts of a run. Each keeps the address it got first: texts are compared. */
export class TextFiles {
  readonly #make: AddressMaker;
  readonly #addresses = new Map<string, string>();
  #seen: Record<string, string> | undefined;

  constructor(make: AddressMaker) {
    this.#make = make;
  }

  /** What takes the place of an address that Dify has signed. */
  addressOf(url: string, ids: Envelope): string {
    const file = textFile(url);
    if (file === null) return NOWHERE;
    (this.#seen ??= {})[file.id] = url;
    const known = this.#addresses.get(file.id);
    if (known !== undefined) return known;
    const address = this.#make(url, ids) ?? NOWHERE;
    this.#addresses.set(file.id, address);
    return address;
  }

  /** Those met since the last call, by id: where Dify has them. */
  taken(): Readonly<Record<string, string>> | undefined {
    const seen = this.#seen;
    this.#seen = undefined;
    return seen;
  }
}
