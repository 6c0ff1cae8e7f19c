import type { Readable } from 'node:stream';
import { GatewayError } from '../errors.ts';
import type { AppClient } from './app-client.ts';
import type { Call } from './call.ts';
import { id, type Json, text, whole } from './coerce.ts';
import { header } from './http.ts';
import type { FilePart } from './multipart.ts';
import { notDify } from './not-dify.ts';
import { path } from './path.ts';
import { signedPath } from './signed-path.ts';
import { epochSeconds } from './time.ts';

/** What Dify keeps of an upload (§7.1). */
export interface UploadRecord {
  /** The upload id, which a question names as `uploadFileId`. */
  readonly id: string;
  /** Names of more than 200 characters come back shorter. */
  readonly name: string;
  readonly size: number;
  /** Without the dot; null for none. */
  readonly extension: string | null;
  readonly mimeType: string | null;
  /** Epoch seconds. */
  readonly createdAt: number | null;
  /** The end user's id in Dify. */
  readonly createdBy: string | null;
  /** Signed by Dify and short-lived; may be relative or inward. */
  readonly sourceUrl: string | null;
}

/** A body that comes as it is read. Whoever gets it reads it to its end or calls `release`; it errors when it breaks off. */
export interface FilePreview {
  readonly status: number;
  /** `content-type`, `content-length`, `content-disposition`: those that Dify sent. Its cache control is left out: it says public. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  release(): void;
}

const previewHeaders = ['content-type', 'content-length', 'content-disposition'];

/** The files of an app's users. */
export class Files {
  readonly #client: AppClient;
  /** What comes before `/files/` there; null for what the address says. */
  readonly #base: string | null;

  constructor(client: AppClient, filesUrl?: string) {
    this.#client = client;
    this.#base = filesUrl === undefined ? null : new URL(filesUrl).pathname.replace(/\/+$/, '');
  }

  /** `POST /files/upload`: sent at most once, as fast as both sides go, without holding the file. */
  async upload({ user, ...file }: FilePart & { readonly user: string }, signal: AbortSignal): Promise<UploadRecord> {
    return parseUpload(await this.#client.upload('/files/upload', user, file, signal)) ?? notDify('/files/upload');
  }

  /** `GET /files/{id}/preview`: of an upload that a message of this app names, whoever the user is (§7.3). */
  async preview(
    q: { readonly fileId: string; readonly asAttachment?: boolean },
    signal: AbortSignal,
  ): Promise<FilePreview> {
    const query = { as_attachment: q.asAttachment === true ? 'true' : undefined };
    const call = { method: 'GET' as const, path: path`/files/${q.fileId}/preview`, query, idInPath: true };
    return this.#download(call, signal);
  }

  /**
   * A file at the address that Dify has signed for it (§7.4), for minutes. Only the configured server is asked: an address comes
   * with what apps and users make, and could name any host that this process reaches.
   */
  async signed(address: string, signal: AbortSignal): Promise<FilePreview> {
    const signed = signedPath(address, this.#base);
    if (signed === null) throw new GatewayError('NOT_FOUND', 'This is no address of a file in Dify');
    return this.#download({ method: 'GET', path: signed, isSigned: true, secret: signed }, signal);
  }

  async #download(call: Call, signal: AbortSignal): Promise<FilePreview> {
    const reply = await this.#client.download(call, signal);
    const sent = previewHeaders.map((name) => [name, header(reply, name)] as const);
    return {
      status: reply.status,
      headers: Object.fromEntries(sent.filter(([, value]) => value !== '')),
      body: reply.body,
      release: () => reply.release(),
    };
  }
}

function parseUpload(from: Json): UploadRecord | null {
  const uploadId = id(from['id']);
  if (uploadId === null) return null;
  return {
    id: uploadId,
    name: text(from['name']),
    size: whole(from['size']) ?? 0,
    extension: id(from['extension']),
    mimeType: id(from['mime_type']),
    createdAt: epochSeconds(from['created_at']),
    createdBy: id(from['created_by']),
    sourceUrl: id(from['source_url']),
  };
}
