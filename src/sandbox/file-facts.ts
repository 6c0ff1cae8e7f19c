import { extensionOf } from './file-kinds.ts';
import { shortened } from './wording.ts';

/** What the apps can tell of a file. */
export interface Seen {
  readonly filename: string;
  readonly mimeType: string;
  /** -1 when nobody knows. */
  readonly size: number;
  readonly bytes?: Buffer | undefined;
  /** Where it is, if it was not uploaded. */
  readonly address?: string | null;
}

/** A sentence or two about the files that came with a question; empty when none did. */
export function sayWhatIsSeen(files: readonly Seen[]): string {
  const [one, ...others] = files;
  if (one === undefined) return '';
  if (others.length === 0) return `You sent me ${described(one)}.${beginning(one)}`;
  return `You sent me ${files.length} files:\n\n${files.map((file) => `- ${described(file)}`).join('\n')}`;
}

/** `**picture.png** (PNG, 640 × 480, 12 kB)` */
export function described({ filename, mimeType, size, bytes, address }: Seen): string {
  const picture = bytes === undefined ? undefined : dimensions(bytes);
  const kind = (extensionOf(filename) || mimeType).toUpperCase();
  const facts = [kind, picture && `${picture.width} × ${picture.height}`, size < 0 ? '' : amountOf(size)];
  const known = facts.filter((fact) => fact !== undefined && fact !== '').join(', ');
  const where = address === undefined || address === null ? '' : ` at ${address}, which I do not fetch`;
  return `**${filename}** (${known})${where}`;
}

/** What a text file begins with. */
function beginning({ mimeType, bytes }: Seen): string {
  if (bytes === undefined || !/^text\/|json$/.test(mimeType)) return '';
  const start = shortened(bytes.subarray(0, 400).toString('utf8'), 80);
  return start === '' ? '' : ` It begins: “${start}”`;
}

/** Width and height of a PNG, GIF or JPEG. */
export function dimensions(bytes: Buffer): { readonly width: number; readonly height: number } | undefined {
  if (bytes.length >= 24 && bytes.toString('latin1', 1, 4) === 'PNG') {
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  }
  if (bytes.length >= 10 && bytes.toString('latin1', 0, 3) === 'GIF') {
    return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  }
  return bytes[0] === 0xff && bytes[1] === 0xd8 ? jpegDimensions(bytes) : undefined;
}

/** A JPEG is a row of segments, each with its length; the one that starts a frame knows the size. */
function jpegDimensions(bytes: Buffer) {
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1] ?? 0;
    const startsFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (startsFrame) return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}

function amountOf(size: number): string {
  if (size < 1_000) return `${size} bytes`;
  return size < 1_000_000 ? `${Math.round(size / 1_000)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
}
