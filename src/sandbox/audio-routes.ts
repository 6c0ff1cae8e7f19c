import { invalidParam, refusal } from './errors.ts';
import { bodyOf, json, optionalUser, type Call, type Reply } from './http.ts';
import { aString, aUuid, orNull, validate } from './schema.ts';
import { breath, breathsFor } from './speech.ts';
import { put } from './stream-writer.ts';
import type { World } from './world.ts';

/** The types Dify knows. What browsers record is mostly called otherwise (§1.24). */
const accepted = ['audio/mp3', 'audio/m4a', 'audio/wav', 'audio/amr', 'audio/mpga'];
const mostMegabytes = 30;

/** `POST /audio-to-text`: understands nothing, but says how much there was to hear. */
export function listenToAudio({ features }: World, { app, form }: Call): Reply {
  const file = form?.files.find(({ field }) => field === 'file');
  if (app.speaks === false) {
    throw features.formFiles
      ? refusal(400, 'speech_to_text_disabled', 'Speech to text is disabled.')
      : invalidParam('Speech to text is not enabled');
  }
  if (file === undefined) throw refusal(400, 'no_audio_uploaded', 'Please upload your audio.');
  if (!accepted.includes(file.type ?? '')) throw refusal(415, 'unsupported_audio_type', 'Audio type not allowed.');
  if (file.size > mostMegabytes * 1024 * 1024) {
    throw refusal(413, 'audio_too_large', `Audio size larger than ${mostMegabytes} mb`);
  }
  return json({ text: `What is this sandbox? I have recorded ${file.size} bytes to ask you that.` });
}

/** `POST /text-to-audio`: a breath of silence for every ten words. A message that is not there, or empty, is `null` (§1.25). */
export async function readAloud(world: World, call: Call): Promise<Reply> {
  const { app, response } = call;
  const body = bodyOf(call);
  const user = optionalUser(app, body['user']);
  validate('TextToAudioPayload', body, {
    message_id: { check: orNull(aUuid('message_id')) },
    text: { check: orNull(aString) },
    voice: { check: orNull(aString) },
  });
  if (app.speaks === false) throw invalidParam('TTS is not enabled');
  const id = (body['message_id'] ?? '') as string;
  const text = id === '' ? body['text'] : world.conversations.findMessage(app.name, user, id)?.answer;
  if (id === '' && (text === undefined || text === null || text === '')) throw invalidParam('Text is required');
  if (typeof text !== 'string' || text.trim() === '') return json(null);
  response.setHeader('Content-Type', 'audio/mpeg');
  for (let count = breathsFor(text); count > 0; count -= 1) await put(response, breath);
  response.end();
  return 'taken';
}
