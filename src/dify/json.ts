/** Python, which Dify is written in, nests no deeper; what walks through values here, or writes them, recurses. */
const DEEPEST = 1_000;

/**
 * JSON as Dify writes it: Python's `json.dumps` lets `NaN` and `Infinity` through (§0.3), which are read as null on a second
 * try. Undefined for what is no JSON, and for what is nested deeper than anybody writes it.
 */
export function parseJson(text: string): unknown {
  // A level takes two characters at least: nearly nothing is long enough to be looked at.
  if (text.length > 2 * DEEPEST && isTooDeep(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text.includes('NaN') || text.includes('Infinity') ? parseStrictly(withoutNonFinite(text)) : undefined;
  }
}

/** Whether more than so many brackets are open at once, outside of strings. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = endOfString(text, at) - 1;
    // `{` and `[`, `}` and `]`: they differ in one bit.
    else if ((char | 0x20) === 0x7b) {
      if (++depth > DEEPEST) return true;
    } else if ((char | 0x20) === 0x7d) depth--;
  }
  return false;
}

function parseStrictly(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Replaces the tokens outside strings. By hand, because a pattern over strings of many MB can exhaust the regex stack. */
function withoutNonFinite(text: string): string {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const outside = text.slice(at, quote === -1 ? text.length : quote);
    out += outside.replaceAll(/-?\b(?:NaN|Infinity)\b/g, 'null');
    if (quote === -1) break;
    const close = endOfString(text, quote);
    out += text.slice(quote, close);
    at = close;
  }
  return out;
}

/** The position after the closing quote of the string that opens at `quote`. */
function endOfString(text: string, quote: number): number {
  for (let at = text.indexOf('"', quote + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let first = at;
    while (text[first - 1] === '\\') first--;
    if ((at - first) % 2 === 0) return at + 1;
  }
  return text.length;
}
