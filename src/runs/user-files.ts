import type { DifyApp } from '../dify/dify-app.ts';
import type { Dify } from '../dify/dify.ts';
import type { FilePreview } from '../dify/files.ts';
import type { MessageRecord } from '../dify/records.ts';
import { signedPath } from '../dify/signed-path.ts';
import { GatewayError } from '../errors.ts';
import type { RunFile } from './run-event.ts';
import type { FilePlace } from './run-file.ts';
import type { Runs } from './runs.ts';
import { findMessage } from './stored-message.ts';
import { textFile, withUrls } from './text-files.ts';
import type { Tickets } from './ticket.ts';
import type { Uploads } from './uploads.ts';

export interface UserFilesParts {
  readonly dify: Dify;
  readonly runs: Runs;
  readonly uploads: Uploads;
  readonly tickets: Tickets;
}

/** What must be known of a file. */
type KnownFile = Pick<RunFile, 'id' | 'uploadId' | 'sourceUrl' | 'remote' | 'name'>;

/** A file that its owner reads. */
export interface OpenFile extends FilePreview {
  /** As far as it is known. */
  readonly name: string | null;
}

/**
 * The files of users. Dify shows uploads to whoever knows their ids (§0.12 of service-api), and other files at addresses that it
 * signs for minutes: here a file is read by whom it belongs to, or with a ticket that they were given.
 */
export class UserFiles {
  readonly #parts: UserFilesParts;
  readonly #addressMs: number;

  /** `addressMs`: how long the address of a file is good. */
  constructor(parts: UserFilesParts, addressMs = 3_600_000) {
    this.#parts = parts;
    this.#addressMs = addressMs;
  }

  /** Where the viewer, and whoever they tell, reads a file: a path with a ticket. Null if it cannot be read here. */
  address(viewer: string, file: KnownFile, { app, runId, conversationId, messageId }: FilePlace): string | null {
    const { id, uploadId, sourceUrl, remote, name } = file;
    if (id === '' || remote || (uploadId === null && signedPath(sourceUrl) === null)) return null;
    const content = [app, id, viewer, uploadId, runId ?? null, conversationId ?? null, messageId ?? null, name];
    const ticket = this.#parts.tickets.issue(content, this.#addressMs);
    return `/files/${encodeURIComponent(app)}/${encodeURIComponent(id)}?ticket=${ticket}`;
  }

  /** The same for a file that a text names by an address that Dify has signed. */
  textAddress(viewer: string, url: string, place: FilePlace): string | null {
    const file = textFile(url);
    const isFindable = Boolean(place.runId ?? (place.conversationId && place.messageId));
    return file && isFindable
      ? this.address(viewer, { ...file, uploadId: null, sourceUrl: url, remote: false }, place)
      : null;
  }

  /** A file that the viewer uploaded here. */
  async open(viewer: string, app: string, id: string, signal: AbortSignal): Promise<OpenFile> {
    const dify = this.#app(app);
    const record = await this.#parts.uploads.find(viewer, app, id);
    if (!record) throw unknownFile();
    const found = await firstOf([
      () => dify.files.preview({ fileId: id }, signal),
      // Until a message has it, Dify shows it only at the address that came with the upload.
      () => signed(dify, record.sourceUrl, signal),
    ]);
    return { ...found, name: record.name };
  }

  /** A file with the ticket of its address. */
  async openWith(ticket: string, app: string, id: string, signal: AbortSignal): Promise<OpenFile> {
    const content = this.#parts.tickets.read(ticket) as readonly (string | null)[] | null;
    const [forApp, forId, viewer, uploadId, runId, conversationId, messageId, name = null] = content ?? [];
    if (forApp !== app || forId !== id || typeof viewer !== 'string') throw unknownFile();
    const dify = this.#app(app);
    const ways: Way[] = [];
    if (uploadId) ways.push(() => dify.files.preview({ fileId: uploadId }, signal));
    const run = runId ? await this.#parts.runs.find(viewer, runId) : undefined;
    if (run) {
      ways.push(() => signed(dify, run.state.files.find((file) => file.id === id)?.sourceUrl ?? null, signal));
      ways.push(() => signed(dify, run.state.signed.get(id) ?? null, signal));
    }
    if (conversationId && messageId) {
      const message = once(() => findMessage(dify, { user: viewer, conversationId, messageId }));
      ways.push(async () => signed(dify, amongFiles(await message(), id), signal));
      ways.push(async () => {
        // Dify signs whatever stands in an answer, also what a model was talked into.
        await this.#parts.uploads.refuseForeign(viewer, id);
        return signed(dify, inTexts(await message(), id), signal);
      });
    }
    return { ...(await firstOf(ways)), name };
  }

  #app(name: string): DifyApp {
    const app = this.#parts.dify.app(name);
    if (!app) throw new GatewayError('APP_NOT_FOUND', `No app named “${name}” is served here.`);
    return app;
  }
}

/** A way to a file; null where it leads nowhere. */
type Way = () => Promise<FilePreview | null>;

/** The first that leads to it. */
async function firstOf(ways: readonly Way[]): Promise<FilePreview> {
  for (const way of ways) {
    const found = await way().catch((error: unknown) => {
      if (isGone(error)) return null;
      throw error;
    });
    if (found) return found;
  }
  throw unknownFile();
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Not here, or no longer: what an unknown id and an old signature are answered with. */
function isGone(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false;
  return error.code === 'NOT_FOUND' || [403, 404, 410].includes(error.difyStatus ?? 0);
}

async function signed(dify: DifyApp, address: string | null, signal: AbortSignal): Promise<FilePreview | null> {
  return address === null ? null : dify.files.signed(address, signal);
}

/** Dify signs a file anew whenever its message is read. Graphs know it by another id, which is in its address. */
function amongFiles(message: MessageRecord | null, id: string): string | null {
  return message?.files.find((file) => file.id === id || file.url?.includes(id))?.url ?? null;
}

/** So does it with the addresses in an answer. */
function inTexts(message: MessageRecord | null, id: string): string | null {
  let found: string | null = null;
  withUrls({ ...message, files: null, query: null }, (url) => {
    if (textFile(url)?.id === id) found ??= url;
    return url;
  });
  return found;
}

function unknownFile(): GatewayError {
  return new GatewayError(
    'NOT_FOUND',
    'There is no such file, it is not yours, or its address is too old: ask for it again.',
  );
}
