import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { invalidParam } from './errors.ts';
import { endOf, put } from './stream-writer.ts';

interface Recording {
  readonly body: Buffer;
  /** `[ms since the request, bytes]` of each read of the recording's socket; headers and chunk framing count. */
  readonly reads: readonly (readonly [number, number])[];
  readonly cut: boolean;
}

/** Loads a recorded stream by its name, e.g. `chat/01-stream`. */
export async function loadRecording(folder: string | undefined, name: string): Promise<Recording> {
  if (folder === undefined) throw invalidParam('This sandbox was opened without recordings.');
  if (!/^[\w-]+\/[\w-]+$/.test(name))
    throw invalidParam(`${JSON.stringify(name)} is no name of a recording: try chat/01-stream.`);
  try {
    const meta = JSON.parse(await readFile(join(folder, `${name}.meta.json`), 'utf8')) as {
      reads: Recording['reads'];
      clientCut?: boolean;
    };
    return { body: await readFile(join(folder, `${name}.sse`)), reads: meta.reads, cut: meta.clientCut === true };
  } catch {
    const near = await readdir(join(folder, name.split('/')[0] ?? '')).catch(() => []);
    const known = near.filter((file) => file.endsWith('.sse')).map((file) => file.slice(0, -4));
    throw invalidParam(`There is no recorded stream ${name}. In the same folder: ${known.join(', ') || 'none'}.`);
  }
}

/** Sends a recording in the pieces and at the times in which it was received. One that was cut ends in a reset. */
export async function replay(response: ServerResponse, recording: Recording, pace: number): Promise<void> {
  const over = new AbortController();
  void endOf(response).then(() => over.abort());
  response.statusCode = 200;
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  const startedAt = performance.now();
  for (const { atMs, bytes } of writesOf(recording)) {
    const waitMs = atMs * pace - (performance.now() - startedAt);
    if (waitMs > 0) await setTimeout(waitMs, undefined, { signal: over.signal }).catch(() => undefined);
    if (over.signal.aborted) return;
    await put(response, bytes);
  }
  if (recording.cut) response.socket?.resetAndDestroy();
  else response.end();
}

/** The body's share of each socket read. Dify sends one frame a chunk, so where the framing lay can be told. */
export function writesOf({ body, reads, cut }: Recording): { readonly atMs: number; readonly bytes: Buffer }[] {
  const offsets = framedOffsets(body);
  const framed = offsets.length;
  const read = reads.reduce((sum, [, bytes]) => sum + bytes, 0);
  // What is left are the response's headers; `0\r\n\r\n` ends a stream that was not cut.
  let position = framed - read + (cut ? 0 : lastChunk);
  let sent = 0;
  const writes = reads.map(([atMs, bytes]) => {
    position += bytes;
    const upTo = position <= 0 ? 0 : position >= framed ? body.length : (offsets[position] ?? body.length);
    const slice = body.subarray(sent, upTo);
    sent = Math.max(sent, upTo);
    return { atMs, bytes: slice };
  });
  return writes.filter(({ bytes }) => bytes.length > 0);
}

const lastChunk = '0\r\n\r\n'.length;

/** For each byte of the chunked stream, how many bytes of the body have come before it. */
function framedOffsets(body: Buffer): number[] {
  const offsets: number[] = [];
  for (let start = 0; start < body.length;) {
    const found = body.indexOf('\n\n', start);
    const end = found === -1 ? body.length : found + 2;
    const size = (end - start).toString(16).length + 2;
    for (let index = 0; index < size; index += 1) offsets.push(start);
    for (let index = start; index < end; index += 1) offsets.push(index);
    offsets.push(end, end);
    start = end;
  }
  return offsets;
}
