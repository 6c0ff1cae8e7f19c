// Starts the built server as a stranger would, asks it one question and stops it: it must answer and leave with 0.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const port = await freePort();
const address = `http://127.0.0.1:${port}/graphql`;
// No configuration of ours: an empty folder and an environment with nothing but PATH in it.
const cwd = mkdtempSync(join(tmpdir(), 'smoke-'));
const server = spawn(process.execPath, [main, '--port', String(port)], {
  cwd,
  env: { PATH: process.env.PATH },
  stdio: 'inherit',
});
const exit = once(server, 'exit');

try {
  const answer = await Promise.race([ask(), exit.then(([code]) => `exit ${code}`), sleep(30_000, 'silence')]);
  console.log(answer);
  if (!answer?.data?.chat.answer) throw new Error('the server did not answer');
  const page = await (await fetch(address, { headers: { accept: 'text/html' } })).text();
  if (!page.includes('<title>dify-graphql</title>')) throw new Error('the server has no page');

  server.kill('SIGTERM');
  const [code, signal] = await Promise.race([exit, sleep(20_000, [null, 'no exit within 20 s'])]);
  if (code !== 0) throw new Error(`the server did not stop as it should: ${code ?? signal}`);
} finally {
  server.kill('SIGKILL');
  rmSync(cwd, { recursive: true });
}
process.exit();

async function ask() {
  for (;;) {
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: 'mutation { chat(input: { query: "Hello" }) { answer } }' }),
      });
      return await response.json();
    } catch (error) {
      if (error.cause?.code !== 'ECONNREFUSED') throw error;
      await sleep(100); // not listening yet
    }
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
