import { describe, expect, test } from 'vitest';
import { amount, findMagic, magicWords } from '../../src/sandbox/magic-words.ts';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, outline, textOf, type Json } from './client.ts';
import { Wire } from './socket.ts';

const ask = async (app: string, query: string): Promise<Json[]> => {
  await using sandbox = await openSandbox({ pace: 0 });
  return await (await new Client(sandbox, app).ask(query)).events();
};

describe('magic words', () => {
  test('are found anywhere, with arguments, and taken out of the question', () => {
    const magic = findMagic('Tell me !slow:3 something !error');
    expect([...magic.words]).toEqual([
      ['!slow', '3'],
      ['!error', ''],
    ]);
    expect(magic.text).toBe('Tell me something');
    expect(amount(magic, '!slow', 25)).toBe(3);
    expect(amount(findMagic('!slow'), '!slow', 25)).toBe(25);
    expect(amount(findMagic('slow'), '!slow', 25)).toBeUndefined();
  });

  test('leave other exclamations alone', () => {
    const text = 'This is !important!  And a!error, too.';
    expect(findMagic(text)).toEqual({ words: new Map(), text });
  });

  test('take all that follows, if they are !echo or !think', () => {
    const magic = findMagic('!fast !echo two  words\nand !error');
    expect(magic.words.get('!echo')).toBe('two  words\nand !error');
    expect([...magic.words.keys()]).toEqual(['!echo', '!fast']);
  });
});

describe('before anything is said', () => {
  const refusals = [
    ['!refuse', 400, 'provider_quota_exceeded'],
    ['!500', 500, 'unknown'],
    ['!replay:chat/01-stream', 400, 'invalid_param'],
  ] as const;
  test.each(refusals)('%s answers HTTP %i %s', async (word, status, code) => {
    await using sandbox = await openSandbox({ pace: 0 });
    const { response } = await new Client(sandbox, 'assistant').ask(word);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
    const run = await new Client(sandbox, 'summarize').run({ text: word });
    expect(run.response.status).toBe(status);
  });

  test('!502 answers with the page of a proxy', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const { response } = await new Client(sandbox, 'assistant').ask('!502');
    expect(response.status).toBe(502);
    expect(response.headers.get('content-type')).toBe('text/html');
    expect(await response.text()).toContain('<h1>502 Bad Gateway</h1>');
  });
});

describe('in the middle of the answer', () => {
  test.each(['assistant', 'researcher', 'concierge'])('!error ends the stream of %s with an error', async (app) => {
    const events = await ask(app, 'Tell me !error');
    expect(textOf(events)).not.toBe('');
    expect(last(events)).toMatchObject({ event: 'error', code: 'rate_limit_error', status: 429 });
    expect(Object.keys(last(events))).toEqual([
      'event',
      'conversation_id',
      'message_id',
      'created_at',
      'code',
      'status',
      'message',
    ]);
  });

  test('!error names the run in a workflow, and leaves it failed', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'summarize');
    const end = last(await (await client.run({ text: 'One. Two. !error' })).events());
    expect(Object.keys(end)).toEqual(['event', 'workflow_run_id', 'code', 'status', 'message']);
    const { json } = await client.get(`/workflows/run/${String(end['workflow_run_id'])}`);
    expect(json).toMatchObject({ status: 'failed', error: end['message'] });
  });

  test('!error marks the message', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const end = last(await (await client.ask('!error')).events());
    const { json } = await client.get('/messages', { conversation_id: String(end['conversation_id']) });
    expect(json['data']).toMatchObject([{ status: 'error', error: end['message'], answer: '' }]);
  });

  test('!cut resets the connection', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', 'Tell me !cut');
    expect(await wire.over).toBe('reset');
    expect(wire.text).toContain('"answer":"You "');
    expect(wire.text).not.toContain('message_end');
  });

  test('!silence keeps the connection but stops even the pings', async () => {
    await using sandbox = await openSandbox({ pace: 0, pingMs: 20 });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!silence !echo four words are said');
    await wire.until(/words/);
    const heard = wire.reads.length;
    const over = await Promise.race([wire.over, new Promise((resolve) => setTimeout(resolve, 150, 'quiet'))]);
    expect([over, wire.reads.length]).toEqual(['quiet', heard]);
    expect(sandbox.open).toBe(1);
  });

  test('!noend says everything, then only pings, also after a stop', async () => {
    await using sandbox = await openSandbox({ pace: 0, pingMs: 20 });
    await using wire = await Wire.open(sandbox);
    wire.ask(sandbox, 'assistant', '!noend !echo the end');
    await wire.until(/"end"/);
    const task = /"task_id":"([^"]+)"/.exec(wire.text)?.[1] ?? '';
    await new Client(sandbox, 'assistant').post(`/chat-messages/${task}/stop`);
    await wire.until(/(event: ping\n\n[^]*){4}/);
    expect(wire.text).not.toContain('message_end');
  });

  test('!unknown puts in an event of no Dify', async () => {
    const events = await ask('assistant', 'Tell me !unknown');
    expect(outline(events)).toEqual(['message', 'sandbox_surprise', 'message', 'message_end']);
    expect(events.find(({ event }) => event === 'sandbox_surprise')).toHaveProperty('task_id');
  });
});

describe('the answer', () => {
  test('is exactly the text after !echo, in every kind of app', async () => {
    const text = 'Grüße,  👋🏽\n\t東京 <think>';
    for (const app of ['assistant', 'thinker', 'researcher'])
      expect(textOf(await ask(app, `!echo ${text}`))).toBe(text);
    expect(textOf(await ask('concierge', `!echo ${text}`))).toBe(`${text}\n\n— Your concierge`);
    await using sandbox = await openSandbox({ pace: 0 });
    const end = last(await (await new Client(sandbox, 'summarize').run({ text: `!echo ${text}` })).events());
    expect(end).toMatchObject({ data: { outputs: { summary: text } } });
  });

  test('has as many pieces as !long says', async () => {
    const events = await ask('assistant', '!long');
    expect(events.filter(({ answer }) => typeof answer === 'string' && answer !== '')).toHaveLength(2_000);
    expect(textOf(await ask('assistant', '!long:5'))).toBe('1 2 3 4 5 ');
  });

  test('begins with the thoughts after !think', async () => {
    expect(textOf(await ask('assistant', '!think first this,\nthen that'))).toMatch(
      /^<think>\nfirst this,\nthen that\n<\/think>\n\nYou asked/,
    );
    expect(textOf(await ask('thinker', '!think once'))).toMatch(/^<think>\nonce\n<\/think>\n\nHaving thought/);
  });

  test('comes without pauses after !fast', async () => {
    await using sandbox = await openSandbox();
    const startedAt = performance.now();
    await (await new Client(sandbox, 'assistant').ask('help !fast')).events();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test('is replaced at its end by !replace', async () => {
    const chat = await ask('assistant', 'Tell me !replace');
    expect(outline(chat)).toEqual(['message', 'message_replace', 'message_end']);
    expect(chat.at(-2)).toMatchObject({ reason: '' });
    const chatflow = await ask('concierge', 'Tell me !replace');
    expect(outline(chatflow).slice(-3)).toEqual(['workflow_finished', 'message_replace', 'message_end']);
    expect(chatflow.at(-2)).toMatchObject({ reason: 'output_moderation' });
  });

  test('is read aloud after !tts: pieces of audio between, the last ones after message_end', async () => {
    const events = await ask('assistant', 'help !tts');
    expect(outline(events).slice(-3)).toEqual(['message_end', 'tts_message', 'tts_message_end']);
    const audio = events.filter(({ event }) => event === 'tts_message').map((event) => String(event['audio']));
    expect(audio.length).toBeGreaterThan(3);
    for (const piece of audio) expect(Buffer.from(piece, 'base64').subarray(0, 2).toString('hex')).toBe('fffb');
    expect(last(events)['audio']).toBe('');
  });

  test('comes with an image after !file, and its text then as message_file', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const events = await (await client.ask('Draw! !file')).events();
    expect(outline(events)).toEqual(['message_file', 'message_end']);
    const [file, text] = events;
    expect(file).toMatchObject({ type: 'image', belongs_to: 'assistant' });
    expect(text).toHaveProperty('answer');
    const image = await fetch(String(file?.['url']));
    expect(image.headers.get('content-type')).toBe('image/png');
    const { json } = await client.get('/messages', { conversation_id: String(last(events)['conversation_id']) });
    expect(json['data']).toMatchObject([{ message_files: [{ id: file?.['id'], mime_type: 'image/png' }] }]);
  });

  test('comes with an image in the outputs of a chatflow, and in the thoughts of an agent', async () => {
    const chatflow = await ask('concierge', 'breakfast !file');
    expect(chatflow.at(-2)).toMatchObject({ data: { files: [{ dify_model_identity: '__dify__file__' }] } });
    const agent = await ask('researcher', 'the moon !file');
    const id = agent.find(({ event }) => event === 'message_file')?.['id'];
    expect(agent.filter(({ message_files: files }) => Array.isArray(files) && files.includes(id))).not.toEqual([]);
  });
});

test('every magic word is explained', () => {
  for (const [word, meaning] of Object.entries(magicWords)) {
    expect(word).toMatch(/^![a-z0-9]+$/);
    expect(meaning).not.toBe('');
  }
});
