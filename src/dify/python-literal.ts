/**
 * The JSON value of what Python writes for one, `{'a': [1, None, True]}`: Dify tells lists and objects so (§1.20 of service-api).
 * Undefined for anything else.
 */
export function parsePython(text: string): unknown {
  const tokens = text.match(token);
  // What is between the tokens must be white space, or this is nothing that Python wrote.
  if (tokens === null || text.replaceAll(token, '').trim() !== '') return undefined;
  try {
    return JSON.parse(tokens.map(jsonOf).join(' ')) as unknown;
  } catch {
    return undefined;
  }
}

const token =
  /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"|[[\]{},:]|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])|\b(?:None|True|False)\b/g;

const words: Readonly<Record<string, string>> = { None: 'null', True: 'true', False: 'false' };

/** A text in either quotes becomes one in JSON's; numbers and brackets are the same. */
function jsonOf(found: string): string {
  if (!/^['"]/.test(found)) return words[found] ?? found;
  return JSON.stringify(found.slice(1, -1).replaceAll(escape, unescaped));
}

const escape = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([^]))/g;
const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function unescaped(_: string, ...found: readonly (string | undefined)[]): string {
  const [x, u, long, letter = ''] = found;
  const hex = x ?? u ?? long;
  return hex === undefined ? (letters[letter] ?? letter) : String.fromCodePoint(Number.parseInt(hex, 16));
}
