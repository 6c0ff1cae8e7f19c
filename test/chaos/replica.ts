import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** One process of the product, as anybody would start it. */
export class Replica {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<unknown>;
  /** It was told to end. */
  isToEnd = false;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, url: string, exited: Promise<unknown>) {
    this.#process = process;
    this.url = url;
    this.port = Number(new URL(url).port);
    this.pid = process.pid ?? 0;
    this.exited = exited;
  }

  /** Resolves when it listens. What it complains of is added to `log`. */
  static async start(config: string, log: string): Promise<Replica> {
    const child = spawn(process.execPath, [main, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = once(child, 'exit');
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    child.stderr.pipe(createWriteStream(log, { flags: 'a' }));
    const listening = Promise.withResolvers<string>();
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, url] = /^GraphQL[^:]*: (http\S+)\/graphql$/m.exec(said) ?? [];
      if (url !== undefined) listening.resolve(url);
    });
    void exited.then(() => listening.reject(new Error(`A replica did not start: see ${log}`)));
    return new Replica(child, await listening.promise, exited);
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL' || signal === 'SIGTERM') this.isToEnd = true;
    this.#process.kill(signal);
  }

  /** As `kill -9` does it. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }
}
