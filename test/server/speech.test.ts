import { afterEach, describe, expect, test, vi } from 'vitest';
import { sendJson } from '../dify/fake-server.ts';
import { codesOf, dataOf } from '../graphql/answers.ts';
import { openFakeApp, type FakeApp, type Routes } from '../graphql/fake-app.ts';
import { openRig, type Data, type Rig, type RigOptions } from '../rig.ts';
import { ask, multipart } from './carrying.ts';

const speakQuery = 'mutation ($input: SpeakInput!) { speak(input: $input) { url mimeType expiresAt } }';

const speak = async (rig: Rig | FakeApp, input: object, user = 'ann'): Promise<Data> =>
  dataOf(await rig.query(speakQuery, { input }, user))['speak'];

const spoken = (rig: Rig) => rig.requests.filter(({ path }) => path === '/v1/text-to-audio');

/** An app that speaks as a test says. */
const speaker = (answer: Routes[string], options: RigOptions = {}) =>
  openFakeApp(
    {
      '/parameters': { text_to_speech: { enabled: true }, speech_to_text: { enabled: true } },
      '/text-to-audio': answer,
    },
    options,
  );

afterEach(() => void vi.useRealTimers());

describe('a speech', () => {
  test('is spoken when it is fetched, once however often that is', async () => {
    await using rig = await openRig();
    const { url, mimeType, expiresAt } = await speak(rig, { text: 'Good morning!', voice: 'alloy' });
    expect([url, mimeType]).toEqual([expect.stringMatching(/^\/speech\/[\w-]{32}$/), 'audio/mpeg']);
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(290_000);
    expect((await ask(rig, url, { method: 'HEAD' })).status).toBe(200);
    expect(spoken(rig)).toEqual([]);

    const replies = await Promise.all([ask(rig, url), ask(rig, url), ask(rig, url)]);
    const sounds = await Promise.all(replies.map(async (reply) => Buffer.from(await reply.arrayBuffer())));
    expect(sounds[0]!.length).toBe(4 * 417);
    for (const sound of sounds) expect(sound.equals(sounds[0]!)).toBe(true);
    expect(spoken(rig).map(({ body }) => body)).toEqual([{ user: 'ann', text: 'Good morning!', voice: 'alloy' }]);
    expect(Object.fromEntries(replies[0]!.headers)).toMatchObject({
      'content-type': 'audio/mpeg',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=300',
    });

    const again = await ask(rig, url, { headers: { range: 'bytes=1-3' } });
    expect([again.status, again.headers.get('content-range')]).toEqual([206, `bytes 1-3/${4 * 417}`]);
    expect(Buffer.from(await again.arrayBuffer()).equals(sounds[0]!.subarray(1, 4))).toBe(true);
    expect(spoken(rig)).toHaveLength(1);
  });

  test('comes in part at once where a part of its beginning is asked for, as Safari does', async () => {
    await using rig = await openRig();
    const { url } = await speak(rig, { text: 'Good morning!' });
    const first = await ask(rig, url, { headers: { range: 'bytes=0-1' } });
    expect([first.status, first.headers.get('content-range')]).toEqual([206, `bytes 0-1/${4 * 417}`]);
    expect((await first.arrayBuffer()).byteLength).toBe(2);
    expect(spoken(rig)).toHaveLength(1);
  });

  test('is heard while it is spoken', async () => {
    const more = Promise.withResolvers<void>();
    await using app = await speaker(({ response }) => {
      response.writeHead(200, { 'content-type': 'audio/wav' }).write('one');
      void more.promise.then(() => response.end('two'));
    });
    const { url } = await speak(app, { text: 'One. Two.' });
    const reply = await ask(app, url);
    expect(reply.headers.get('content-type')).toBe('audio/wav');
    const reader = reply.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('one');
    more.resolve();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('two');
    expect((await reader.read()).done).toBe(true);
  });

  test('goes on when its listener leaves, and is there for the next', async () => {
    const more = Promise.withResolvers<void>();
    let asked = 0;
    await using app = await speaker(({ response }) => {
      asked += 1;
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('one');
      void more.promise.then(() => response.end('two'));
    });
    const { url } = await speak(app, { text: 'One. Two.' });
    const gone = new AbortController();
    const reply = await ask(app, url, { signal: gone.signal });
    await reply.body!.getReader().read();
    gone.abort();
    more.resolve();
    expect(await (await ask(app, url)).text()).toBe('onetwo');
    expect(asked).toBe(1);
  });

  test('that failed is tried again when it is fetched again', async () => {
    const answers = [500, 429, 200];
    await using app = await speaker((exchange) => {
      const status = answers.shift() ?? 500;
      if (status === 200) exchange.response.writeHead(200, { 'content-type': 'audio/mpeg' }).end('sound');
      else sendJson(exchange, status, { code: 'odd', message: 'no', status });
    });
    const { url } = await speak(app, { text: 'Hello' });
    const failed = await ask(app, url);
    expect([failed.status, ((await failed.json()) as Data)['code']]).toEqual([502, 'UPSTREAM_ERROR']);
    const limited = await ask(app, url);
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)]);
    expect(await (await ask(app, url)).text()).toBe('sound');
    expect(await (await ask(app, url)).text()).toBe('sound');
  });

  test('that breaks off breaks off for its listener', async () => {
    await using app = await speaker(({ response, socket }) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('one', () => socket.destroy());
    });
    const { url } = await speak(app, { text: 'One. Two.' });
    await expect(ask(app, url).then((reply) => reply.text())).rejects.toThrow();
  });

  test('is let go of when the server closes', async () => {
    const begun = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const app = await speaker(({ response }) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' }).write('one');
      response.on('close', () => left.resolve());
      begun.resolve();
    });
    const { url } = await speak(app, { text: 'One. Two.' });
    const reply = ask(app, url).then((one) => one.text());
    reply.catch(() => {});
    await begun.promise;
    const closing = app[Symbol.asyncDispose]();
    await left.promise;
    await closing;
  });

  test('can be fetched for five minutes, by its own name', async () => {
    await using rig = await openRig();
    const { url } = await speak(rig, { text: 'Hello' });
    const wrong = await ask(rig, `${url.slice(0, -1)}${url.endsWith('A') ? 'B' : 'A'}`);
    expect([wrong.status, ((await wrong.json()) as Data)['code']]).toEqual([404, 'NOT_FOUND']);
    expect((await ask(rig, url, { method: 'POST' })).status).toBe(405);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 299_000 });
    expect((await ask(rig, url)).status).toBe(200);
    vi.setSystemTime(Date.now() + 2_000);
    for (const method of ['GET', 'HEAD']) expect((await ask(rig, url, { method })).status).toBe(404);
  });
});

describe('speaking an answer', () => {
  const asked =
    'mutation { chat(input: { query: "!echo Hello there", autoGenerateName: false }) { conversationId messageId } }';

  test('is for the one whose it is, while its run is kept', async () => {
    await using rig = await openRig();
    const { messageId, conversationId } = dataOf(await rig.query(asked, {}, 'ann'))['chat'];
    const { url } = await speak(rig, { messageId });
    expect((await ask(rig, url)).status).toBe(200);
    expect(spoken(rig).map(({ body }) => body)).toEqual([{ user: 'ann', message_id: messageId }]);
    for (const input of [{ messageId }, { messageId, conversationId }, { app: 'concierge', messageId }]) {
      expect(codesOf(await rig.query(speakQuery, { input }, 'eve'))).toEqual(['NOT_FOUND']);
    }
    expect(codesOf(await rig.query(speakQuery, { input: { app: 'concierge', messageId } }, 'ann'))).toEqual([
      'NOT_FOUND',
    ]);
  });

  test('of an older message needs its conversation', async () => {
    await using rig = await openRig({ runs: { keepCount: 1 } });
    const { messageId, conversationId } = dataOf(await rig.query(asked, {}, 'ann'))['chat'];
    for (const user of ['ann', 'ann', 'bob']) await rig.query(asked, {}, user);
    expect(codesOf(await rig.query(speakQuery, { input: { messageId } }, 'ann'))).toEqual(['NOT_FOUND']);
    const { url } = await speak(rig, { messageId, conversationId });
    expect((await ask(rig, url)).status).toBe(200);
    expect(codesOf(await rig.query(speakQuery, { input: { messageId, conversationId } }, 'eve'))).toEqual([
      'NOT_FOUND',
    ]);
    const other = { messageId: conversationId, conversationId };
    expect(codesOf(await rig.query(speakQuery, { input: other }, 'ann'))).toEqual(['NOT_FOUND']);
  });

  test.each<[string, object]>([
    ['neither a text nor a message', {}],
    ['both', { text: 'a', messageId: 'b' }],
    ['a blank text', { text: ' ' }],
    ['a text of more than 4,000 characters', { text: 'a'.repeat(4_001) }],
    ['a voice without a name', { text: 'a', voice: '' }],
    ['an app that does not speak', { text: 'a', app: 'thinker' }],
  ])('is refused for %s', async (_, input) => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(speakQuery, { input }))).toEqual(['BAD_USER_INPUT']);
    expect(spoken(rig)).toEqual([]);
  });
});

describe('a recording', () => {
  const transcribe = 'mutation ($app: ID, $file: File!) { transcribe(app: $app, audio: $file) { text } }';
  const voice = (type = 'audio/mpeg') => new File([Buffer.alloc(1_000)], 'voice.mp3', { type });
  const heard = async (response: Response) => (await response.json()) as never;

  test('is understood', async () => {
    await using rig = await openRig();
    const result = await heard(await multipart(rig, transcribe, voice()));
    expect(dataOf(result)).toEqual({ transcribe: { text: expect.stringContaining('1000 bytes') } });
  });

  test('of a type that Dify does not take is refused, and so is one for an app that does not listen', async () => {
    await using rig = await openRig();
    expect(codesOf(await heard(await multipart(rig, transcribe, voice('audio/webm'))))).toEqual([
      'UNSUPPORTED_FILE_TYPE',
    ]);
    const deaf = await heard(await multipart(rig, transcribe, voice(), { app: 'thinker' }));
    expect(codesOf(deaf)).toEqual(['BAD_USER_INPUT']);
  });

  test('comes over HTTP only', async () => {
    await using rig = await openRig();
    expect(codesOf(await rig.query(transcribe, { file: { name: 'a' } }))).toEqual(['BAD_USER_INPUT']);
  });

  test('whose sender leaves lets go of Dify', async () => {
    const left = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await using app = await openFakeApp({
      '/parameters': { speech_to_text: { enabled: true } },
      '/audio-to-text': ({ response }) => {
        response.on('close', () => left.resolve());
        begun.resolve();
      },
    });
    const form = new FormData();
    form.append('operations', JSON.stringify({ query: transcribe, variables: { file: null } }));
    form.append('map', '{"0":["variables.file"]}');
    form.append('0', voice());
    const gone = new AbortController();
    const asked = ask(app, '/graphql', { method: 'POST', body: form, signal: gone.signal }).catch(
      (error: unknown) => error,
    );
    await begun.promise;
    gone.abort();
    await left.promise;
    await asked;
  });
});
