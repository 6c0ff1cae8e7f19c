/** A value that fits into `maxBytes` of JSON: itself, or with its long texts and lists shortened, or null where that does not do. */
export function cut(value: unknown, maxBytes: number): { readonly value: unknown; readonly truncated: boolean } {
  if (fits(value, maxBytes)) return { value, truncated: false };
  for (let length = Math.floor(maxBytes / 4); length >= 16; length = Math.floor(length / 4)) {
    const shorter = shortened(value, length);
    if (fits(shorter, maxBytes)) return { value: shorter, truncated: true };
  }
  return { value: null, truncated: true };
}

function fits(value: unknown, maxBytes: number): boolean {
  return value === null || value === undefined || Buffer.byteLength(JSON.stringify(value)) <= maxBytes;
}

function shortened(value: unknown, length: number): unknown {
  if (typeof value === 'string') return value.length > length ? `${value.slice(0, length)}…` : value;
  if (Array.isArray(value)) return value.slice(0, length / 8).map((item) => shortened(item, length));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shortened(inner, length)]));
}
