import { execFileSync } from 'node:child_process';

/** The program that keeps a process on some cores. Only Linux has it. */
export const taskset = 'taskset';

/** Cores as `taskset` names them. */
export interface Cores {
  /** Of what is measured: one. */
  readonly measured: string;
  /** Of what makes it work: the rest. */
  readonly others: string;
}

/** Null where there is no `taskset`, or one core only. */
export function shareCores(): Cores | null {
  const [measured, ...others] = allowedCores();
  return measured === undefined || others.length === 0 ? null : { measured: `${measured}`, others: others.join() };
}

function allowedCores(): readonly number[] {
  try {
    const said = execFileSync(taskset, ['-cp', String(process.pid)], { encoding: 'utf8' });
    // `pid 17's current affinity list: 0-3,6`
    const ranges = said.slice(said.lastIndexOf(':') + 1).split(',');
    return ranges.flatMap((range) => {
      const [from = 0, to = from] = range.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_, index) => from + index);
    });
  } catch {
    return [];
  }
}
