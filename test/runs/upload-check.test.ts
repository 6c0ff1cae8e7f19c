import { describe, expect, test } from 'vitest';
import { parseParameters } from '../../src/dify/parse-parameters.ts';
import type { AppParameters } from '../../src/dify/parameters.ts';
import { admitted, kindOf } from '../../src/runs/upload-check.ts';

const app = (from: object): AppParameters =>
  parseParameters({
    user_input_form: [],
    system_parameters: {
      file_size_limit: 15,
      image_file_size_limit: 10,
      audio_file_size_limit: 50,
      video_file_size_limit: 100,
    },
    ...from,
  }) as AppParameters;

const uploads = (types: readonly string[], extensions: readonly string[] = [], methods = ['local_file']) => ({
  file_upload: {
    enabled: true,
    allowed_file_types: types,
    allowed_file_extensions: extensions,
    allowed_file_upload_methods: methods,
  },
});

const field = (type: string, types: readonly string[], extensions: readonly string[] = []) => ({
  user_input_form: [
    {
      [type]: {
        type,
        variable: 'f',
        label: 'F',
        required: false,
        allowed_file_types: types,
        allowed_file_extensions: extensions,
        allowed_file_upload_methods: ['local_file'],
      },
    },
  ],
});

const file = (name: string, mimeType = 'application/octet-stream') => ({ name, mimeType });

describe('the kind of a file', () => {
  test.each([
    ['a.PNG', 'text/plain', 'image'],
    ['a.b.mp3', '', 'audio'],
    ['a.mov', '', 'video'],
    ['a.pdf', '', 'document'],
    ['a.xyz', 'image/png', 'document'],
    ['pasted', 'image/png', 'image'],
    ['voice', 'Audio/OGG', 'audio'],
    ['png', '', 'document'],
    ['.png', '', 'image'],
    ['a.png ', '', 'document'],
  ])('of %j, %j is %s', (name, type, kind) => {
    expect(kindOf(file(name, type))).toBe(kind);
  });
});

describe('an app', () => {
  test.each<[string, object, string, string, number]>([
    ['of its kind', uploads(['image']), 'a.png', 'image', 10],
    ['of any kind where none is named', uploads([]), 'a.mp4', 'video', 100],
    ['with an extension of its own', uploads(['custom'], ['.PDF']), 'a.pdf', 'custom', 15],
    ['of its kind rather than with its extension', uploads(['audio', 'custom'], ['mp3']), 'a.mp3', 'audio', 50],
    ['with any extension where none is named', uploads(['custom']), 'a.png', 'custom', 10],
    ['for a field of its form', field('file', ['document']), 'a.md', 'document', 15],
    ['for a list in its form', field('file-list', ['video', 'custom'], ['.png']), 'a.png', 'custom', 10],
  ])('takes a file %s', (...[, settings, name, type, limitMb]) => {
    expect(admitted(file(name), 'a', app(settings), false)).toEqual({ type, limitMb });
  });

  test.each<[string, object, string, RegExp]>([
    ['of another kind', uploads(['image', 'document']), 'a.mp4', /\(video\): it takes image, document\.$/],
    [
      'with another extension',
      uploads(['custom', 'image'], ['.pdf', '.md']),
      'a.txt',
      /it takes \.pdf, \.md, image\.$/,
    ],
    ['where it takes none', {}, 'a.png', /it takes no uploads\.$/],
    ['where it takes addresses only', uploads(['image'], [], ['remote_url']), 'a.png', /it takes no uploads\.$/],
    [
      'for a form without files',
      { user_input_form: [{ paragraph: { variable: 'p', label: 'P' } }] },
      'a.png',
      /no uploads/,
    ],
  ])('takes no file %s', (_, settings, name, message) => {
    const refused = expect.objectContaining({ code: 'UNSUPPORTED_FILE_TYPE', message: expect.stringMatching(message) });
    expect(() => admitted(file(name), 'a', app(settings), false)).toThrow(refused);
  });

  test('takes any file while it waits for one', () => {
    expect(admitted(file('a.mp4'), 'a', app({}), true)).toEqual({ type: 'video', limitMb: 100 });
  });

  test('limits nothing where Dify names no limits', () => {
    expect(admitted(file('a.png'), 'a', app({ ...uploads([]), system_parameters: null }), false).limitMb).toBeNull();
  });
});
