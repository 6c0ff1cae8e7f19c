import { decoded } from './percent-text.ts';

/** A part of a form that came with a file name. */
export interface FormFile {
  readonly field: string;
  readonly name: string;
  /** Undefined when the part had no `Content-Type`. */
  readonly type: string | undefined;
  readonly size: number;
  /** Undefined when the file is larger than what is kept. */
  readonly bytes: Buffer | undefined;
}

/** A form, read to its end. */
export interface Form {
  readonly fields: ReadonlyMap<string, string>;
  readonly files: readonly FormFile[];
}

/** The boundary in a content type, when it is one of a form. */
export function boundaryOf(contentType: string): string | undefined {
  const [, quoted, plain] = /^multipart\/form-data\s*;.*\bboundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? [];
  return quoted ?? plain;
}

interface Part {
  readonly field: string;
  readonly name: string | undefined;
  readonly type: string | undefined;
  size: number;
  chunks: Buffer[];
}

const mostHead = 16 * 1024;
const headEnd = Buffer.from('\r\n\r\n');

/** Reads a form while it arrives. Of each part at most `keep` bytes are held; of a longer one none, but they are counted. */
export async function readForm(source: AsyncIterable<Buffer>, boundary: string, keep: number): Promise<Form> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: Part[] = [];
  let part: Part | undefined;
  let inHead = false;
  let over = false;
  // The first delimiter has no line before it.
  let rest: Buffer = Buffer.from('\r\n');

  const take = (bytes: Buffer) => {
    if (part === undefined || bytes.length === 0) return;
    part.size += bytes.length;
    if (part.size <= keep) part.chunks.push(bytes);
    else part.chunks = [];
  };
  /** Moves on by one step; false when more bytes are needed. */
  const step = (): boolean => {
    if (inHead) {
      const end = rest.indexOf(headEnd);
      if (end === -1) {
        over = rest.length > mostHead;
        return false;
      }
      part = partOf(rest.subarray(0, end).toString('utf8'));
      parts.push(part);
      rest = rest.subarray(end + headEnd.length);
      inHead = false;
      return true;
    }
    const at = rest.indexOf(delimiter);
    if (at === -1) {
      const safe = Math.max(0, rest.length - delimiter.length);
      take(rest.subarray(0, safe));
      rest = rest.subarray(safe);
      return false;
    }
    if (rest.length < at + delimiter.length + 2) return false;
    take(rest.subarray(0, at));
    part = undefined;
    const after = rest.subarray(at + delimiter.length, at + delimiter.length + 2).toString('latin1');
    over = after === '--';
    inHead = true;
    // The line end stays, so that a part without headers has an empty head.
    rest = rest.subarray(at + delimiter.length);
    return true;
  };

  for await (const chunk of source) {
    if (over) continue;
    rest = Buffer.concat([rest, chunk]);
    while (!over && step());
  }
  return formOf(parts, keep);
}

function partOf(head: string): Part {
  const headers = new Map(
    head.split('\r\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const disposition = headers.get('content-disposition') ?? '';
  return {
    field: parameter(disposition, 'name') ?? '',
    name: parameter(disposition, 'filename'),
    type: headers.get('content-type'),
    size: 0,
    chunks: [],
  };
}

/** A parameter of a `Content-Disposition`; `name*=UTF-8''…` wins. Browsers write quotes as `%22`. */
function parameter(header: string, name: string): string | undefined {
  const [, encoded] = new RegExp(String.raw`;\s*${name}\*=(?:UTF-8|utf-8)''([^;]+)`).exec(header) ?? [];
  if (encoded !== undefined) return decoded(encoded) ?? encoded;
  const [, quoted, plain] = new RegExp(String.raw`;\s*${name}=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))`).exec(header) ?? [];
  return (quoted ?? plain)?.replaceAll(/\\(["\\])/g, '$1').replaceAll('%22', '"');
}

function formOf(parts: readonly Part[], keep: number): Form {
  const fields = new Map<string, string>();
  const files: FormFile[] = [];
  for (const { field, name, type, size, chunks } of parts) {
    const bytes = size <= keep ? Buffer.concat(chunks) : undefined;
    if (name === undefined) fields.set(field, bytes?.toString('utf8') ?? '');
    else files.push({ field, name, type: type?.split(';')[0]?.trim(), size, bytes });
  }
  return { fields, files };
}
