/**
 * The text of every event says which one it is and when it was written, always in as many characters. So a client sees what was
 * lost or doubled, also in pieces that were merged, and how long they took.
 */
export const WIDTH = 10;

/** A stamp has five digits: it comes round every minute. */
const MINUTE = 36 ** 5;

export function piece(index: number, stamp: number): string {
  return `${index.toString(36).padStart(4, '0')}${stamp.toString(36).padStart(5, '0')} `;
}

export function indexOf(text: string): number {
  return Number.parseInt(text.slice(0, 4), 36);
}

/** In ms. Right as long as no piece takes a minute. */
export function ageOf(text: string): number {
  return ((now() - Number.parseInt(text.slice(4, 9), 36) + MINUTE) % MINUTE) / 1_000;
}

/** In µs, on the clock that all processes of a machine share. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1_000_000 + Math.floor(nanoseconds / 1_000)) % MINUTE;
}
