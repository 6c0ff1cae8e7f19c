import { describe, expect, test } from 'vitest';
import type { FileReference } from '../../src/dify/file-reference.ts';
import { parseParameters } from '../../src/dify/parse-parameters.ts';
import { inputProblems } from '../../src/runs/input-check.ts';

const options = ['low', 'high'];

/** An app with one field `x`. */
const appWith = (type: string, more: object = {}) =>
  parseParameters({ user_input_form: [{ [type]: { variable: 'x', label: 'X', required: false, ...more } }] });

/** What is said of `x`. */
function said(type: string, value: unknown, more: object = {}): readonly string[] {
  const asked = { inputs: { x: value }, conversationId: null, files: [] };
  return inputProblems(asked, appWith(type, more)).map(({ path, message }) => {
    expect(path).toBe('input.inputs.x');
    return message;
  });
}

const upload = { type: 'image', transfer_method: 'local_file', upload_file_id: 'f' };
const remote = { type: 'document', transfer_method: 'remote_url', url: 'https://example.com/a.pdf' };
const fitting: readonly (readonly [type: string, value: unknown, more?: object])[] = [
  ['text-input', 'Zoë', { max_length: 3 }],
  // One character each, two UTF-16 units each.
  ['text-input', '👋👋👋', { max_length: 3 }],
  ['text-input', ''],
  ['paragraph', 'a'.repeat(100_000)],
  ['paragraph', 'a', { max_length: 0 }],
  ['external_data_tool', 'x'],
  ['select', 'low', { options }],
  ['select', '', { options }],
  ['select', 'any'],
  ...[0, -1.5, '12', ' -3.5e2 ', '.5', '1_000', '', '  '].map((value) => ['number', value] as const),
  ...[true, false, 0, 1, 'true', 'No', 'ON', '0', ''].map((value) => ['checkbox', value] as const),
  ['json_object', { a: [1] }],
  ['json_object', null],
  ['file', upload],
  ['file', ''],
  ['file', { type: 'custom', transfer_method: 'local_file', upload_file_id: 'f' }, { allowed_file_types: ['image'] }],
  ['file', { dify_model_identity: '__dify__file__', type: 'image', transfer_method: 'local_file', related_id: 'f' }],
  ['file', { type: 'image', transfer_method: 'something_new' }],
  ['file-list', []],
  ['file-list', [upload, remote], { max_length: 2, allowed_file_types: ['image', 'document'] }],
  ['something-new', { any: 'thing' }],
];

const unfitting: readonly (readonly [type: string, value: unknown, more: object, message: string])[] = [
  ['text-input', 'Zoë!', { max_length: 3 }, 'must have at most 3 characters: it has 4'],
  ['text-input', 3, {}, 'must be a text'],
  ['paragraph', ['a'], {}, 'must be a text'],
  ['select', 'middle', { options }, 'must be one of: low, high'],
  ['select', 1, { options }, 'must be a text'],
  ['number', 'many', {}, 'must be a number, or a text that is one'],
  ['number', '0x10', {}, 'must be a number, or a text that is one'],
  ['number', [1], {}, 'must be a number, or a text that is one'],
  ['number', true, {}, 'must be a number, or a text that is one'],
  ['checkbox', 'maybe', {}, 'must be true or false'],
  ['checkbox', 2, {}, 'must be true or false'],
  ['checkbox', {}, {}, 'must be true or false'],
  ['json_object', '{}', {}, 'must be an object'],
  ['json_object', [], {}, 'must be an object'],
  ['file', 'f', {}, 'must be a file'],
  ['file', { transfer_method: 'local_file', upload_file_id: 'f' }, {}, 'must be a file'],
  ['file', { type: 'image', upload_file_id: 'f' }, {}, 'must be a file'],
  ['file', { type: 'image', transfer_method: 'local_file' }, {}, 'must be a file'],
  ['file', { type: 'image', transfer_method: 'remote_url', upload_file_id: 'f' }, {}, 'must be a file'],
  ['file', upload, { allowed_file_types: ['document'] }, 'must be of type document: it is of type image'],
  ['file-list', upload, {}, 'must be a list of files'],
  ['file-list', [upload, upload, upload], { max_length: 2 }, 'must have at most 2 files: it has 3'],
  ['file-list', [upload, 'f'], {}, '[1] must be a file'],
  [
    'file-list',
    [upload, remote],
    { allowed_file_types: ['image'] },
    '[1] must be of type image: it is of type document',
  ],
];

describe('the check of inputs', () => {
  test.each(fitting.map(([type, value, more = {}]) => [type, value, more] as const))(
    'lets a %s be %j %j',
    (...asked) => {
      expect(said(...asked)).toEqual([]);
    },
  );

  test.each(unfitting)('does not let a %s be %j %j', (type, value, more, message) => {
    expect(said(type, value, more)).toEqual([expect.stringContaining(message)]);
  });

  test.each(['text-input', 'select', 'number', 'checkbox', 'file', 'json_object', 'something-new'])(
    'misses a %s that is required',
    (type) => {
      for (const missing of [undefined, null, '']) {
        expect(said(type, missing, { required: true })).toEqual(['is required']);
        expect(said(type, missing)).toEqual([]);
      }
    },
  );

  test('does not miss what is false, none or no file', () => {
    expect(said('checkbox', false, { required: true })).toEqual([]);
    expect(said('number', 0, { required: true })).toEqual([]);
    expect(said('file-list', [], { required: true })).toEqual([]);
  });

  test('misses nothing in a conversation that goes on, but looks at what is there', () => {
    const app = appWith('text-input', { required: true });
    const ask = (inputs: Record<string, unknown>) => inputProblems({ inputs, conversationId: 'c', files: [] }, app);
    expect(ask({})).toEqual([]);
    expect(ask({ x: 1 })).toEqual([{ path: 'input.inputs.x', message: 'must be a text' }]);
  });

  test('lets through what the form does not have, and is not misled by names that objects have anyway', () => {
    const app = appWith('text-input', { variable: 'constructor', required: true });
    const asked = { inputs: { other: { any: 'thing' } }, conversationId: null, files: [] };
    expect(inputProblems(asked, app)).toEqual([{ path: 'input.inputs.constructor', message: 'is required' }]);
    expect(inputProblems({ ...asked, inputs: { constructor: 'mine', other: 1 } }, app)).toEqual([]);
  });

  test('finds everything at once, in the order of the form, then of the files', () => {
    const form = ['a', 'b', 'c'].map((variable) => ({ 'text-input': { variable, required: true, max_length: 1 } }));
    const app = parseParameters({
      user_input_form: form,
      file_upload: { enabled: true, allowed_file_types: ['image'], number_limits: 1 },
    });
    const files = [fileOf('image'), fileOf('audio'), fileOf('custom')];
    expect(inputProblems({ inputs: { c: 'cc', a: '' }, conversationId: null, files }, app)).toEqual([
      { path: 'input.inputs.a', message: 'is required' },
      { path: 'input.inputs.b', message: 'is required' },
      { path: 'input.inputs.c', message: 'must have at most 1 characters: it has 2' },
      { path: 'input.files', message: 'must have at most 1 files: it has 3' },
      { path: 'input.files.1', message: 'must be of type image: it is of type audio' },
    ]);
  });

  test('says nothing of files where they are switched off: Dify ignores them', () => {
    const app = parseParameters({ file_upload: { enabled: false, allowed_file_types: ['image'], number_limits: 1 } });
    const files = [fileOf('audio'), fileOf('audio')];
    expect(inputProblems({ inputs: {}, conversationId: null, files }, app)).toEqual([]);
  });
});

function fileOf(type: FileReference['type']): FileReference {
  return { type, transferMethod: 'local_file', uploadFileId: 'f' };
}
