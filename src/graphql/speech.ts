import type { DifyApp } from '../dify/dify-app.ts';
import { GatewayError } from '../errors.ts';
import { isEnded } from '../runs/run-state.ts';
import { findMessage } from '../runs/stored-message.ts';
import { builder } from './builder.ts';
import { appNamed, type Context } from './context.ts';
import { partOf } from './file.ts';
import { isUuid } from './ids.ts';

/** Longer ones take models minutes. */
const MOST_CHARACTERS = 4_000;

/** Of Dify's own. */
const MOST_AUDIO_MB = 30;

const Transcript = builder.objectRef<{ readonly text: string }>('Transcript').implement({
  fields: (t) => ({ text: t.exposeString('text') }),
});

interface Order {
  readonly token: string;
  readonly until: number;
}

const Speech = builder.objectRef<Order>('Speech').implement({
  description: 'Something that is spoken when it is fetched.',
  fields: (t) => ({
    url: t.string({
      description: [
        'Where to fetch it, with GET and without further credentials, as often as a player wants: the model runs once. A path on',
        'this server, unless the server knows its public address.',
      ].join('\n'),
      resolve: ({ token }, _, { urlBase }) => `${urlBase}/speech/${token}`,
    }),
    mimeType: t.string({ description: 'As a rule: the reply says for sure.', resolve: () => 'audio/mpeg' }),
    expiresAt: t.field({ type: 'DateTime', resolve: ({ until }) => until }),
  }),
});

const SpeakInput = builder.inputType('SpeakInput', {
  description: '`text` or `messageId`.',
  fields: (t) => ({
    app: t.id({ description: 'Configured name; the default app when left out.' }),
    text: t.string({ description: '4,000 characters at most.' }),
    messageId: t.id({ description: 'A message of yours, whose answer is spoken.' }),
    conversationId: t.id({ description: 'Of that message. Not needed while its run is kept.' }),
    voice: t.string({ description: 'One of the model’s; the one that the app has, when left out.' }),
  }),
});

builder.mutationFields((t) => ({
  transcribe: t.field({
    type: Transcript,
    description: 'What was said in a recording: MP3, M4A, WAV or AMR, 30 MB at most. By GraphQL multipart request.',
    args: { app: t.arg.id(), audio: t.arg({ type: 'File', required: true }) },
    resolve: async (_, { app, audio }, context) => {
      const { dify } = appNamed(context, app);
      const { features } = await dify.parameters();
      if (!features.speechToText) throw switchedOff(dify, 'listen');
      if (audio.size > MOST_AUDIO_MB * 1_048_576)
        throw new GatewayError('FILE_TOO_LARGE', `The recording is larger than ${MOST_AUDIO_MB} MB.`);
      return dify.speech.transcribe({ user: context.viewer, ...partOf(audio) }, context.signal);
    },
  }),
  speak: t.field({
    type: Speech,
    description: 'Have a text, or an answer, spoken. Nothing is spoken before it is fetched, within five minutes.',
    args: { input: t.arg({ type: SpeakInput, required: true }) },
    resolve: async (_, { input }, context) => {
      const { dify, served } = appNamed(context, input.app);
      const what = { ...(await spoken(input, dify, context)), ...voiceOf(input) };
      if (!(await dify.parameters()).features.textToSpeech.enabled) throw switchedOff(dify, 'speak');
      return context.speeches.order({ app: served.name, speak: { user: context.viewer, ...what } });
    },
  }),
}));

type Wanted = typeof SpeakInput.$inferInput;

async function spoken(
  input: Wanted,
  dify: DifyApp,
  context: Context,
): Promise<{ text: string } | { messageId: string }> {
  const { text, messageId, conversationId } = input;
  if ((text == null) === (messageId == null))
    throw new GatewayError('BAD_USER_INPUT', 'Give either `input.text` or `input.messageId`.');
  if (messageId == null) return { text: checked(text ?? '', '`input.text`') };
  checked(await answerOf(messageId, conversationId ?? null, dify, context), 'The answer');
  return { messageId };
}

function checked(text: string, what: string): string {
  if (text.trim() === '') throw new GatewayError('BAD_USER_INPUT', `${what} is blank: there is nothing to speak.`);
  if (text.length <= MOST_CHARACTERS) return text;
  throw new GatewayError('BAD_USER_INPUT', `${what} has more than ${MOST_CHARACTERS} characters.`);
}

function voiceOf({ voice }: Wanted): { readonly voice?: string } {
  if (voice == null) return {};
  if (voice !== '' && voice.length <= 100) return { voice };
  throw new GatewayError('BAD_USER_INPUT', '`input.voice` must have 1 to 100 characters.');
}

/** Dify speaks the messages of anybody: that it is the viewer's is found out here. */
async function answerOf(
  id: string,
  conversationId: string | null,
  dify: DifyApp,
  { runs, viewer }: Context,
): Promise<string> {
  const kept = (await runs.list()).find(({ state }) => state.messageId === id && state.header.app === dify.name);
  if (kept && isEnded(kept.state)) return kept.state.text;
  const stored =
    isUuid(id) && isUuid(conversationId)
      ? await findMessage(dify, { user: viewer, conversationId, messageId: id })
      : null;
  if (stored) return stored.answer;
  throw new GatewayError(
    'NOT_FOUND',
    'There is no such message, or it is not yours; of one that is not new, give `input.conversationId`, too.',
  );
}

function switchedOff(dify: DifyApp, what: string): GatewayError {
  return new GatewayError('BAD_USER_INPUT', `The app “${dify.name}” does not ${what}: it is switched off in Dify.`);
}
