import type { UserFiles } from '../runs/user-files.ts';
import type { Uploaded, Uploads } from '../runs/uploads.ts';
import type { Exchange, Route } from './routes.ts';
import { sendFile } from './sent-file.ts';
import { arrivingFile } from './upload-body.ts';

export interface FileParts {
  readonly uploads: Uploads;
  readonly files: UserFiles;
  readonly defaultApp: string;
}

/** `POST /files/{app}`, or `/files?app=`, hands a file to Dify; `GET /files/{app}/{id}` reads it back. Neither holds it. */
export function fileRoutes({ uploads, files, defaultApp }: FileParts): readonly Route[] {
  async function upload({ request, response, query, names, signal, viewerFor }: Exchange): Promise<void> {
    const app = names[0] ?? query.get('app') ?? defaultApp;
    const user = await viewerFor(app);
    const { release, ...file } = await arrivingFile(request);
    try {
      const uploaded = await uploads.send(user, app, file, signal);
      const text = JSON.stringify(shown(uploaded));
      response.writeHead(201, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(text),
        'cache-control': 'no-store',
      });
      response.end(text);
    } finally {
      release();
    }
  }

  async function read(exchange: Exchange): Promise<void> {
    const { query, names, signal, viewerFor } = exchange;
    const [app = '', id = ''] = names;
    const ticket = query.get('ticket');
    const opened =
      ticket === null
        ? await files.open(await viewerFor(app), app, id, signal)
        : await files.openWith(ticket, app, id, signal);
    const { headers, body, name } = opened;
    const length = Number(headers['content-length']);
    const size = headers['content-length'] !== undefined && Number.isSafeInteger(length) ? length : null;
    const mimeType = headers['content-type'] ?? 'application/octet-stream';
    await sendFile(exchange, { name, mimeType, size, body, release: () => opened.release() });
  }

  return [
    { methods: ['POST'], path: /^\/files(?:\/([^/]+))?\/?$/, answer: upload },
    { methods: ['GET', 'HEAD'], path: /^\/files\/([^/]+)\/([^/]+)$/, answer: read },
  ];
}

/** As GraphQL’s `UploadedFile`. */
function shown({ id, name, size, extension, mimeType, type, createdAt }: Uploaded): object {
  const created = new Date((createdAt ?? Date.now() / 1_000) * 1_000).toISOString();
  return { id, name, size, extension, mimeType, type: type.toUpperCase(), createdAt: created };
}
