import { readFileSync } from 'node:fs';

/** What to say where a process may not have so many sockets; null where it may. */
export function tooFewFiles(sockets: number): string | null {
  const needed = sockets + 200;
  const allowed = openFiles();
  return allowed < needed ? `SKIPPED: ulimit -n is ${allowed}, at least ${needed} are needed` : null;
}

function openFiles(): number {
  try {
    return Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
