import { pipeline } from 'node:stream/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Exchange } from './routes.ts';

/** Bytes on their way out; whoever gets them reads them to the end or calls `release`. */
export interface LeavingFile {
  readonly name: string | null;
  readonly mimeType: string;
  /** Of the whole, if it is known. */
  readonly size: number | null;
  readonly body: AsyncIterable<Uint8Array>;
  readonly release: () => void;
}

interface Range {
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/** Sends a file, or the range of it that is asked for, as the client takes it. */
export async function sendFile({ request, response, signal }: Exchange, file: LeavingFile): Promise<void> {
  const { size } = file;
  const asked = request.headers['if-range'] === undefined ? request.headers.range : undefined;
  const range = size === null ? null : rangeOf(asked, size);
  const headers = { ...headersOf(file), ...(size === null ? {} : { 'accept-ranges': 'bytes' }) };
  if (range === 'nowhere' || request.method === 'HEAD') {
    file.release();
    const length = size === null ? {} : { 'content-length': size };
    if (range === 'nowhere') response.writeHead(416, { ...bare, 'content-range': `bytes */${size}` }).end();
    else response.writeHead(200, { ...headers, ...length }).end();
    return;
  }
  try {
    if (range) {
      const length = range.end - range.start + 1;
      const place = `bytes ${range.start}-${range.end}/${size}`;
      response.writeHead(206, { ...headers, 'content-length': length, 'content-range': place });
      await pipeline(sliced(file.body, range), response, { signal });
    } else {
      response.writeHead(200, { ...headers, ...(size === null ? {} : { 'content-length': size }) });
      response.flushHeaders();
      await pipeline(file.body, response, { signal });
    }
  } finally {
    file.release();
  }
}

const bare = { 'content-length': 0, 'x-content-type-options': 'nosniff' };

/** One range; several, and what is none, are answered with the whole. */
function rangeOf(header: string | undefined, size: number): Range | 'nowhere' | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return null;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return null;
  return start >= size || (first === '' && Number(last) === 0) ? 'nowhere' : { start, end };
}

/** Dify knows no ranges: what comes before is read and dropped, and what comes after is not read. */
async function* sliced(body: AsyncIterable<Uint8Array>, { start, end }: Range): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of body) {
    const from = Math.max(0, start - at);
    const to = Math.min(piece.byteLength, end + 1 - at);
    at += piece.byteLength;
    if (from < to) yield piece.subarray(from, to);
    if (at > end) return;
  }
}

/** What browsers show without running anything of it. */
const shown =
  /^(image\/(png|jpe?g|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)|(audio|video)\/[\w.+-]+|text\/plain)$/;

/** What they might run, or take for what they run. */
const active = /html|xml|svg|script|flash|^multipart\/|^text\/(?!plain|csv|markdown|vtt|calendar)/;

/** A file is somebody's, of any content: whatever it says it is, it may not act as a page of this server. */
function headersOf({ name, mimeType }: LeavingFile): OutgoingHttpHeaders {
  const type = mimeType.split(';', 1)[0]!.trim().toLowerCase();
  const disposition = shown.test(type) && !active.test(type) ? 'inline' : 'attachment';
  const isType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(type) && !active.test(type);
  return {
    'content-type': isType ? type : 'application/octet-stream',
    'content-disposition': disposition + (name === null ? '' : `; filename*=UTF-8''${encoded(name)}`),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cache-control': 'private, max-age=300',
    'referrer-policy': 'no-referrer',
    // Pages of other origins may show it: its address is the permission.
    'cross-origin-resource-policy': 'cross-origin',
  };
}

function encoded(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
