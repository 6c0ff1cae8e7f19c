import type { DifyApp } from '../dify/dify-app.ts';
import type { Dify } from '../dify/dify.ts';
import type { FilePreview } from '../dify/files.ts';
import { signedPath } from '../dify/signed-path.ts';
import { GatewayError } from '../errors.ts';
import type { RunFile } from './run-event.ts';
import type { Runs } from './runs.ts';
import { findMessage } from './stored-message.ts';
import type { Tickets } from './ticket.ts';
import type { Uploads } from './uploads.ts';

export interface UserFilesParts {
  readonly dify: Dify;
  readonly runs: Runs;
  readonly uploads: Uploads;
  readonly tickets: Tickets;
}

/** Where a file was seen: in a run of the viewer's, in a message, or in both. */
export interface FilePlace {
  readonly app: string;
  readonly runId?: string | null;
  readonly conversationId?: string | null;
  readonly messageId?: string | null;
}

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
  address(viewer: string, file: RunFile, { app, runId, conversationId, messageId }: FilePlace): string | null {
    const { id, uploadId, sourceUrl, remote, name } = file;
    if (id === '' || remote || (uploadId === null && signedPath(sourceUrl) === null)) return null;
    const content = [app, id, viewer, uploadId, runId ?? null, conversationId ?? null, messageId ?? null, name];
    const ticket = this.#parts.tickets.issue(content, this.#addressMs);
    return `/files/${encodeURIComponent(app)}/${encodeURIComponent(id)}?ticket=${ticket}`;
  }

  /** A file that the viewer uploaded here. */
  async open(viewer: string, app: string, id: string, signal: AbortSignal): Promise<OpenFile> {
    const dify = this.#app(app);
    const record = this.#parts.uploads.find(viewer, app, id);
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
    if (runId) ways.push(async () => signed(dify, await this.#inRun(viewer, runId, id), signal));
    if (conversationId && messageId) {
      const place = { user: viewer, conversationId, messageId };
      ways.push(async () => signed(dify, await inMessage(dify, place, id), signal));
    }
    return { ...(await firstOf(ways)), name };
  }

  async #inRun(viewer: string, runId: string, id: string): Promise<string | null> {
    const run = await this.#parts.runs.find(viewer, runId);
    return run?.state.files.find((file) => file.id === id)?.sourceUrl ?? null;
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

/** Not here, or no longer: what an unknown id and an old signature are answered with. */
function isGone(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false;
  return error.code === 'NOT_FOUND' || [403, 404, 410].includes(error.difyStatus ?? 0);
}

async function signed(dify: DifyApp, address: string | null, signal: AbortSignal): Promise<FilePreview | null> {
  return address === null ? null : dify.files.signed(address, signal);
}

/** Dify signs a file anew whenever its message is read. Graphs know it by another id, which is in its address. */
async function inMessage(dify: DifyApp, place: Parameters<typeof findMessage>[1], id: string): Promise<string | null> {
  const message = await findMessage(dify, place);
  return message?.files.find((file) => file.id === id || file.url?.includes(id))?.url ?? null;
}

function unknownFile(): GatewayError {
  return new GatewayError(
    'NOT_FOUND',
    'There is no such file, it is not yours, or its address is too old: ask for it again.',
  );
}
