import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const child = fileURLToPath(new URL('upload-child.ts', import.meta.url));
const megabyte = 1024 * 1024;

it('an upload of 200 MB does not gather in memory', { timeout: 60_000 }, async () => {
  let received = 0;
  const server = http.createServer((request, response) => {
    received = 0;
    request.on('data', (piece: Buffer) => (received += piece.length));
    request.on('end', () => response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":"f"}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--experimental-strip-types',
      child,
      baseUrl,
      '200',
    ]);
    expect(received).toBeGreaterThan(200 * megabyte);
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(Number(stdout)).toBeLessThan(150 * megabyte);
  } finally {
    server.close();
  }
});
