const mostBytes = 64 * 1024 * 1024;
const mostFiles = 10_000;

/** A file somebody has uploaded. */
export interface Upload {
  readonly id: string;
  readonly app: string;
  readonly userId: string;
  readonly name: string;
  /** Without a dot, in lower case; may be empty. */
  readonly extension: string;
  readonly mimeType: string;
  readonly size: number;
  /** Undefined when the file is larger than all the room there is. */
  readonly bytes: Buffer | undefined;
  /** Microseconds. */
  readonly createdAt: number;
}

/** Uploaded files, 64 MiB of them in all: the oldest are dropped. */
export class Uploads {
  readonly #uploads = new Map<string, Upload>();
  readonly #mentioned = new Set<string>();
  #size = 0;

  add(upload: Upload): void {
    this.#uploads.set(upload.id, upload);
    this.#size += held(upload);
    for (const oldest of this.#uploads.values()) {
      if (this.#size <= mostBytes && this.#uploads.size <= mostFiles) break;
      this.#uploads.delete(oldest.id);
      this.#mentioned.delete(oldest.id);
      this.#size -= held(oldest);
    }
  }

  find(id: string): Upload | undefined {
    return this.#uploads.get(id.toLowerCase());
  }

  /** Notes that a message came with this file: only then can it be fetched (§7.3). */
  mention(id: string): void {
    if (this.#uploads.has(id)) this.#mentioned.add(id);
  }

  isMentioned(id: string): boolean {
    return this.#mentioned.has(id);
  }
}

const held = ({ bytes }: Upload) => bytes?.length ?? 0;
