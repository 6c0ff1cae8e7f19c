import { Readable } from 'node:stream';
import type { Recording } from '../runs/recording.ts';
import type { Speeches } from '../runs/speeches.ts';
import type { Exchange, Route } from './routes.ts';
import { sendFile } from './sent-file.ts';

/** `GET /speech/{token}`: what was ordered with `speak`, while it is spoken. The token is the permission. */
export function speechRoutes(speeches: Speeches): readonly Route[] {
  async function read(exchange: Exchange): Promise<void> {
    const { request, names, signal } = exchange;
    const token = names[0] ?? '';
    // To be asked about costs nothing.
    if (request.method === 'HEAD')
      return sendFile(exchange, { ...about(await speeches.known(token)), body: Readable.from([]) });
    const recording = await speeches.fetch(token);
    // Safari asks for the first two bytes, and plays nothing unless it gets just those.
    if (/^bytes=\d+-\d+$/.test(request.headers.range ?? '')) await recording.whole;
    return sendFile(exchange, { ...about(recording), body: recording.read(signal) });
  }
  return [{ methods: ['GET', 'HEAD'], path: /^\/speech\/([\w-]+)$/, answer: read }];
}

/** Of a speech that may not have begun. */
function about(recording: Recording | undefined) {
  const { mimeType, complete, bytes } = recording ?? { mimeType: 'audio/mpeg', complete: false, bytes: 0 };
  return { name: null, mimeType, size: complete ? bytes : null, release: () => {} };
}
