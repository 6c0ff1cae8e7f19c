/**
 * JSON as Python's `json.dumps` writes it: a space after every `:` and `,`, and all that is not ASCII escaped unless
 * `ascii` is false. Dify answers like this wherever it does not stream (§0.3 of the Service API).
 */
export function pythonJson(value: unknown, ascii = true): string {
  if (typeof value === 'string') return ascii ? escaped(JSON.stringify(value)) : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item ?? null, ascii)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([key, member]) => `${pythonJson(key, ascii)}: ${pythonJson(member, ascii)}`).join(', ')}}`;
  }
  return JSON.stringify(value ?? null);
}

/** A value as Python's `repr` shows it, e.g. `{'a': 1, 'b': None}`: error texts and conversation variables look like this. */
export function pythonRepr(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, member]) => `${quoted(key)}: ${pythonRepr(member)}`)
      .join(', ')}}`;
  }
  return value === null || value === undefined ? 'None' : String(value as number);
}

/** The name of a JSON value's type in Python. */
export function pythonType(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return 'dict';
}

function escaped(text: string): string {
  return text.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
  return quote + (quote === "'" ? inner.replaceAll("'", "\\'") : inner) + quote;
}
