import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

const isHere = spawnSync('nginx', ['-v']).status === 0;

/** False, and loudly so, where there is no nginx; where one has to be, that is a failure. */
export function hasNginx(): boolean {
  if (isHere) return true;
  const message = 'nginx is not installed: tests that need it are SKIPPED. Debian: apt-get install nginx-light';
  if (process.env['CI'] === 'true') throw new Error(message);
  process.stderr.write(`\n${message}\n\n`);
  return false;
}

/** The README's nginx, in front of servers at these two ports. */
export async function openNginx(ports: readonly [number, number]): Promise<AsyncDisposable & { readonly url: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'));
  const port = await freePort();
  const example = await readFile(new URL('../examples/nginx.conf', import.meta.url), 'utf8');
  const site = example
    .replace('listen 8000', `listen 127.0.0.1:${port}`)
    .replace('127.0.0.1:8001', `127.0.0.1:${ports[0]}`)
    .replace('127.0.0.1:8002', `127.0.0.1:${ports[1]}`);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${kind};`)
    .join(' ');
  const logs = 'error_log stderr warn; pid nginx.pid; daemon off;';
  await writeFile(join(folder, 'nginx.conf'), `${logs} events {} http { access_log off; ${paths}\n${site} }`);
  const server = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}/graphql`;
  while (
    !(await fetch(url).then(
      () => true,
      () => false,
    ))
  )
    await sleep(20); // It says nothing when it is ready.
  return {
    url,
    async [Symbol.asyncDispose]() {
      const gone = once(server, 'exit');
      server.kill('SIGTERM');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
