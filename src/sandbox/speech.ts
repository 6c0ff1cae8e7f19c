import { randomUUID } from 'node:crypto';
import { toolAddress } from './files.ts';
import type { Message, MessageFile } from './message.ts';
import type { Turn } from './turn.ts';

/** A frame of MP3 silence: MPEG 1 layer 3, 128 kbit/s at 44.1 kHz, mono, which makes it 417 bytes long. */
const silence = Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0xc4]), Buffer.alloc(413)]);

/** What is read aloud at a time: a tenth of a second of nothing. */
export const breath = Buffer.concat([silence, silence, silence, silence]);

/** How often one breathes for a text. */
export const breathsFor = (text: string) => Math.ceil(text.split(/\s+/).length / 10);

/** A picture of one pixel, in the colour of a good cup of tea. */
export const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mPcVLzkPwAGPgKkQj3m0gAAAABJRU5ErkJggg==',
  'base64',
);

/** How many pieces of text are read aloud at once. */
const piecesPerBreath = 10;

/** Reads along with an answer when `!tts` asks for it, or the app always does: `tts_message` events between the pieces and after the end. */
export class Voice {
  readonly #turn: Turn;
  #pieces = 0;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  async heard(): Promise<void> {
    this.#pieces += 1;
    if (this.#pieces % piecesPerBreath === 0) await this.#speak();
  }

  async finish(): Promise<void> {
    await this.#speak();
    if (this.#wanted) await this.#turn.emit('tts_message_end', { audio: '' });
  }

  get #wanted(): boolean {
    const { app, magic, stopped } = this.#turn;
    return (app.speaks === 'itself' || magic.words.has('!tts')) && !stopped;
  }

  async #speak(): Promise<void> {
    if (this.#wanted) await this.#turn.emit('tts_message', { audio: silence.toString('base64') });
  }
}

/** Sends the image that `!file` asks for, and keeps it with the message. */
export async function sendPicture(turn: Turn, message: Message): Promise<MessageFile | undefined> {
  if (!turn.magic.words.has('!file')) return undefined;
  const tool = randomUUID();
  const file: MessageFile = {
    id: randomUUID(),
    filename: `${tool}.png`,
    type: 'image',
    url: toolAddress(turn.world, tool),
    mimeType: 'image/png',
    size: picture.length,
    transferMethod: 'tool_file',
    belongsTo: 'assistant',
    uploadId: null,
    remoteUrl: null,
  };
  message.files.push(file);
  await turn.emit('message_file', { id: file.id, type: file.type, belongs_to: file.belongsTo, url: file.url });
  return file;
}
