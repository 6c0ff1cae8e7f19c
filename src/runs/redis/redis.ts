import { EventEmitter } from 'node:events';
import { Redis as Connection } from 'ioredis';
import type { Logger } from 'pino';
import { GatewayError } from '../../errors.ts';

export interface RedisOptions {
  /** redis:// or rediss:// */
  readonly url: string;
  /** Before every name, so that several gateways can share a server. Default `dify-graphql:`. */
  readonly prefix?: string;
}

/** An answer of Redis that takes longer is none, in ms. */
const COMMAND_MS = 3_000;

/**
 * Two connections, however many runs and readers: one for commands, one that hears bells. Nothing is queued while Redis is away: what
 * was to be written is kept by those who wrote it, and they are told when it is back.
 */
export class Redis implements AsyncDisposable {
  readonly prefix: string;
  readonly #commands: Connection;
  readonly #bells: Connection;
  readonly #logger: Logger;
  /** By channel. */
  readonly #heard = new EventEmitter().setMaxListeners(0);
  readonly #missed = new EventEmitter().setMaxListeners(0);
  readonly #ready: (() => void)[] = [];
  readonly #scripts = new Map<string, string>();
  #closing = false;
  #gathering = false;

  constructor({ url, prefix = 'dify-graphql:' }: RedisOptions, logger: Logger) {
    this.prefix = prefix;
    this.#logger = logger;
    this.#commands = this.#connect(url, true);
    this.#bells = this.#connect(url, false);
    this.#bells.on('message', (channel: string, message: string) => this.#heard.emit(channel, message));
    this.#bells.on('ready', () => {
      this.#subscribe(this.#heard.eventNames() as string[]);
      this.#told();
    });
  }

  /** For what brings its own commands. */
  get commands(): Connection {
    return this.#commands;
  }

  get available(): boolean {
    return this.#commands.status === 'ready';
  }

  /** Calls back whenever Redis is there, or there again. */
  onReady(ready: () => void): void {
    this.#ready.push(ready);
    if (this.available && this.#bells.status === 'ready') ready();
  }

  /** Rejects with STORE_UNAVAILABLE while Redis is away. */
  async ask<T>(command: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      this.#gather();
      return await command(this.#commands);
    } catch (cause) {
      // An answer of Redis itself is a mistake of ours, or of whoever set it up; a server that is silent closes nothing by itself.
      if (cause instanceof Error && cause.name === 'ReplyError') this.#logger.error({ err: cause }, 'Redis refused');
      else if (this.available && !this.#closing) this.#commands.disconnect(true);
      throw new GatewayError('STORE_UNAVAILABLE', 'The store of runs cannot be reached now: try again soon.', {
        cause,
        retryAfterMs: 1_000,
      });
    }
  }

  /** Runs a script as one step. */
  run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const name = this.#nameOf(script);
    return this.ask((connection) =>
      (connection as unknown as Record<string, (...all: unknown[]) => Promise<unknown>>)[name]!(
        keys.length,
        ...keys,
        ...args,
      ),
    );
  }

  /**
   * Hears a channel. Returns what ends it. `missed` is called once it is really heard, and whenever it is heard again after the
   * connection was lost: what was rung before then nobody has heard.
   */
  listen(channel: string, heard: (message: string) => void, missed: () => void = () => {}): () => void {
    const isNew = this.#heard.listenerCount(channel) === 0;
    this.#heard.on(channel, heard);
    this.#missed.on(channel, missed);
    if (isNew) this.#subscribe([channel]);
    return () => {
      this.#heard.off(channel, heard);
      this.#missed.off(channel, missed);
      if (this.#heard.listenerCount(channel) === 0 && !this.#closing) this.#bells.unsubscribe(channel).catch(ignore);
    };
  }

  /** Rings; nobody need be there to hear it. */
  ring(channel: string, message: string): void {
    this.#commands.publish(channel, message).catch(ignore);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#heard.removeAllListeners();
    this.#missed.removeAllListeners();
    this.#ready.length = 0;
    this.#commands.disconnect();
    this.#bells.disconnect();
  }

  #connect(url: string, forCommands: boolean): Connection {
    const connection = new Connection(url, {
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      commandTimeout: COMMAND_MS,
      connectTimeout: COMMAND_MS,
      // A server that does not answer at all (frozen, cut off) closes nothing: commands that time out show it.
      keepAlive: 5_000,
      retryStrategy: (times) => Math.min(50 * 2 ** times, 1_000),
      // After a fail-over the old master may still be there, and refuse to write.
      reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    });
    connection.on('error', (error: Error) => this.#logger.warn({ err: error }, 'Redis cannot be reached'));
    if (forCommands) connection.on('ready', () => this.#told());
    return connection;
  }

  /** What is asked in one turn of the event loop leaves in one system call. */
  #gather(): void {
    const { stream, status } = this.#commands;
    if (this.#gathering || status !== 'ready') return;
    this.#gathering = true;
    stream.cork();
    process.nextTick(() => {
      this.#gathering = false;
      stream.uncork();
    });
  }

  #subscribe(channels: readonly string[]): void {
    if (channels.length === 0) return;
    const missed = () => channels.forEach((channel) => this.#missed.emit(channel));
    this.#bells.subscribe(...channels).then(missed, ignore);
  }

  #told(): void {
    if (this.available && this.#bells.status === 'ready') this.#ready.forEach((ready) => ready());
  }

  #nameOf(lua: string): string {
    let name = this.#scripts.get(lua);
    if (name === undefined) {
      this.#scripts.set(lua, (name = `script${this.#scripts.size}`));
      this.#commands.defineCommand(name, { lua });
    }
    return name;
  }
}

function ignore(): void {}
