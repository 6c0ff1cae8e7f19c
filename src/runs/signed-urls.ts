import { fileRoute } from '../dify/signed-path.ts';

/** Where an address begins; at the end of a text, also what may become `http://` or `https://`. */
const BEGINNING = /(?<![A-Za-z0-9])(?:https?:\/\/|h(?:t(?:t(?:ps?(?::\/?)?)?)?)?$)|\//g;
const CUT_SCHEME = /(?<![A-Za-z0-9])h(?:t(?:t(?:ps?:?)?)?)?$/;
/** Any other letter at the end spares the search. */
const ENDS_OF_CUT = 'htps:';
/** Up to the query, whatever host and folders it names. */
const PATH = /https?:\/\/[\w.~:@-]{0,255}(?:\/[\w.~/-]*)?|\/[\w.~/-]*/y;
const REST_OF_PATH = /[\w.~/-]*/y;
/** `&` may be written as in HTML, or as in JSON. */
const QUERY = /(?:[\w%=+-]|&(?:amp;)?|\\u0026)*/y;
const AMPERSAND = String.raw`\u0026`;
const SIGNATURE = [/[?&]timestamp=/, /[?&]nonce=/, /[?&]sign=/];

/** How long an address may be, in UTF-16 units: Dify's have about 200. */
const LONGEST_PATH = 1_024;
const LONGEST_QUERY = 1_024;
/** More than the route of a file takes. */
const ROUTE = 128;

/**
 * Replaces the addresses that Dify has signed (§7.4) in a text that comes in pieces: they are keys, and models write them into
 * answers. What may still become one is held back, 2 KB at most; however the text is cut, the same comes out.
 */
export class SignedUrls {
  readonly #replace: (url: string) => string;
  #held = '';
  /** What is held back is only the end of its path, which was too long. */
  #isLate = false;
  /** The last character before it: within a word no address begins. */
  #before = '';

  /** `replace` gets each address without the escapes of HTML and JSON. */
  constructor(replace: (url: string) => string) {
    this.#replace = replace;
  }

  /** What waits for the next piece. */
  get held(): string {
    return this.#held;
  }

  /** What is certain now. */
  feed(raw: string): string {
    // Every token comes by here.
    const last = raw.slice(-1);
    const isCut = ENDS_OF_CUT.includes(last) && CUT_SCHEME.test(raw);
    if (this.#held === '' && !isCut && !raw.includes('/')) {
      if (raw !== '') this.#before = last;
      return raw;
    }
    return this.#scan(this.#before + this.#held + raw, false);
  }

  /** What was held back: the text is over. Another may follow. */
  end(): string {
    const rest = this.#held === '' ? '' : this.#scan(this.#before + this.#held, true);
    this.#before = '';
    return rest;
  }

  /** `text` begins with the character before, which has been let go already. */
  #scan(text: string, isOver: boolean): string {
    let out = '';
    let at = this.#before.length;
    let isRest = this.#isLate;
    for (;;) {
      const start = isRest ? at : indexOf(BEGINNING, text, at);
      if (start < 0) return out + this.#hold(text, at, text.length, false);
      const end = endOf(isRest ? REST_OF_PATH : PATH, text, start);
      const isLate = isRest || end - start > LONGEST_PATH;
      isRest = false;
      const known = isLate ? Math.max(start, end - ROUTE) : start;
      if (end === text.length && !isOver) return out + this.#hold(text, at, known, isLate);
      const route = text[end] === '?' ? fileRoute.exec(text.slice(known, end)) : null;
      const queryEnd = endOf(QUERY, text, end + 1);
      const isOpen = queryEnd - end <= LONGEST_QUERY && AMPERSAND.startsWith(text.slice(queryEnd));
      if (route && isOpen && !isOver) return out + this.#hold(text, at, known, isLate);
      const last = Math.min(queryEnd, end + 1 + LONGEST_QUERY);
      const first = route && isLate ? end - route[0].length : start;
      const url = route ? plain(text.slice(first, last)) : '';
      const isSigned = SIGNATURE.every((name) => name.test(url));
      out += isSigned ? text.slice(at, first) + this.#replace(url) : text.slice(at, end);
      at = isSigned ? last : end;
    }
  }

  /** Holds the text back from `from` on, and lets go what is before. */
  #hold(text: string, at: number, from: number, isLate: boolean): string {
    this.#held = text.slice(from);
    this.#isLate = isLate;
    this.#before = text.slice(Math.max(0, from - 1), from);
    return text.slice(at, from);
  }
}

function indexOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? -1;
}

/** Where what fits at `from` ends; what only begins to fit goes on to the end of the text. */
function endOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : text.length;
}

function plain(url: string): string {
  return url
    .replaceAll(AMPERSAND, '&')
    .replaceAll('&amp;', '&')
    .replaceAll(/(?<=[^:/])\/{2,}/g, '/');
}
