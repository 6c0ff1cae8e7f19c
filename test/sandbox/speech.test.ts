import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, outline, textOf } from './client.ts';
import { recording } from './recordings.ts';
import { formWith, postForm } from './upload.ts';

const sound = (type: string, size = 2_004) => new File([Buffer.alloc(size)], 'a.mp3', { type });

describe('audio-to-text', () => {
  test('understands the types that Dify knows, and says how much it heard', async () => {
    await using sandbox = await openSandbox();
    for (const type of ['audio/mp3', 'audio/m4a', 'audio/wav', 'audio/amr', 'audio/mpga']) {
      const { status, json } = await postForm(sandbox, 'assistant', '/audio-to-text', formWith(sound(type)));
      expect([status, json]).toEqual([200, { text: expect.stringContaining('2004 bytes') as string }]);
    }
  });

  test('refuses what browsers call it, nothing at all, and too much', async () => {
    await using sandbox = await openSandbox();
    const post = (file: File | undefined, app = 'assistant') =>
      postForm(sandbox, app, '/audio-to-text', formWith(file));
    expect((await post(sound('audio/mpeg'))).text).toBe(recording('tts/07-audio-to-text-bad-type').body);
    expect(await post(undefined)).toMatchObject({ status: 400, json: { code: 'no_audio_uploaded' } });
    expect(await post(sound('audio/wav', 30 * 1024 * 1024 + 1))).toMatchObject({
      status: 413,
      json: { code: 'audio_too_large', message: 'Audio size larger than 30 mb' },
    });
    expect(await post(sound('audio/wav'), 'thinker')).toMatchObject({ status: 400, json: { code: 'invalid_param' } });
    await using newer = await openSandbox({ version: '1.15.0' });
    const { json } = await postForm(newer, 'thinker', '/audio-to-text', formWith(sound('audio/wav')));
    expect(json['code']).toBe('speech_to_text_disabled');
  });
});

describe('text-to-audio', () => {
  test('is MP3, frame by frame, of a text or of an answer', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const message_id = String(last(await (await client.ask('hello')).events())['message_id']);
    for (const body of [{ text: 'hello there' }, { message_id, text: '' }]) {
      const reply = await client.fetch('POST', '/text-to-audio', { user: 'ann', ...body });
      const bytes = Buffer.from(await reply.arrayBuffer());
      expect(reply.headers.get('content-type')).toBe('audio/mpeg');
      expect(reply.headers.get('transfer-encoding')).toBe('chunked');
      expect(bytes.length % 417).toBe(0);
      for (let at = 0; at < bytes.length; at += 417) expect(bytes.readUInt32BE(at)).toBe(0xfffb90c4);
    }
  });

  test('of a message that is not there is `null`, with status 200', async () => {
    await using sandbox = await openSandbox();
    const client = new Client(sandbox, 'assistant');
    const message_id = '0516cbb8-e06a-49ef-9091-46a03e4a80b7';
    expect(await client.post('/text-to-audio', { message_id, text: 'x' })).toMatchObject({
      status: 200,
      text: 'null\n',
    });
    expect(await client.post('/text-to-audio', {})).toMatchObject({ status: 400, json: { code: 'invalid_param' } });
    expect((await new Client(sandbox, 'thinker').post('/text-to-audio', { text: 'x' })).status).toBe(400);
  });
});

describe('the narrator', () => {
  test('reads every answer aloud, and its parameters say so', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'narrator');
    const events = await (await client.ask('Tell me a story')).events();
    expect(outline(events).slice(-3)).toEqual(['message_end', 'tts_message', 'tts_message_end']);
    expect(textOf(events)).toContain('Once upon a time');
    expect((await client.get('/parameters')).json['text_to_speech']).toMatchObject({
      enabled: true,
      autoPlay: 'enabled',
    });
  });
});
