import { describe, expect, test } from 'vitest';
import { openRig } from '../rig.ts';
import { codesOf, dataOf } from './answers.ts';
import { openFakeApp } from './fake-app.ts';

const input = 'variable label type required default options maxLength allowedFileTypes allowedFileExtensions';
const form = `query ($app: ID!) { app(name: $app) { inputs { ${input} } } }`;
const features = `{
  app { features {
    speechToText textToSpeech suggestedQuestionsAfterAnswer citations annotationReply
    fileUpload { types extensions numberLimit sizeLimitsMb }
  } }
  without: app(name: "summarize") { features { fileUpload { numberLimit } } }
}`;

describe('an app', () => {
  test('says what it wants to know, in the order of its form', async () => {
    await using rig = await openRig();
    const { app: summarize } = dataOf(await rig.query(form, { app: 'summarize' }));
    const none = { default: null, options: null, maxLength: null, allowedFileTypes: null, allowedFileExtensions: null };
    expect(summarize.inputs).toEqual([
      { ...none, variable: 'text', label: 'Text', type: 'paragraph', required: true, maxLength: 20_000 },
      { ...none, variable: 'sentences', label: 'Sentences', type: 'number', required: false, default: 2 },
      {
        ...none,
        variable: 'tone',
        label: 'Tone',
        type: 'select',
        required: false,
        default: 'neutral',
        options: ['neutral', 'friendly', 'formal'],
      },
    ]);
    const { app: describes } = dataOf(await rig.query(form, { app: 'describe' }));
    expect(describes.inputs).toMatchObject([
      { type: 'file', maxLength: null, allowedFileTypes: ['IMAGE', 'DOCUMENT', 'AUDIO', 'VIDEO'] },
      { type: 'file-list', maxLength: 3, allowedFileExtensions: [] },
      { type: 'text-input', maxLength: 200 },
      { type: 'checkbox', default: false, allowedFileTypes: null },
      { type: 'json_object', options: null },
    ]);
    expect(dataOf(await rig.query(form, { app: 'assistant' }))['app']).toEqual({ inputs: [] });
  });

  test('says what it can do', async () => {
    await using rig = await openRig();
    const { app, without } = dataOf(await rig.query(features));
    expect(app.features).toEqual({
      speechToText: true,
      textToSpeech: true,
      suggestedQuestionsAfterAnswer: true,
      citations: false,
      annotationReply: false,
      fileUpload: {
        types: ['IMAGE', 'DOCUMENT', 'AUDIO', 'VIDEO'],
        extensions: [],
        numberLimit: expect.any(Number),
        sizeLimitsMb: { document: 15, image: 10, audio: 50, video: 100 },
      },
    });
    expect(without).toEqual({ features: { fileUpload: null } });
  });

  test('says hello, and how Dify shows it, asked once for all who want to know', async () => {
    await using rig = await openRig();
    const query = `{ app {
      openingStatement suggestedQuestions inputs { variable } features { citations } toolIcons
      site { title iconType icon iconBackground iconUrl description copyright privacyPolicy defaultLanguage }
    } }`;
    const [first, ...others] = await Promise.all(Array.from({ length: 10 }, () => rig.query(query)));
    expect(dataOf(first!)['app']).toMatchObject({
      openingStatement: expect.stringContaining('Hello!'),
      suggestedQuestions: ['help', 'What is this sandbox?', 'How do I connect a real Dify?'],
      toolIcons: {},
      site: {
        title: 'Assistant',
        iconType: 'emoji',
        icon: '🤖',
        iconUrl: null,
        copyright: null,
        defaultLanguage: 'en-US',
      },
    });
    for (const other of others) expect(other).toEqual(first);
    expect(rig.requests.map(({ path }) => path).toSorted()).toEqual(['/v1/meta', '/v1/parameters', '/v1/site']);
  });

  test('has nothing of this to say while Dify is down, but is listed; its form and features are errors', async () => {
    await using rig = await openRig();
    await rig.sandbox.close();
    const listed = await rig.query(
      '{ apps { name openingStatement suggestedQuestions site { title } toolIcons serverVersion } }',
    );
    const nothing = {
      openingStatement: null,
      suggestedQuestions: [],
      site: null,
      toolIcons: null,
      serverVersion: null,
    };
    expect(dataOf(listed)['apps'][0]).toEqual({ name: 'assistant', ...nothing });
    expect(rig.logged.filter((line) => line.includes('did not describe')).length).toBeGreaterThan(0);
    const both = await rig.query('{ form: app { inputs { type } } other: app { features { citations } } }');
    expect(codesOf(both)).toEqual(['UPSTREAM_UNREACHABLE', 'UPSTREAM_UNREACHABLE']);
    expect(both.data).toEqual({ form: null, other: null });
  });

  test.each([
    ['1.12.1', ['PINNED_WORKFLOW', 'SET_CONVERSATION_VARIABLE', 'FILE_PREVIEW'], ['END_USERS', 'HUMAN_INPUT']],
    ['1.14.2', ['END_USERS', 'HUMAN_INPUT', 'RESUME_STREAM'], ['SEPARATED_REASONING', 'NEW_AGENT']],
    ['1.16.0', ['SEPARATED_REASONING', 'NEW_AGENT', 'MESSAGE_USAGE', 'ANNOTATIONS'], []],
  ])('on Dify %s can do what that version can', async (version, can, cannot) => {
    await using rig = await openRig({ sandbox: { version } });
    const { app } = dataOf(await rig.query('{ app { serverVersion capabilities } }'));
    expect(app.serverVersion).toBe(version);
    expect(app.capabilities).toEqual(expect.arrayContaining(can));
    for (const name of cannot) expect(app.capabilities).not.toContain(name);
  });
});

describe('an icon', () => {
  const site = { title: 'A', icon_type: 'image', icon: 'f00d' };
  const signed = '/files/f00d/file-preview?timestamp=1785466811&nonce=4c1f&sign=bW9jay0wMQ=='; // as Dify writes it

  test.each([
    ['https://cdn.example.com/icon.png?size=64', 'https://cdn.example.com/icon.png?size=64'],
    [`https://dify.example.com${signed}`, null],
    [signed, null],
    ['/static/icon.png', null],
    ['http://dify.internal/icon.png', null],
    ['https://me:secret@dify.example.com/icon.png', null],
    ['https://bucket.example.com/icon.png?X-Amz-Signature=abc', null],
    ['data:image/png;base64,AAAA', null],
    [null, null],
  ])('is passed on only if everyone may have it: %s', async (url, expected) => {
    const meta = { tool_icons: { search: url ?? {}, clock: { content: '⏰', background: '#fff' } } };
    await using fake = await openFakeApp({ '/site': { ...site, icon_url: url }, '/meta': meta });
    const { app } = dataOf(await fake.query('{ app { site { icon iconUrl } toolIcons } }'));
    expect(app.site).toEqual({ icon: 'f00d', iconUrl: expected });
    expect(app.toolIcons).toEqual({
      clock: { content: '⏰', background: '#fff' },
      ...(expected === null ? {} : { search: expected }),
    });
  });
});
