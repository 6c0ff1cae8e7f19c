import type { IncomingMessage } from 'node:http';
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import { GatewayError } from '../errors.ts';
import type { Upload } from '../runs/uploads.ts';

/** What a form may have around its file, in bytes. */
const MOST_AROUND = 65_536;

/** A file on its way in; whoever gets it calls `release` when they are done, however it went. */
export interface ArrivingFile extends Upload {
  readonly release: () => void;
}

/** The file that a request brings: the part `file` of a form, or the whole body. Its bytes come as they are read. */
export async function arrivingFile(request: IncomingMessage): Promise<ArrivingFile> {
  const type = request.headers['content-type'] ?? '';
  return /^multipart\//i.test(type) ? formFile(request) : rawFile(request, type);
}

function rawFile(request: IncomingMessage, type: string): ArrivingFile {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (length === undefined && encoding === undefined)
    throw bad('There is no file: it is the body, or the part `file` of a form.');
  return {
    name: nameOf(request),
    mimeType: type.split(';', 1)[0]!.trim() || 'application/octet-stream',
    body: request,
    ...(length === undefined ? {} : { size: Number(length) }),
    release: () => {},
  };
}

/** From `x-file-name`, percent-encoded, or from `content-disposition`. */
function nameOf({ headers }: IncomingMessage): string {
  const disposition = headers['content-disposition'] ?? '';
  const [, encoded] = /;\s*filename\*=UTF-8''([^;]+)/i.exec(disposition) ?? [];
  const [, quoted, plain] = /;\s*filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition) ?? [];
  const given = headers['x-file-name']?.toString();
  const name = given ?? encoded ?? quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '';
  // Node reads headers as Latin-1.
  const text = Buffer.from(name, 'latin1').toString();
  return checkedName(given === undefined && encoded === undefined ? text : percentDecoded(text));
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Dify refuses names with a path in them. */
function checkedName(given: string): string {
  const name = given.split(/[/\\]/).at(-1)!.trim();
  if (name !== '' && name.length <= 255) return name;
  throw bad(
    'The file needs a name of 1 to 255 characters: `x-file-name`, `content-disposition`, or `filename` in a form.',
  );
}

async function formFile(request: IncomingMessage): Promise<ArrivingFile> {
  const form = reader(request);
  const found = Promise.withResolvers<Omit<ArrivingFile, 'release'>>();
  const ended = Promise.withResolvers<void>();
  const fail = (error: Error) => {
    found.reject(error);
    ended.reject(error);
  };
  ended.promise.catch(() => {});
  const length = Number(request.headers['content-length'] ?? 0);
  let files = 0;
  form.on('file', (field, stream, name, ...[, mimeType]) => {
    // Who reads it hears of it; nobody may be reading it any more.
    stream.on('error', fail);
    files += 1;
    if (files > 1 || field !== 'file') {
      stream.resume();
      return fail(bad('A form has one file, in its part `file`.'));
    }
    try {
      const body = whole(stream, ended.promise);
      found.resolve({ name: checkedName(unquoted(name)), mimeType, body, least: length - MOST_AROUND });
    } catch (error) {
      fail(error as Error);
    }
  });
  form.on('error', () => fail(bad('The form breaks off, or is none.')));
  form.on('finish', () => {
    found.reject(bad('The form has no file: it is the part `file`.'));
    ended.resolve();
  });
  const onGone = () => {
    if (!request.complete) fail(bad('The form breaks off.'));
  };
  request.once('close', onGone).on('error', onGone);
  request.pipe(form);
  const release = () => {
    request.unpipe(form);
    form.destroy();
  };
  try {
    return { ...(await found.promise), release };
  } catch (error) {
    release();
    throw error;
  }
}

function reader({ headers }: IncomingMessage) {
  try {
    return new Busboy({ headers: headers as BusboyHeaders, limits: { parts: 20, fieldSize: MOST_AROUND } });
  } catch {
    throw bad('The form has no boundary, or is of a kind that is not read here: multipart/form-data.');
  }
}

/** The file is only whole when its form is: one that breaks off, or holds another file, is not handed on to its end. */
async function* whole(stream: AsyncIterable<Buffer>, formEnded: Promise<void>): AsyncGenerator<Uint8Array> {
  yield* stream;
  await formEnded;
}

/** Browsers write quotes and line ends so. */
function unquoted(name: string | undefined): string {
  return (name ?? '').replaceAll('%22', '"').replaceAll(/%0[DA]/gi, ' ');
}

function bad(message: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', message);
}
