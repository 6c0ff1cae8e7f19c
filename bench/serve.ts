export interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

export type Reply = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string };

type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/** The child's end: answers the calls of the process that started this one, and leaves when that has gone. */
export function serve(handlers: Handlers): void {
  const all: Handlers = { ...handlers, cpu: () => process.cpuUsage() };
  async function answer({ id, name, argument }: Call): Promise<void> {
    try {
      reply({ id, result: await all[name]?.(argument as never) });
    } catch (error) {
      reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  process.on('message', (call) => void answer(call as Call));
  process.on('disconnect', () => process.exit());
}

function reply(message: Reply): void {
  process.send?.(message);
}
