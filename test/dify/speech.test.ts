import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { answers, replays } from './answering.ts';
import { client, never, recorded, serve } from './fake-server.ts';
import { formOf } from './official.ts';

const user = 'u';
const audio = (mimeType: string, name = 'voice.bin') => ({
  user,
  name,
  mimeType,
  body: Readable.from([Buffer.from('sound')]),
});
const sound = 'completion/07-text-to-audio-text';

describe('transcribing', () => {
  it('reads the recorded reply', async () => {
    await using server = await replays('tts/05-audio-to-text');
    await using dify = client(server.baseUrl);
    const { text } = await dify.one.speech.transcribe(audio('audio/mp3'), never);
    expect(text).toBe('fake transcript of 2004 bytes');
    const form = await formOf(server.requests[0]!);
    expect(form.get('user')).toBe(user);
    expect(await (form.get('file') as File).text()).toBe('sound');
  });

  it.each([
    ['audio/mp3', 'audio/mp3'],
    ['audio/mpeg', 'audio/mp3'],
    ['audio/mpeg3', 'audio/mp3'],
    ['audio/x-mp3', 'audio/mp3'],
    ['audio/wav', 'audio/wav'],
    ['audio/x-wav', 'audio/wav'],
    ['audio/wave', 'audio/wav'],
    ['audio/vnd.wave', 'audio/wav'],
    ['audio/m4a', 'audio/m4a'],
    ['audio/x-m4a', 'audio/m4a'],
    ['audio/mp4', 'audio/m4a'],
    ['Audio/MP4; codecs="mp4a.40.2"', 'audio/m4a'],
    ['audio/AMR', 'audio/amr'],
    ['audio/mpga', 'audio/mpga'],
    ['audio/webm;codecs=opus', 'audio/webm'],
  ])('C99 sends %s as %s', async (mimeType, sent) => {
    await using server = await answers([200, { text: '' }]);
    await using dify = client(server.baseUrl);
    await dify.one.speech.transcribe(audio(mimeType), never);
    expect(((await formOf(server.requests[0]!)).get('file') as File).type).toBe(sent);
  });

  it.each([
    ['application/octet-stream', 'memo.MP3', 'audio/mp3'],
    ['', 'memo.m4a', 'audio/m4a'],
    ['', 'memo', 'application/octet-stream'],
  ])('goes by the name where the type %j of %s says nothing', async (mimeType, name, sent) => {
    await using server = await answers([200, { text: '' }]);
    await using dify = client(server.baseUrl);
    await dify.one.speech.transcribe(audio(mimeType, name), never);
    expect(((await formOf(server.requests[0]!)).get('file') as File).type).toBe(sent);
  });

  it('tells of a type that Dify does not take', async () => {
    await using server = await replays('tts/07-audio-to-text-bad-type');
    await using dify = client(server.baseUrl);
    const refused = { code: 'UNSUPPORTED_FILE_TYPE', message: 'Audio type not allowed.' };
    await expect(dify.one.speech.transcribe(audio('text/plain'), never)).rejects.toMatchObject(refused);
  });

  it('runs a model, so it is sent once', async () => {
    await using server = await answers([503]);
    await using dify = client(server.baseUrl);
    await expect(dify.one.speech.transcribe(audio('audio/mp3'), never)).rejects.toMatchObject({ difyStatus: 503 });
    expect(server.requests).toHaveLength(1);
  });
});

describe('speaking', () => {
  it.each([sound, 'tts/03-text-to-audio-stream'])('hands on the recorded sound of %s as it comes', async (name) => {
    await using server = await serve(({ response }) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).end(recorded(`${name}.bin`));
    });
    await using dify = client(server.baseUrl);
    const spoken = await dify.one.speech.speak({ user, text: 'say this' }, never);
    expect(spoken.mimeType).toBe('audio/mpeg');
    expect(await buffer(spoken.body)).toEqual(recorded(`${name}.bin`));
    await server.empty();
  });

  it('prefers the message where there is a text, too', async () => {
    await using server = await serve(({ response }) => response.writeHead(200, { 'content-type': 'audio/wav' }).end());
    await using dify = client(server.baseUrl);
    const spoken = await dify.one.speech.speak({ user, text: 't', messageId: 'm' }, never);
    expect(spoken.mimeType).toBe('audio/wav');
    expect(JSON.parse(server.requests[0]!.body)).toEqual({ user, message_id: 'm' });
    spoken.release();
    await server.empty();
  });

  it('C97 has nothing to speak when the reply is null', async () => {
    await using server = await answers([200, 'null\n']);
    await using dify = client(server.baseUrl);
    const spoken = dify.one.speech.speak({ user, messageId: 'm' }, never);
    await expect(spoken).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message: /nothing to speak/ });
    await server.empty();
  });

  it('does not take text for sound', async () => {
    await using server = await serve(({ response }) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<'),
    );
    await using dify = client(server.baseUrl);
    await expect(dify.one.speech.speak({ user, text: 't' }, never)).rejects.toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
    });
    await server.empty();
  });

  it('runs a model, so it is sent once', async () => {
    await using server = await answers([503]);
    await using dify = client(server.baseUrl);
    await expect(dify.one.speech.speak({ user, text: 't' }, never)).rejects.toMatchObject({ difyStatus: 503 });
    expect(server.requests).toHaveLength(1);
  });

  it('frees the socket within 100 ms of an abort midway', async () => {
    await using server = await serve(({ response }) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('x');
    });
    await using dify = client(server.baseUrl);
    const leaving = new AbortController();
    const { body } = await dify.one.speech.speak({ user, text: 't' }, leaving.signal);
    const read = expect(buffer(body)).rejects.toThrow();
    const before = performance.now();
    leaving.abort();
    await read;
    await server.empty();
    expect(performance.now() - before).toBeLessThan(100);
  });

  it('is released by the close of the room', async () => {
    await using server = await serve(({ response }) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('x');
    });
    await using dify = client(server.baseUrl);
    await dify.one.speech.speak({ user, text: 't' }, never);
    await dify.close();
    await server.empty();
  });
});
