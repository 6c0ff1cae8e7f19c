import type { Logger } from 'pino';
import type { AppUpstreams } from './app-client.ts';
import type { DifyAppOptions } from './app-options.ts';
import { DifyApp } from './dify-app.ts';
import { Upstream } from './http.ts';

export type { DifyAppOptions } from './app-options.ts';

/** All Dify apps of one process. Apps on the same server share their connections. */
export class Dify implements AsyncDisposable {
  readonly apps: readonly DifyApp[];
  readonly #byName: ReadonlyMap<string, DifyApp>;
  readonly #upstreams = new Map<string, Upstream>();

  constructor(apps: readonly DifyAppOptions[], log: Logger) {
    this.apps = apps.map((options) => new DifyApp(options, this.#serversOf(options), log));
    this.#byName = new Map(this.apps.map((app) => [app.name, app]));
  }

  app(name: string): DifyApp | undefined {
    return this.#byName.get(name);
  }

  /** Lets go of every connection at once: streams that are still open end as `failed`. */
  async close(): Promise<void> {
    await Promise.all([...this.#upstreams.values()].map((upstream) => upstream.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #serversOf({ baseUrl, filesUrl = baseUrl, connectMs = 10_000 }: DifyAppOptions): AppUpstreams {
    return { api: this.#upstream(baseUrl, connectMs), files: this.#upstream(filesUrl, connectMs) };
  }

  #upstream(url: string, connectMs: number): Upstream {
    const { origin } = new URL(url);
    const key = `${origin} ${connectMs}`;
    const known = this.#upstreams.get(key);
    if (known !== undefined) return known;
    const made = new Upstream(origin, connectMs);
    this.#upstreams.set(key, made);
    return made;
  }
}
