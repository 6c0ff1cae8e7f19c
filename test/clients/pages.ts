import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** Serves the application's page, as a bundler makes it of our examples. */
export interface Pages extends AsyncDisposable {
  /** Of the page that is wanted so. */
  of(wanted: Readonly<Record<string, string>>): string;
}

const html = `<!doctype html><meta charset="utf-8"><title>A page</title>
<input id="question"><button id="ask">Ask</button><pre id="answer"></pre>
<p id="status"></p><p id="source"></p><p id="beats"></p><script type="module" src="/page.js"></script>`;

export async function openPages(): Promise<Pages> {
  const script = await bundled();
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    of: (wanted) => `${origin}/?${new URLSearchParams(wanted)}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bundled(): Promise<string> {
  const input = fileURLToPath(new URL('page.ts', import.meta.url));
  await using bundle = await rolldown({ input, platform: 'browser', logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  return output[0].code;
}
