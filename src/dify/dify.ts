import type { Logger } from 'pino';
import type { AppUpstreams } from './app-client.ts';
import type { DifyAppOptions } from './app-options.ts';
import { DifyApp } from './dify-app.ts';
import { Upstream, type UpstreamOptions } from './http.ts';

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

  #serversOf({ baseUrl, filesUrl = baseUrl, connectMs = 10_000, maxReads = 0 }: DifyAppOptions): AppUpstreams {
    const upstream = (url: string) => this.#upstream(url, { connectMs, maxReads });
    return { api: upstream(baseUrl), files: upstream(filesUrl) };
  }

  #upstream(url: string, options: UpstreamOptions): Upstream {
    const { origin } = new URL(url);
    const key = `${origin} ${JSON.stringify(options)}`;
    const known = this.#upstreams.get(key);
    if (known !== undefined) return known;
    const made = new Upstream(origin, options);
    this.#upstreams.set(key, made);
    return made;
  }
}
