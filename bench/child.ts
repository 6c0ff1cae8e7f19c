import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { taskset } from './cores.ts';
import type { Call, Memory, Reply } from './serve.ts';

/** What a process may be told before it starts. */
export interface ChildOptions {
  /** The cores it may use, as `taskset` names them; null for all. */
  readonly cores: string | null;
  /** For node. */
  readonly flags?: readonly string[];
}

/** The parent's end of a process of the benchmark. */
export class Child {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;

  constructor(file: URL, { cores, flags = [] }: ChildOptions) {
    this.#name = fileURLToPath(file);
    const command = [process.execPath, ...flags, this.#name];
    const [program = '', ...rest] = cores === null ? command : [taskset, '-c', cores, ...command];
    this.#process = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process.on('message', (reply) => this.#take(reply as Reply));
    this.#process.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`${this.#name} ended by itself: ${code ?? signal}`));
      }
    });
  }

  async call<T = void>(name: string, argument: unknown = null): Promise<T> {
    if (!this.#process.connected) throw new Error(`${this.#name} has ended by itself`);
    const answer = Promise.withResolvers<unknown>();
    const call: Call = { id: ++this.#calls, name, argument };
    this.#waiting.set(call.id, answer);
    this.#process.send(call);
    return (await answer.promise) as T;
  }

  /** CPU time so far, of all its threads, in µs. */
  async cpu(): Promise<number> {
    const { user, system } = await this.call<NodeJS.CpuUsage>('cpu');
    return user + system;
  }

  memory(): Promise<Memory> {
    return this.call('memory');
  }

  async close(): Promise<void> {
    if (!this.#process.connected) return;
    const exit = once(this.#process, 'exit');
    this.#process.disconnect();
    await exit;
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.result);
  }
}
