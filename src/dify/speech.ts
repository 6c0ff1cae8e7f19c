import type { Readable } from 'node:stream';
import { GatewayError } from '../errors.ts';
import type { AppClient } from './app-client.ts';
import { header, readText } from './http.ts';
import type { FilePart } from './multipart.ts';
import { notDify } from './not-dify.ts';

/** Whoever gets it reads the body to its end or calls `release`. */
export interface SpokenAudio {
  readonly mimeType: string;
  readonly body: Readable;
  release(): void;
}

/** One of the two: a message wins. */
export interface SpeakRequest {
  readonly user: string;
  readonly text?: string;
  readonly messageId?: string;
  readonly voice?: string;
}

/** The five types that Dify takes, and the names under which the same formats go elsewhere (§1.24). */
const audioTypes: Readonly<Record<string, RegExp>> = {
  'audio/mp3': /^audio\/(x-)?(mp3|mpeg3?)$/,
  'audio/wav': /^audio\/(x-|x-pn-|vnd\.)?wave?$/,
  'audio/m4a': /^(audio|video)\/(x-m4a|m4a|mp4|aac|x-aac|mp4a-latm)$/,
  'audio/amr': /^audio\/(x-)?amr(-nb|-wb)?$/,
  'audio/mpga': /^audio\/(x-)?mpga$/,
};

/** Text from speech and speech from text. Both run a model: they are sent once. */
export class Speech {
  readonly #client: AppClient;

  constructor(client: AppClient) {
    this.#client = client;
  }

  /** `POST /audio-to-text` (§1.24). */
  async transcribe(
    { user, ...audio }: FilePart & { readonly user: string },
    signal: AbortSignal,
  ): Promise<{ readonly text: string }> {
    const file = { ...audio, mimeType: audioType(audio.mimeType, audio.name) };
    const { text } = await this.#client.upload('/audio-to-text', user, file, signal);
    return typeof text === 'string' ? { text } : notDify('/audio-to-text');
  }

  /** `POST /text-to-audio` (§1.25). */
  async speak({ user, text, messageId, voice }: SpeakRequest, signal: AbortSignal): Promise<SpokenAudio> {
    const what = messageId === undefined ? { text } : { message_id: messageId };
    const body = { user, ...what, ...(voice === undefined ? {} : { voice }) };
    const reply = await this.#client.download({ method: 'POST', path: '/text-to-audio', body }, signal);
    const mimeType = header(reply, 'content-type');
    if (!/^(application\/json|text\/)/i.test(mimeType)) {
      return { mimeType: mimeType || 'audio/mpeg', body: reply.body, release: () => reply.release() };
    }
    // An unknown or empty message is a success with `null` for a body (§1.36, 17).
    const said = await readText(reply, 64);
    signal.throwIfAborted();
    if (said.text.trim() !== 'null') return notDify('/text-to-audio');
    throw new GatewayError('BAD_USER_INPUT', 'There is nothing to speak: no such message, or it has no text', {
      difyStatus: reply.status,
    });
  }
}

/** A type that says nothing is guessed from the name; one that Dify does not take is left for it to refuse. */
function audioType(mimeType: string, name: string): string {
  const type = mimeType.split(';', 1)[0]!.trim().toLowerCase();
  const asked =
    type === '' || type === 'application/octet-stream' ? `audio/${name.split('.').at(-1)!.toLowerCase()}` : type;
  return Object.entries(audioTypes).find(([, names]) => names.test(asked))?.[0] ?? type;
}
