import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { GatewayError } from '../errors.ts';

export interface FilePart {
  /** As the user sees it. */
  readonly name: string;
  readonly mimeType: string;
  /** Read piece by piece, as the connection takes it; let go of when the upload ends in any way. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Bytes. Without it the upload is chunked. */
  readonly size?: number;
}

export interface Multipart {
  readonly contentType: string;
  /** Bytes of the whole, if the file's size is known. */
  readonly length: number | undefined;
  readonly body: Readable;
}

/** A form with text fields and one file, called `file`, as a stream. `onPiece` is called for each piece that went into it. */
export function multipart(
  fields: Readonly<Record<string, string>>,
  file: FilePart,
  onPiece: () => void = () => {},
): Multipart {
  const boundary = `----dify-graphql-${randomUUID()}`;
  const texts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = Buffer.from(
    `${texts.join('')}--${boundary}\r\n` +
      `content-disposition: form-data; name="file"; filename="${quoted(file.name)}"\r\n` +
      `content-type: ${typeOf(file.mimeType)}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    length: file.size === undefined ? undefined : head.length + file.size + tail.length,
    body: framed(head, file, tail, onPiece),
  };
}

/** A file name as browsers write it, which is what Dify's parser undoes; other control characters cannot be told. */
function quoted(name: string): string {
  return name
    .replaceAll('"', '%22')
    .replaceAll('\r', '%0D')
    .replaceAll('\n', '%0A')
    .replaceAll(/\p{Cc}/gu, '_');
}

function typeOf(mimeType: string): string {
  return /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream';
}

/** By hand, not from a generator: one that waits for its source could not be ended before the source moves. */
function framed(head: Buffer, file: FilePart, tail: Buffer, onPiece: () => void): Readable {
  const pieces = file.body[Symbol.asyncIterator]();
  // What happens to a stream before its first piece is asked for is heard with that piece.
  if (file.body instanceof Readable) file.body.on('error', () => {});
  let seen = 0;
  let started = false;
  const next = async (): Promise<readonly (Uint8Array | null)[]> => {
    const piece = await pieces.next();
    if (piece.done === true) {
      if (file.size !== undefined && seen < file.size) throw wrongSize('shorter');
      return [tail, null];
    }
    seen += piece.value.byteLength;
    if (file.size !== undefined && seen > file.size) throw wrongSize('longer');
    return [piece.value];
  };
  const form = new Readable({
    // One piece at a time is waiting: whatever its size, nothing is gathered here.
    highWaterMark: 1,
    read() {
      onPiece();
      if (!started) {
        started = true;
        this.push(head);
        return;
      }
      next().then(
        (parts) => {
          for (const part of parts) this.push(part);
        },
        (error: unknown) => this.destroy(unreadable(error)),
      );
    },
    destroy(error, done) {
      pieces.return?.().catch(() => {});
      if (file.body instanceof Readable) file.body.destroy();
      done(error);
    },
  });
  // Whoever sends it hears of it; nobody may be sending it any more.
  return form.on('error', () => {});
}

function wrongSize(how: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', `The file is ${how} than its size says`);
}

function unreadable(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError('BAD_USER_INPUT', 'The file could not be read to its end', { cause: error });
}
