import { isJson, text, type Json } from './coerce.ts';

const longest = 300;

/** What a failing reply says, as far as it may be shown: never what the user typed, never more than one line. */
export interface ErrorText {
  readonly message: string;
  /** The reply is about the form of the request (shapes E2–E4 of §5.1, or the app's input form). */
  readonly aboutInput: boolean;
}

export function errorText(body: Json): ErrorText {
  const said = typeof body['message'] === 'string' ? body['message'] : '';
  const validated = /^\d+ validation errors? for /.test(said);
  const fields = validated ? pydanticFields(said) : fieldsOf(body);
  if (validated || isJson(body['errors'])) {
    return { message: oneLine(`Dify does not accept ${fields.join(', ') || 'the request'}`), aboutInput: true };
  }
  const message = oneLine(said);
  if (fields.length === 0) return { message, aboutInput: isAboutForm(message) };
  return { message: oneLine(`${fields.join(', ')}: ${message || 'not accepted'}`), aboutInput: true };
}

/** The texts of the app's own input form are only known by this phrase (§1.1.1). */
export function isAboutForm(message: string): boolean {
  return message.includes('in input form');
}

/** One line of at most 300 characters, without the router's advice that Flask appends to every 404 (§5.1). */
export function oneLine(message: string): string {
  const line = message
    .replace(/\s*You have requested this URI [^]*$/, '')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  if (line.length <= longest) return line;
  // Not through the middle of a surrogate pair.
  return `${line.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

function fieldsOf(body: Json): readonly string[] {
  if (isJson(body['errors'])) return Object.keys(body['errors']).filter(isFieldName);
  const params = text(body['params']);
  return isFieldName(params) ? [params] : [];
}

/** Pydantic writes each field on a line of its own and the complaint, with an echo of the input, indented below (E4). */
function pydanticFields(message: string): readonly string[] {
  const lines = message.split('\n');
  return lines.filter((line, index) => index > 0 && isFieldName(line) && lines[index + 1]?.startsWith('  ') === true);
}

function isFieldName(name: string): boolean {
  return /^[\w.-]{1,64}$/.test(name);
}
