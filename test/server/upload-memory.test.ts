import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { program } from './carrying.ts';

const child = fileURLToPath(new URL('upload-gateway.ts', import.meta.url));
const megabyte = 1_048_576;

async function said<T>(gateway: ChildProcess, what?: string): Promise<T> {
  const answer = once(gateway, 'message');
  if (what !== undefined) gateway.send(what);
  return ((await answer) as [T])[0];
}

function* pieces(megabytes: number, before = '', after = ''): Generator<Buffer> {
  yield Buffer.from(before);
  for (let piece = 0; piece < megabytes * 16; piece += 1) yield Buffer.alloc(65_536, piece);
  yield Buffer.from(after);
}

/** Uploads so many MB as a form or as a body, as fast as they are taken. */
async function upload(url: string, kind: string, megabytes: number): Promise<number> {
  const isForm = kind === 'form';
  const head =
    '--b\r\ncontent-disposition: form-data; name="file"; filename="a.mp4"\r\ncontent-type: video/mp4\r\n\r\n';
  const body = isForm ? pieces(megabytes, head, '\r\n--b--\r\n') : pieces(megabytes);
  const request = http.request(new URL('/files/assistant', url), {
    method: 'POST',
    headers: isForm
      ? { ...program, 'content-type': 'multipart/form-data; boundary=b' }
      : { 'content-type': 'video/mp4', 'x-file-name': 'a.mp4' },
  });
  const answered = once(request, 'response');
  await pipeline(Readable.from(body, { objectMode: false }), request);
  const [response] = (await answered) as [http.IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}

test.each(['form', 'body'])('an upload of 200 MB does not gather in memory: %s', { timeout: 60_000 }, async (kind) => {
  let received = 0;
  const dify = http.createServer((request, response) => {
    received = 0;
    request.on('data', (piece: Buffer) => (received += piece.length));
    const settings = { file_upload: { enabled: true }, system_parameters: { video_file_size_limit: 1_000 } };
    request.on('end', () => {
      const isUpload = request.url === '/v1/files/upload';
      response.writeHead(isUpload ? 201 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isUpload ? { id: 'f', name: 'a.mp4' } : settings));
    });
  });
  dify.listen(0, '127.0.0.1');
  await once(dify, 'listening');
  const base = `http://127.0.0.1:${(dify.address() as AddressInfo).port}/v1`;
  const gateway = fork(child, [base], { execArgv: ['--experimental-strip-types'] });
  try {
    const url = await said<string>(gateway);
    // What the first upload compiles and loads is not what an upload costs.
    expect(await upload(url, kind, 1)).toBe(201);
    expect(await said<number>(gateway, 'rest')).toBeGreaterThan(0);
    expect(await upload(url, kind, 200)).toBe(201);
    expect(received).toBeGreaterThan(200 * megabyte);
    const grown = await said<number>(gateway, 'grown');
    expect(grown).toBeGreaterThan(0);
    expect(grown).toBeLessThan(150 * megabyte);
  } finally {
    gateway.kill();
    dify.closeAllConnections();
    dify.close();
  }
});
