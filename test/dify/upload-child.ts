/**
 * Uploads as many MB as it is told to the base URL it is told, from a source that makes them as they are asked for. Prints by how
 * many bytes its memory has grown at most.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { client, never } from './fake-server.ts';

const [baseUrl = '', megabytes = ''] = process.argv.slice(2);
const pieces = Number(megabytes) * 16;
const upload = (count: number) => ({
  user: 'u',
  name: 'big.bin',
  mimeType: 'application/octet-stream',
  size: count * 65_536,
  body: (async function* made() {
    for (let piece = 0; piece < count; piece++) {
      if (piece % 64 === 0) highest = Math.max(highest, process.memoryUsage.rss());
      // As a real source would, this one takes its turn; otherwise nothing could be collected.
      await turn();
      yield Buffer.alloc(65_536, piece);
    }
  })(),
});

let highest = 0;
await using dify = client(baseUrl);
// What the first upload compiles and loads is not what an upload costs.
await dify.one.files.upload(upload(16), never);
const rest = process.memoryUsage.rss();
highest = rest;
await dify.one.files.upload(upload(pieces), never);
process.stdout.write(String(highest - rest));
