import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, last, outline, textOf, type Json } from './client.ts';
import { recording } from './recordings.ts';
import { formWith, pixel, postBytes, postForm, uploaded } from './upload.ts';

const megabyte = 1024 * 1024;
const note = () => new File(['hello ünï'], 'note.TXT', { type: 'text/plain' });
const picture = () => new File([pixel], 'pixel.png', { type: 'image/png' });
const local = (id: string, type = 'image') => ({ type, transfer_method: 'local_file', upload_file_id: id });

describe('an upload', () => {
  test('is kept byte for byte, and can be fetched at its signed address', async () => {
    await using sandbox = await openSandbox();
    const bytes = Buffer.alloc(3 * megabyte, 'a\r\n--b');
    const file = new File([bytes], 'tücke "1".bin', { type: 'application/octet-stream' });
    const { status, json } = await postForm(sandbox, 'assistant', '/files/upload', formWith(file));
    expect([status, json['name'], json['size']]).toEqual([201, 'tücke "1".bin', bytes.length]);
    const address = String(json['source_url']);
    const fetched = Buffer.from(await (await fetch(address)).arrayBuffer());
    expect(fetched.equals(bytes)).toBe(true);
    expect((await fetch(address.replace('sign=sandbox', 'sign=x'))).status).toBe(403);
  });

  test('may come in any pieces, and its parts may be empty', async () => {
    await using sandbox = await openSandbox();
    const body = [
      '--b1\r\nContent-Disposition: form-data; name="user"\r\n\r\n\r\n',
      '--b1\r\ncontent-disposition: form-data; name="file"; filename*=UTF-8\'\'n%C3%B6te.md\r\nContent-Type: text/markdown\r\n\r\n',
      '--b1 is no end\r\n--b2\r\n--b1--\r\nafter',
    ].join('');
    for (const split of [1, 7, 1_000]) {
      const bytes = new TextEncoder().encode(body);
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += split) controller.enqueue(bytes.slice(at, at + split));
          controller.close();
        },
      });
      const reply = await fetch(`${sandbox.url}/files/upload`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${sandbox.apps[0]?.key ?? ''}`,
          'content-type': 'multipart/form-data; boundary="b1"',
        },
        body: stream,
        duplex: 'half',
      } as RequestInit);
      const json = (await reply.json()) as Json;
      expect([split, reply.status, json['name'], json['size']]).toEqual([split, 201, 'nöte.md', 20]);
    }
  });

  test('that is too large for its kind is refused as observed, braces included', async () => {
    await using sandbox = await openSandbox();
    const post = (name: string, size: number) =>
      postForm(sandbox, 'assistant', '/files/upload', formWith(new File([Buffer.alloc(size)], name, { type: 'a/b' })));
    const refusal = '{"code": "file_too_large", "message": "File size exceeded. {message}", "status": 413}\n';
    expect((await post('a.png', 10 * megabyte)).status).toBe(201);
    expect(await post('a.png', 10 * megabyte + 1)).toMatchObject({ status: 413, text: refusal });
    expect((await post('a.txt', 10 * megabyte + 1)).status).toBe(201);
    expect((await post('a.txt', 15 * megabyte + 1)).status).toBe(413);
    expect((await post('a.mp3', 15 * megabyte + 1)).status).toBe(201);
    // The proxy in front speaks HTML.
    expect(await post('a.mp4', 101 * megabyte)).toMatchObject({
      status: 413,
      text: expect.stringMatching(/^<html>/) as string,
    });
  });

  test('without a type, or with a path for a name, is refused', async () => {
    await using sandbox = await openSandbox();
    const post = (head: string) => {
      const body = `--b\r\nContent-Disposition: form-data; name="file"; ${head}\r\n\r\nx\r\n--b--\r\n`;
      return postBytes(sandbox, 'assistant', body, 'b');
    };
    expect(await post('filename="a.txt"')).toMatchObject({ status: 415, json: { code: 'unsupported_file_type' } });
    expect(await post('filename="a/b.txt"\r\nContent-Type: a/b')).toMatchObject({
      status: 400,
      json: { code: 'invalid_param' },
    });
    expect(await post('filename=""\r\nContent-Type: a/b')).toMatchObject({
      status: 400,
      json: { code: 'filename_not_exists_error' },
    });
  });

  test('makes room for itself: the oldest are dropped', async () => {
    await using sandbox = await openSandbox();
    const client = new Client(sandbox, 'assistant');
    const first = await uploaded(sandbox, 'assistant', picture());
    for (let count = 0; count < 5; count += 1) {
      const file = new File([Buffer.alloc(14 * megabyte)], 'a.txt', { type: 'text/plain' });
      await uploaded(sandbox, 'assistant', file);
    }
    const { status } = await client.post('/chat-messages', { query: 'x', inputs: {}, files: [local(first)] });
    expect(status).toBe(400);
  });
});

describe('a question with files', () => {
  test('is answered with what can be seen, and the message remembers them', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const id = await uploaded(sandbox, 'assistant', picture());
    const events = await (await client.ask('', { files: [local(id)] })).events();
    expect(textOf(events)).toBe('You sent me **pixel.png** (PNG, 1 × 1, 70 bytes).');
    // Once a message owns a file, its text comes as `message_file` (observed).
    expect(outline(events)).toEqual(['message_file', 'message_end']);
    expect(last(events)['files']).toMatchObject([
      { extension: '.png', filename: 'pixel.png', size: 70, transfer_method: 'local_file', upload_file_id: id },
    ]);
    const conversation_id = String(last(events)['conversation_id']);
    const { json } = await client.get('/messages', { conversation_id });
    expect((json['data'] as Json[])[0]?.['message_files']).toMatchObject([
      {
        filename: 'pixel.png',
        type: 'image',
        mime_type: 'image/png',
        size: 70,
        belongs_to: 'user',
        upload_file_id: id,
      },
    ]);
  });

  test('goes through a chatflow with the file among its inputs', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const id = await uploaded(sandbox, 'concierge', note());
    const files = [
      local(id, 'document'),
      { type: 'image', transfer_method: 'remote_url', url: 'https://x.example/a%20b.jpg?c=1' },
    ];
    const events = await (await new Client(sandbox, 'concierge').ask('Keep these', { files })).events();
    expect(textOf(events)).toContain('**note.TXT** (TXT, 11 bytes)');
    expect(textOf(events)).toContain('**a b.jpg** (JPG) at https://x.example/a%20b.jpg?c=1');
    const { inputs } = (events[0] ?? {})['data'] as { inputs: Record<string, Json[]> };
    const theirs = recording('files/09-chat-with-txt').body;
    const recorded = (JSON.parse(theirs.slice('data: '.length, theirs.indexOf('\n\n'))) as (typeof events)[0])?.[
      'data'
    ];
    const [expected] = (recorded as { inputs: Record<string, Json[]> }).inputs['sys.files'] ?? [];
    expect(Object.keys(inputs['sys.files']?.[0] ?? {})).toEqual(Object.keys(expected ?? {}));
    expect(inputs['sys.files']).toMatchObject([
      { filename: 'note.TXT', extension: '.txt', related_id: id, size: 11 },
      { filename: 'a b.jpg', related_id: null, size: -1, url: 'https://x.example/a%20b.jpg?c=1' },
    ]);
  });

  test('may use uploads of the same user and app only', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const id = await uploaded(sandbox, 'assistant', picture());
    const ask = (app: string, user: string, files: readonly unknown[]) =>
      new Client(sandbox, app, user).post('/chat-messages', {
        query: 'x',
        inputs: {},
        files,
        auto_generate_name: false,
      });
    expect((await ask('assistant', 'ann', [local(id)])).status).toBe(200);
    const refused = recording('files/11-chat-unknown-file').body;
    expect((await ask('assistant', 'bob', [local(id)])).text).toBe(refused);
    expect((await ask('concierge', 'ann', [local(id)])).text).toBe(refused);
    expect((await ask('assistant', 'ann', [{ type: 'image' }])).status).toBe(400);
    expect(
      (
        await ask(
          'assistant',
          'ann',
          Array.from({ length: 4 }, () => local(id)),
        )
      ).status,
    ).toBe(400);
    // An app that takes no files does not look at them.
    expect((await ask('thinker', 'ann', [local(id)])).status).toBe(200);
  });
});

describe('a preview', () => {
  test('is there once a message has the file, for the same app only', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'assistant');
    const id = await uploaded(sandbox, 'assistant', picture());
    expect(await client.get(`/files/${id}/preview`)).toMatchObject({ status: 404, json: { code: 'file_not_found' } });
    await (await client.ask('look', { files: [local(id)] })).events();
    const preview = await client.fetch('GET', `/files/${id}/preview`);
    expect(Object.fromEntries(preview.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': '70',
      'cache-control': 'public, max-age=3600',
    });
    expect(Buffer.from(await preview.arrayBuffer()).equals(pixel)).toBe(true);
    const attached = await client.fetch('GET', `/files/${id}/preview?as_attachment=true`);
    expect(attached.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''pixel.png");
    expect(attached.headers.get('content-type')).toBe('application/octet-stream');
    await attached.arrayBuffer();
    const other = await new Client(sandbox, 'thinker').get(`/files/${id}/preview`);
    expect([other.status, other.text]).toEqual([403, recording('files/15-preview-other-app').body]);
  });
});

describe('the describe workflow', () => {
  test('takes files as inputs and puts one out', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const client = new Client(sandbox, 'describe');
    const id = await uploaded(sandbox, 'describe', picture());
    const more = [{ type: 'document', transfer_method: 'remote_url', url: 'https://x.example/a.pdf' }];
    const events = await (await client.run({ file: local(id), more, settings: { a: 1 } })).events();
    const finished = last(events)['data'] as Json;
    expect(finished).toMatchObject({
      status: 'succeeded',
      outputs: { files: 2, file: { dify_model_identity: '__dify__file__', related_id: id } },
      files: [{ related_id: id }],
    });
    expect((finished['outputs'] as Json)['description']).toContain('**pixel.png** (PNG, 1 × 1, 70 bytes)');
    // Uploads of workflows cannot be previewed.
    expect((await client.get(`/files/${id}/preview`)).status).toBe(404);
  });

  test.each([
    [{}, 'file is required in input form'],
    [{ file: 'x' }, 'file in input form must be a file'],
    [{ file: local('x') }, 'Invalid upload file'],
    [
      { file: { type: 'image', transfer_method: 'remote_url', url: 'https://x.example/a' }, more: 'x' },
      'more in input form must be a list of files',
    ],
    [
      { file: { type: 'image', transfer_method: 'remote_url', url: 'https://x.example/a' }, settings: 1 },
      'settings in input form must be a dict',
    ],
  ])('refuses %j', async (inputs, message) => {
    await using sandbox = await openSandbox({ pace: 0 });
    const { status, json } = await new Client(sandbox, 'describe').post('/workflows/run', { inputs });
    expect([status, json['message']]).toEqual([400, message]);
  });
});
