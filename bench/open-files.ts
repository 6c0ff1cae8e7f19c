import { readFileSync } from 'node:fs';

/** What a process has open besides. */
const others = 200;

/** What to say where a process may not have so many sockets; null where it may. */
export function tooFewFiles(sockets: number): string | null {
  const [allowed, needed] = [openFiles(), sockets + others];
  return allowed < needed ? `SKIPPED: ulimit -n is ${allowed}, at least ${needed} are needed` : null;
}

/** How many sockets a process may have. */
export function roomForSockets(): number {
  return openFiles() - others;
}

function openFiles(): number {
  try {
    return Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
