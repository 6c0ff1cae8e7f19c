import { Session } from 'node:inspector/promises';
import { writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

export type Reply = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string };

/** In bytes, once garbage is collected. */
export interface Memory {
  /** What the operating system sees. It does not shrink. */
  readonly resident: number;
  /** Objects and buffers that are in use. */
  readonly used: number;
}

type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/** The child's end: answers the calls of the process that started this one, and leaves when that has gone. */
export function serve(handlers: Handlers): void {
  const all: Handlers = { ...handlers, cpu: () => process.cpuUsage(), memory, profile };
  async function answer({ id, name, argument }: Call): Promise<void> {
    try {
      reply({ id, result: await all[name]?.(argument as never) });
    } catch (error) {
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  process.on('message', (call) => void answer(call as Call));
  process.on('disconnect', () => process.exit());
  // Ctrl-C reaches all processes at once: the first one says when.
  process.on('SIGINT', () => {});
}

function reply(message: Reply): void {
  process.send?.(message);
}

function memory(): Memory {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, used: heapUsed + external };
}

let session: Session | undefined;

/** Begins without a file; ends with one, into which the profile is written. */
async function profile(file: string | null): Promise<void> {
  if (!session) {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
  }
  if (file === null) return;
  const { profile } = await session.post('Profiler.stop');
  writeFileSync(file, JSON.stringify(profile));
  session.disconnect();
  session = undefined;
}
