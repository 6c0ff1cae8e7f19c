import { describe, expect, test } from 'vitest';
import { openSandbox } from '../../src/sandbox/sandbox.ts';
import { Client, type Json } from './client.ts';
import { recording } from './recordings.ts';

describe('the apps', () => {
  test('are at least one of each kind', async () => {
    await using sandbox = await openSandbox();
    expect(sandbox.apps.map(({ name, mode }) => `${name} ${mode}`)).toEqual([
      'assistant chat',
      'thinker chat',
      'researcher agent-chat',
      'concierge advanced-chat',
      'summarize workflow',
      'copywriter completion',
      'describe workflow',
      'narrator chat',
    ]);
    expect(new Set(sandbox.apps.map(({ key }) => key)).size).toBe(8);
    for (const { name, title, mode, description } of sandbox.apps) {
      const { json } = await new Client(sandbox, name).get('/info');
      expect(json).toEqual({ name: title, description, tags: [], mode, author_name: 'sandbox' });
    }
  });

  test('tell their parameters', async () => {
    await using sandbox = await openSandbox();
    const { json } = await new Client(sandbox, 'summarize').get('/parameters');
    const form = (json['user_input_form'] as Json[]).flatMap((field) => Object.entries(field));
    expect(form).toMatchObject([
      ['paragraph', { variable: 'text', required: true }],
      ['number', { variable: 'sentences', required: false, default: 2 }],
      ['select', { variable: 'tone', options: ['neutral', 'friendly', 'formal'] }],
    ]);
    expect(json['system_parameters']).toMatchObject({ image_file_size_limit: 10 });
    const assistant = await new Client(sandbox, 'assistant').get('/parameters');
    expect(assistant.json).toMatchObject({
      opening_statement: expect.stringContaining('help') as string,
      suggested_questions: ['help', 'What is this sandbox?', 'How do I connect a real Dify?'],
      suggested_questions_after_answer: { enabled: true },
    });
  });

  test('have a site, and icons for their tools that can be fetched', async () => {
    await using sandbox = await openSandbox();
    const client = new Client(sandbox, 'researcher');
    expect((await client.get('/site')).json).toMatchObject({ title: 'Researcher', icon_type: 'emoji', icon: '🔎' });
    const { json } = await client.get('/meta');
    const icons = json['tool_icons'] as Record<string, string>;
    expect(Object.keys(icons)).toEqual(['search', 'calculator']);
    expect((await fetch(icons['search'] ?? '')).headers.get('content-type')).toBe('image/png');
  });
});

describe('an upload', () => {
  const upload = async (form: FormData) => {
    await using sandbox = await openSandbox();
    const headers = { authorization: `Bearer ${sandbox.apps[0]?.key ?? ''}` };
    const reply = await fetch(`${sandbox.url}/files/upload`, { method: 'POST', headers, body: form });
    return { status: reply.status, text: await reply.text() };
  };
  const note = () => new File(['hello ünï'], 'note.TXT', { type: 'text/plain' });

  test('of one file is acknowledged, with the keys of the recorded reply', async () => {
    const form = new FormData();
    form.append('file', note());
    form.append('user', 'ann');
    const { status, text } = await upload(form);
    expect(status).toBe(201);
    const reply = JSON.parse(text) as Json;
    expect(Object.keys(reply)).toEqual(Object.keys(JSON.parse(recording('files/01-upload-txt').body) as Json));
    expect(reply).toMatchObject({ name: 'note.TXT', size: 11, extension: 'txt', mime_type: 'text/plain' });
  });

  test('of no file or two is refused as recorded', async () => {
    const form = new FormData();
    form.append('user', 'ann');
    expect((await upload(form)).text).toBe(recording('files/03-upload-none').body);
    form.append('file', note());
    form.append('file2', note());
    expect((await upload(form)).text).toBe(recording('files/05-upload-two').body);
  });
});
