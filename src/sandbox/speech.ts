import { randomUUID } from 'node:crypto';
import type { Message, MessageFile } from './message.ts';
import type { Turn } from './turn.ts';

/** A frame of MP3 silence, 128 kbit/s. */
const silence = Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0xc4]), Buffer.alloc(413)]);

/** A picture of one pixel, in the colour of a good cup of tea. */
export const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mPcVLzkPwAGPgKkQj3m0gAAAABJRU5ErkJggg==',
  'base64',
);

/** How many pieces of text are read aloud at once. */
const piecesPerBreath = 10;

/** Reads along with an answer when `!tts` asks for it: `tts_message` events between the pieces and after the end. */
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
    return this.#turn.magic.words.has('!tts') && !this.#turn.stopped;
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
    url: `${turn.world.origin}/files/tools/${tool}.png?timestamp=${message.createdAt}&nonce=sandbox&sign=sandbox`,
    mimeType: 'image/png',
    size: picture.length,
    transferMethod: 'tool_file',
    belongsTo: 'assistant',
  };
  message.files.push(file);
  await turn.emit('message_file', { id: file.id, type: file.type, belongs_to: file.belongsTo, url: file.url });
  return file;
}
