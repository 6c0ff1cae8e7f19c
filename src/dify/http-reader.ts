/** What a reply says before its body. Names are in lower case. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** What answers does not speak HTTP/1.1 as it should. */
export class NotHttp extends Error {
  override readonly name = 'NotHttp';
}

/** Of all lines before the body, or behind it, in bytes. */
const MOST_LINES = 16_384;

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

const STATUS = /^HTTP\/1\.[01] (\d{3})(?: [^\r\0]*)?\r$/;
const FIELD = /^([\w!#$%&'*+\-.^`|~]+):([^\r\0]*)\r$/;
// 13 digits are less than 2⁵², and a size that Number can count.
const CHUNK = /^0*([\da-f]{1,13})[ \t]*(?:;[^\r\0]*)?\r$/i;

/** What the next bytes are: lines before the body, the body, or lines between its chunks and behind it. */
type Place = 'status' | 'field' | 'body' | 'chunk' | 'chunk end' | 'trailer' | 'over';

/**
 * The bytes of one HTTP/1.1 reply (RFC 9112) on a connection that carries no other, in any pieces → its head and its body. Throws
 * `NotHttp`; nothing may be read after that.
 */
export class HttpReader {
  head: ReplyHead | null = null;
  from = 0;
  to = 0;
  #place: Place = 'status';
  /** Of the body, or of this chunk of it, in bytes. */
  #left = 0;
  #isChunked = false;
  #line = '';
  #lines = 0;
  #status = 0;
  #fields = noFields();

  /** All that the reply says was read. */
  get isOver(): boolean {
    return this.#place === 'over';
  }

  /**
   * Reads the first `size` of the bytes. What they hold of the body stands between `from` and `to` of them afterwards: moved together,
   * where it comes in chunks.
   */
  read(bytes: Buffer, size: number): void {
    let at = 0;
    this.from = this.to = 0;
    while (at < size && this.#place !== 'over') {
      if (this.#place !== 'body') {
        at = this.#place === 'chunk end' ? this.#betweenChunks(bytes, at, size) : this.#readLine(bytes, at, size);
        continue;
      }
      const end = Math.min(at + this.#left, size);
      if (this.to === 0) this.from = this.to = at;
      else if (this.to < at) bytes.copyWithin(this.to, at, end);
      this.to += end - at;
      this.#left -= end - at;
      at = end;
      if (this.#left === 0) this.#place = this.#isChunked ? 'chunk end' : 'over';
    }
  }

  /** The connection was closed. False if the reply was not whole. */
  close(): boolean {
    // Without a length the body goes on until then.
    if (this.#place === 'body' && this.#left === Infinity) this.#place = 'over';
    return this.#place === 'over';
  }

  /** Both lines at once, as they nearly always are: `\r\n1f4\r\n`. */
  #betweenChunks(bytes: Buffer, at: number, size: number): number {
    let end = at + 2;
    let left = 0;
    for (let digit = hexOf(bytes[end]); digit >= 0 && end < at + 8; digit = hexOf(bytes[++end]))
      left = left * 16 + digit;
    const isPlain = bytes[at] === CARRIAGE_RETURN && bytes[at + 1] === LINE_FEED && left > 0 && this.#line === '';
    if (!isPlain || end + 2 > size || bytes[end] !== CARRIAGE_RETURN || bytes[end + 1] !== LINE_FEED)
      return this.#readLine(bytes, at, size);
    this.#left = left;
    this.#place = 'body';
    return end + 2;
  }

  #readLine(bytes: Buffer, at: number, size: number): number {
    let end = at;
    while (end < size && bytes[end] !== LINE_FEED) end += 1;
    this.#lines += end - at + 1;
    if (this.#lines > MOST_LINES) throw new NotHttp(`More than ${MOST_LINES} bytes before or behind its body`);
    this.#line += bytes.toString('latin1', at, end);
    if (end < size) {
      const line = this.#line;
      this.#line = '';
      this.#take(line);
    }
    return end + 1;
  }

  /** A line without its line feed. */
  #take(line: string): void {
    switch (this.#place) {
      case 'status':
        this.#status = Number(parts(STATUS, line, 'status line')[1]);
        this.#place = 'field';
        return;
      case 'field':
        return line === '\r' ? this.#begin() : this.#field(line);
      case 'chunk':
        this.#left = parseInt(parts(CHUNK, line, 'size of a chunk')[1] ?? '', 16);
        this.#place = this.#left === 0 ? 'trailer' : 'body';
        this.#lines = 0;
        return;
      case 'chunk end':
        if (line !== '\r') throw new NotHttp('A chunk goes on after its end');
        this.#place = 'chunk';
        return;
      default:
        // A trailer says nothing that anybody asked for.
        if (line === '\r') this.#place = 'over';
    }
  }

  #field(line: string): void {
    const [, name = '', said = ''] = parts(FIELD, line, 'header');
    const value = withoutBlanks(said);
    const key = name.toLowerCase();
    const before = this.#fields[key];
    this.#fields[key] = before === undefined ? value : [before, value].flat();
  }

  /** The empty line: the body follows, unless this was only to say that the reply is under way. */
  #begin(): void {
    const [status, headers] = [this.#status, this.#fields];
    this.#lines = 0;
    this.#fields = noFields();
    if (status === 101) throw new NotHttp('It wants to speak something else');
    if (status < 200) {
      this.#place = 'status';
      return;
    }
    this.head = { status, headers };
    this.#isChunked = isChunked(headers);
    this.#left = status === 204 || status === 304 ? 0 : (lengthOf(headers) ?? Infinity);
    this.#place = this.#left === 0 ? 'over' : this.#isChunked ? 'chunk' : 'body';
  }
}

/** -1 for what is no digit of a size. */
function hexOf(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  // Capitals differ by one bit.
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Spaces and tabs around it are not part of a value. A pattern for them can take the square of their number. */
function withoutBlanks(said: string): string {
  const isBlank = (at: number) => said[at] === ' ' || said[at] === '\t';
  let [from, to] = [0, said.length];
  while (from < to && isBlank(from)) from += 1;
  while (to > from && isBlank(to - 1)) to -= 1;
  return said.slice(from, to);
}

/** Nothing is known of a name that nobody has sent. */
function noFields(): Record<string, string | string[]> {
  return Object.create(null) as Record<string, string | string[]>;
}

function parts(pattern: RegExp, line: string, what: string): RegExpExecArray {
  const found = pattern.exec(line);
  if (!found) throw new NotHttp(`No ${what}`);
  return found;
}

function isChunked({ 'transfer-encoding': coding, 'content-length': length }: ReplyHead['headers']): boolean {
  if (coding === undefined) return false;
  if (String(coding).toLowerCase() !== 'chunked' || length !== undefined)
    throw new NotHttp('The length of its body cannot be told');
  return true;
}

/** In bytes; null where nothing tells it. */
function lengthOf({ 'content-length': length }: ReplyHead['headers']): number | null {
  if (length === undefined) return null;
  if (typeof length !== 'string' || !/^\d{1,15}$/.test(length)) throw new NotHttp('No length of its body');
  return Number(length);
}
