import { describe, expect, it } from 'vitest';
import { parseParameters } from '../../src/dify/parse-parameters.ts';

const bare = {
  label: 'x',
  description: null,
  required: false,
  default: null,
  options: [],
  maxLength: null,
  allowedFileTypes: [],
  allowedFileExtensions: [],
  allowedUploadMethods: [],
  hide: false,
  jsonSchema: null,
};
const noSpeech = { enabled: false, voice: null, language: null, autoPlay: false };

/** What an app with everything switched off can do. */
const off = {
  fileUpload: { enabled: false, types: [], extensions: [], methods: [], numberLimit: null },
  sizeLimitsMb: { document: null, image: null, audio: null, video: null },
  workflowFileLimit: null,
  speechToText: false,
  textToSpeech: noSpeech,
  suggestedQuestionsAfterAnswer: false,
  citations: false,
  annotationReply: false,
  moreLikeThis: false,
  sensitiveWordAvoidance: false,
};

describe('parameters', () => {
  it('may be missing altogether', () => {
    const nothing = { openingStatement: null, suggestedQuestions: [], autoPlay: false, inputs: [], features: off };
    expect(parseParameters({})).toEqual(nothing);
    expect(
      parseParameters({
        opening_statement: null,
        suggested_questions: null,
        user_input_form: null,
        file_upload: null,
        text_to_speech: null,
        system_parameters: null,
      }),
    ).toEqual(nothing);
  });

  it('tell of the start of a conversation', () => {
    const { openingStatement, suggestedQuestions } = parseParameters({
      opening_statement: 'Hi',
      suggested_questions: ['a', 'b'],
    });
    expect({ openingStatement, suggestedQuestions }).toEqual({
      openingStatement: 'Hi',
      suggestedQuestions: ['a', 'b'],
    });
  });
});

describe('the form', () => {
  const kinds = [
    'text-input',
    'paragraph',
    'select',
    'number',
    'checkbox',
    'file',
    'file-list',
    'json_object',
    'external_data_tool',
    'something_new',
  ];

  it.each(kinds)('has fields of the kind %s, of which every key but the variable may be missing', (type) => {
    const { inputs } = parseParameters({ user_input_form: [{ [type]: { variable: 'x' } }] });
    expect(inputs).toEqual([{ ...bare, type, variable: 'x' }]);
  });

  it('has fields with all keys', () => {
    const field = {
      variable: 'docs',
      label: 'Documents',
      type: 'file-list',
      description: 'What to read',
      required: true,
      default: null,
      max_length: 5,
      options: [],
      allowed_file_types: ['document', 'custom'],
      allowed_file_extensions: ['.md'],
      allowed_file_upload_methods: ['local_file', 'remote_url'],
      hide: true,
      json_schema: null,
    };
    expect(parseParameters({ user_input_form: [{ 'file-list': field }] }).inputs).toEqual([
      {
        type: 'file-list',
        variable: 'docs',
        label: 'Documents',
        description: 'What to read',
        required: true,
        default: null,
        options: [],
        maxLength: 5,
        allowedFileTypes: ['document', 'custom'],
        allowedFileExtensions: ['.md'],
        allowedUploadMethods: ['local_file', 'remote_url'],
        hide: true,
        jsonSchema: null,
      },
    ]);
  });

  it('keeps its order and its defaults as they are', () => {
    const { inputs } = parseParameters({
      user_input_form: [
        { select: { variable: 'a', label: '', options: ['x', 'y'], default: 'y' } },
        { number: { variable: 'b', default: 0, max_length: '48' } },
        { checkbox: { variable: 'c', default: false } },
        { 'text-input': { variable: 'd', default: '' } },
      ],
    });
    expect(inputs.map(({ variable, default: value }) => [variable, value])).toEqual([
      ['a', 'y'],
      ['b', 0],
      ['c', false],
      ['d', ''],
    ]);
    expect(inputs[0]).toMatchObject({ label: 'a', options: ['x', 'y'] });
    expect(inputs[1]).toMatchObject({ maxLength: 48 });
  });

  it('has schemas as objects and as text', () => {
    const schema = { type: 'object', required: ['a'] };
    const { inputs } = parseParameters({
      user_input_form: [
        { json_object: { variable: 'a', json_schema: schema } },
        { json_object: { variable: 'b', json_schema: JSON.stringify(schema) } },
        { json_object: { variable: 'c', json_schema: 'no JSON' } },
      ],
    });
    expect(inputs.map(({ jsonSchema }) => jsonSchema)).toEqual([schema, schema, null]);
  });

  it('leaves out what is no field', () => {
    expect(parseParameters({ user_input_form: [null, 'x', {}, { select: null }, { select: {} }, [1]] }).inputs).toEqual(
      [],
    );
  });
});

describe('features', () => {
  it('are on where Dify says so', () => {
    const on = { enabled: true };
    const { features, autoPlay } = parseParameters({
      suggested_questions_after_answer: on,
      speech_to_text: on,
      text_to_speech: { enabled: true, voice: 'alloy', language: 'de-DE', autoPlay: 'enabled' },
      retriever_resource: on,
      annotation_reply: { enabled: true, id: 'x' },
      more_like_this: on,
      sensitive_word_avoidance: { enabled: true, type: 'keywords' },
      system_parameters: {
        file_size_limit: 15,
        image_file_size_limit: 10,
        audio_file_size_limit: 50,
        video_file_size_limit: 100,
        workflow_file_upload_limit: 10,
      },
    });
    expect(autoPlay).toBe(true);
    expect(features).toEqual({
      fileUpload: off.fileUpload,
      sizeLimitsMb: { document: 15, image: 10, audio: 50, video: 100 },
      workflowFileLimit: 10,
      speechToText: true,
      textToSpeech: { enabled: true, voice: 'alloy', language: 'de-DE', autoPlay: true },
      suggestedQuestionsAfterAnswer: true,
      citations: true,
      annotationReply: true,
      moreLikeThis: true,
      sensitiveWordAvoidance: true,
    });
  });

  it.each([
    [{ enabled: false, autoPlay: 'enabled' }, false],
    [{ enabled: true, autoPlay: 'disabled' }, false],
    [{ enabled: true }, false],
    [{ enabled: true, autoPlay: 'enabled' }, true],
  ])('play by themselves with %j: %s', (speech, autoPlay) => {
    const read = parseParameters({ text_to_speech: speech });
    expect([read.autoPlay, read.features.textToSpeech.autoPlay]).toEqual([autoPlay, autoPlay]);
  });

  it('have files as the apps without a graph tell of them', () => {
    const image = { enabled: true, number_limits: 3, detail: 'high', transfer_methods: ['remote_url', 'local_file'] };
    expect(parseParameters({ file_upload: { image } }).features.fileUpload).toEqual({
      enabled: true,
      types: ['image'],
      extensions: [],
      methods: ['remote_url', 'local_file'],
      numberLimit: 3,
    });
  });

  it('have files as the console keeps them', () => {
    const upload = {
      image: { enabled: false, number_limits: 3, transfer_methods: ['local_file'] },
      enabled: true,
      allowed_file_types: ['image', 'custom'],
      allowed_file_extensions: ['.MD', '.JSONL'],
      allowed_file_upload_methods: ['local_file', 'remote_url'],
      number_limits: 4,
      fileUploadConfig: { file_size_limit: 15 },
    };
    expect(parseParameters({ file_upload: upload }).features.fileUpload).toEqual({
      enabled: true,
      types: ['image', 'custom'],
      extensions: ['.MD', '.JSONL'],
      methods: ['local_file', 'remote_url'],
      numberLimit: 4,
    });
  });

  it('have files that are switched off but told of', () => {
    const upload = { enabled: false, image: { enabled: false }, number_limits: 3, transfer_methods: ['local_file'] };
    expect(parseParameters({ file_upload: upload }).features.fileUpload).toEqual({
      enabled: false,
      types: [],
      extensions: [],
      methods: ['local_file'],
      numberLimit: 3,
    });
  });
});
