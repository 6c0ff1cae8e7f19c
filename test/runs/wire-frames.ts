/** One frame of Dify's event stream, as JSON tells it. */
export type Frame = Readonly<Record<string, unknown>>;

/**
 * A second reading of the same bytes, written from the description of the wire and sharing nothing with the gateway: whole
 * text at once, split into lines, one `JSON.parse` a frame (§2.1 of service-api). Pings have no data and make no frame.
 */
export function framesOf(bytes: Uint8Array): readonly Frame[] {
  const blocks = Buffer.from(bytes)
    .toString('utf8')
    .split(/(?:\r\n|\n){2}/);
  return blocks.flatMap((block) => {
    const data = block.split(/\r?\n/).filter((line) => line.startsWith('data:'));
    if (data.length === 0) return [];
    try {
      return [JSON.parse(data.map((line) => line.slice('data:'.length)).join('\n')) as Frame];
    } catch {
      return []; // cut in its middle: not a frame
    }
  });
}

/** Where each frame with data ends, in bytes. */
export function frameEnds(bytes: Buffer): readonly number[] {
  const ends: number[] = [];
  for (let from = 0, at = bytes.indexOf('\n\n'); at !== -1; from = at + 2, at = bytes.indexOf('\n\n', from)) {
    if (framesOf(bytes.subarray(from, at + 2)).length > 0) ends.push(at + 2);
  }
  return ends;
}

export function name(frame: Frame): string {
  return string(frame['event']) ?? '';
}

/** The members of a frame of a graph are in `data`. */
export function inner(frame: Frame): Frame {
  return object(frame['data']);
}

export function object(value: unknown): Frame {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Frame) : {};
}

export function array(value: unknown): readonly Frame[] {
  return Array.isArray(value) ? (value as readonly Frame[]) : [];
}

/** Null for what is missing, null or empty. */
export function string(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** Epoch seconds as GraphQL tells an instant. */
export function instant(value: unknown): string | null {
  return typeof value === 'number' ? new Date(value * 1000).toISOString() : null;
}

/** Exact, without an exponent: `6E-7` is 0.0000006. */
export function price(value: unknown): string | null {
  const [mantissa = '', exponent = '0'] = (typeof value === 'string' ? value : '').split(/e/i);
  const [whole = '', fraction = ''] = mantissa.split('.');
  if (!/^\d+$/.test(whole + fraction)) return null;
  const places = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction) * 10n ** BigInt(Math.max(0, -places));
  if (places <= 0) return String(digits);
  const padded = String(digits).padStart(places + 1, '0');
  return `${padded.slice(0, -places)}.${padded.slice(-places)}`;
}
