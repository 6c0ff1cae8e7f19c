/**
 * JSON as Dify writes it: Python's `json.dumps` lets `NaN` and `Infinity` through (§0.3), which are read as null on a second
 * try. Undefined for what is no JSON.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.includes('NaN') || text.includes('Infinity') ? parseStrictly(withoutNonFinite(text)) : undefined;
  }
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
  let at = quote + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
