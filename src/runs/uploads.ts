import type { DifyApp } from '../dify/dify-app.ts';
import type { Dify } from '../dify/dify.ts';
import type { UploadRecord } from '../dify/files.ts';
import type { FilePart } from '../dify/multipart.ts';
import type { AppParameters } from '../dify/parameters.ts';
import { GatewayError } from '../errors.ts';
import { MemoryNotes, type Notes } from './notes.ts';
import type { Runs } from './runs.ts';
import { admitted, kindOf, tooLarge, type Admission, type FileFacts } from './upload-check.ts';
import { elapsed } from './wait.ts';

/** A file that its user may now refer to. */
export interface Uploaded extends UploadRecord {
  /** What to call it in a question. */
  readonly type: Admission['type'];
}

export interface Upload extends FilePart {
  /** Where the size is not known: it cannot be less than this. */
  readonly least?: number;
}

/** How long the user of an upload is remembered, in ms. */
const KNOWN_MS = 7 * 86_400_000;

interface Known {
  readonly viewer: string;
  readonly app: string;
  readonly record: UploadRecord;
}

/** How long an upload may wait for the app's settings, in ms; they are asked for once in a while and then known. */
const TELL_MS = 2_000;

/** A file that is refused is held to settings of this age at most, in ms: the app may have been published anew. */
const FRESH_MS = 5_000;

const MB = 1_048_576;

/** Hands files on to Dify, and remembers whose they are: Dify shows an upload to whoever knows its id (§0.12 of service-api). */
export class Uploads {
  readonly #dify: Dify;
  readonly #runs: Runs;
  readonly #check: ReadonlySet<string>;
  readonly #notes: Notes;

  /** `check`: apps whose uploads are held to the app's settings before Dify gets them. */
  constructor(dify: Dify, runs: Runs, check: ReadonlySet<string> = new Set(), notes: Notes = new MemoryNotes()) {
    this.#dify = dify;
    this.#runs = runs;
    this.#check = check;
    this.#notes = notes;
  }

  /** Sends a file as it comes, holding none of it. Its source is the caller's to let go of. */
  async send(viewer: string, app: string, file: Upload, signal: AbortSignal): Promise<Uploaded> {
    const dify = this.#dify.app(app);
    if (!dify) throw new GatewayError('APP_NOT_FOUND', `No app named “${app}” is served here.`);
    const { type, limitMb } = await this.#admit(viewer, dify, file);
    const { name, mimeType, size, least, body } = file;
    if (limitMb !== null && (size ?? least ?? 0) > limitMb * MB) throw tooLarge(limitMb);
    const counted = limitMb === null ? body : upTo(body, limitMb);
    const sent = { user: viewer, name, mimeType, body: counted, ...(size === undefined ? {} : { size }) };
    const record = await dify.files.upload(sent, signal);
    const known: Known = { viewer, app, record };
    await this.#notes.set(note(record.id), JSON.stringify(known), KNOWN_MS);
    return { ...record, type };
  }

  /** What is known of an upload of the viewer's; undefined if it was not made here, or long ago. */
  async find(viewer: string, app: string, id: string): Promise<UploadRecord | undefined> {
    const known = await this.#known(id);
    return known?.viewer === viewer && known.app === app ? known.record : undefined;
  }

  /**
   * Throws NOT_FOUND for an upload that another viewer made here. Of what was made elsewhere, or long ago, Dify knows whose it is:
   * it takes uploads of the same end user only (§7.2), but says so within the run, which is then begun for nothing; and a form it
   * takes from any user (§1.12).
   */
  async refuseForeign(viewer: string, id: string): Promise<void> {
    const known = await this.#known(id);
    if (known && known.viewer !== viewer)
      throw new GatewayError('NOT_FOUND', 'There is no such upload, or it is not yours.');
  }

  /** If Dify does not tell soon what the app takes, the upload itself will. */
  async #admit(viewer: string, dify: DifyApp, file: FileFacts): Promise<Admission> {
    const unchecked = { type: kindOf(file), limitMb: null };
    if (!this.#check.has(dify.name)) return unchecked;
    const told: { parameters?: AppParameters } = {};
    await elapsed(
      TELL_MS,
      dify.parameters().then((parameters) => (told.parameters = parameters)),
    );
    if (told.parameters === undefined) return unchecked;
    const byForm = await this.#waitsForFile(viewer, dify.name);
    try {
      return admitted(file, dify.name, told.parameters, byForm);
    } catch {
      return admitted(file, dify.name, await dify.parameters(FRESH_MS), byForm);
    }
  }

  /** Whether a run of the viewer's waits for a form that has a file in it. */
  async #waitsForFile(viewer: string, app: string): Promise<boolean> {
    const forms = (await this.#runs.list(viewer)).flatMap(({ state }) =>
      state.header.app === app ? [...state.forms.values()] : [],
    );
    return forms.some(({ fields }) => fields.some(({ type }) => type === 'file' || type === 'file-list'));
  }

  async #known(id: string): Promise<Known | undefined> {
    const text = await this.#notes.get(note(id));
    return text === null ? undefined : (JSON.parse(text) as Known);
  }
}

/** Dify's ids are UUIDs, and may be written in capitals. */
function note(id: string): string {
  return `upload ${id.toLowerCase()}`;
}

/** Breaks off behind `limitMb`. */
async function* upTo(body: AsyncIterable<Uint8Array>, limitMb: number): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const piece of body) {
    seen += piece.byteLength;
    if (seen > limitMb * MB) throw tooLarge(limitMb);
    yield piece;
  }
}
