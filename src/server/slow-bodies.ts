import type { IncomingMessage } from 'node:http';
import { isMultipart } from './file-map.ts';

/** Of connections and requests, whoever they are from. */
export interface Bounds {
  /** Connections of all kinds at once; more are not taken. */
  readonly connections: number;
  /** How long the headers of a request may take to arrive, in ms. */
  readonly headersMs: number;
  /** The same for its body, or for the next piece of an upload. */
  readonly bodyMs: number;
}

/**
 * Cuts off a client whose request does not arrive: a whole one within `ms`, an upload, which may take long, when nothing of it has come
 * for so long. Whoever sends so slowly is not there to hear why.
 */
export function cutSlowBody(request: IncomingMessage, ms: number): void {
  const { headers, socket } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  const cut = () => socket.destroy();
  if (!isUpload(request)) {
    const fuse = setTimeout(cut, ms);
    const arrived = () => clearTimeout(fuse);
    request.once('end', arrived).once('close', arrived);
    return;
  }
  const silent = () => {
    // It may be us who read no further, while Dify takes its time.
    if (request.readableLength === 0 && request.readableFlowing) cut();
    else socket.setTimeout(ms);
  };
  const arrived = () => {
    socket.off('timeout', silent);
    if (!socket.destroyed) socket.setTimeout(0);
  };
  socket.setTimeout(ms).on('timeout', silent);
  request.once('end', arrived);
}

function isUpload({ url, headers }: IncomingMessage): boolean {
  return url?.startsWith('/files') === true || isMultipart(headers['content-type']);
}
