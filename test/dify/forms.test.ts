import { inspect } from 'node:util';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { parseForm } from '../../src/dify/form.ts';
import { answers } from './answering.ts';
import { client, sendJson, serve } from './fake-server.ts';

const token = 'tok_CANARY/0nly';
const inputs = [
  {
    output_variable_name: 'comment',
    type: 'paragraph',
    default: { type: 'variable', selector: ['1', 'draft'], value: '' },
  },
  { output_variable_name: 'note', type: 'paragraph', default: { type: 'constant', selector: [], value: 'so far' } },
  {
    output_variable_name: 'channel',
    type: 'select',
    option_source: { type: 'constant', selector: [], value: ['mail', 'post'] },
  },
  {
    output_variable_name: 'other',
    type: 'select',
    option_source: { type: 'variable', selector: ['1', 'x'], value: [] },
  },
  {
    output_variable_name: 'scans',
    type: 'file-list',
    allowed_file_types: ['image', 'custom'],
    allowed_file_extensions: ['.md'],
    allowed_file_upload_methods: ['local_file'],
    number_limits: 5,
  },
];
const form = {
  form_content: 'Bitte prüfen: {{#$output.comment#}}',
  inputs,
  resolved_default_values: { comment: 'Liebe Anna, …' },
  user_actions: [
    { id: 'approve', title: 'Freigeben', button_style: 'primary' },
    { id: 'reject', title: 'Ablehnen' },
  ],
  expiration_time: 1785614400,
};
const plain = {
  default: null,
  options: null,
  allowedFileTypes: [],
  allowedFileExtensions: [],
  allowedUploadMethods: [],
  numberLimit: null,
};
const read = {
  content: 'Bitte prüfen: {{#$output.comment#}}',
  inputs: [
    { ...plain, name: 'comment', type: 'paragraph', default: 'Liebe Anna, …' },
    { ...plain, name: 'note', type: 'paragraph', default: 'so far' },
    { ...plain, name: 'channel', type: 'select', options: ['mail', 'post'] },
    { ...plain, name: 'other', type: 'select' },
    {
      ...plain,
      name: 'scans',
      type: 'file-list',
      allowedFileTypes: ['image', 'custom'],
      allowedFileExtensions: ['.md'],
      allowedUploadMethods: ['local_file'],
      numberLimit: 5,
    },
  ],
  actions: [
    { id: 'approve', title: 'Freigeben', style: 'primary' },
    { id: 'reject', title: 'Ablehnen', style: 'default' },
  ],
  expiresAt: 1785614400,
};

describe('a form', () => {
  it('is read with all its kinds of inputs', async () => {
    await using server = await answers([200, form]);
    await using dify = client(server.baseUrl);
    expect(await dify.one.forms.get(token)).toEqual(read);
  });

  it('is the same in an event, where the buttons have another name', () => {
    const { user_actions: actions, ...rest } = form;
    expect(parseForm({ ...rest, actions, form_token: token })).toEqual(read);
  });

  it('may be empty, as the events of one version are', () => {
    expect(parseForm({})).toEqual({ content: '', inputs: [], actions: [], expiresAt: null });
  });

  it('is submitted once, whatever the reply', async () => {
    await using server = await answers([200, {}], [503]);
    await using dify = client(server.baseUrl);
    const submit = () => dify.one.forms.submit({ token, user: 'u', action: 'approve', inputs: { comment: 'passt' } });
    await submit();
    await expect(submit()).rejects.toMatchObject({ difyStatus: 503 });
    expect(server.requests).toHaveLength(2);
  });

  it.each(['human_input_form_submitted', 'human_input_form_expired'])('is over at %s', async (code) => {
    await using server = await answers([412, { code, message: 'Too late.', status: 412 }]);
    await using dify = client(server.baseUrl);
    const over = { code: 'FORM_EXPIRED', difyCode: code, message: 'Too late.', retryable: false };
    await expect(dify.one.forms.get(token)).rejects.toMatchObject(over);
    const submitted = dify.one.forms.submit({ token, user: 'u', action: 'a', inputs: {} });
    await expect(submitted).rejects.toMatchObject(over);
  });

  it('tells what is wrong with what was filled in', async () => {
    await using server = await answers([
      400,
      { code: 'invalid_form_data', message: 'Missing field: comment', status: 400 },
    ]);
    await using dify = client(server.baseUrl);
    const submitted = dify.one.forms.submit({ token, user: 'u', action: 'a', inputs: {} });
    await expect(submitted).rejects.toMatchObject({ code: 'BAD_USER_INPUT', message: 'Missing field: comment' });
  });

  it('keeps its token out of every error and log', async () => {
    const encoded = encodeURIComponent(token);
    const failures: readonly (readonly [number, string])[] = [
      [404, `No form ${token}. You have requested this URI [/v1/form/human_input/${encoded}] but did you mean …?`],
      [404, `No form at /v1/form/human_input/${encoded}`],
      [400, `form_token: ${token}`],
      [500, token],
      [200, token],
      [502, token],
    ];
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    let failure: (typeof failures)[number] | undefined;
    await using server = await serve((exchange) => {
      if (failure === undefined) exchange.socket.resetAndDestroy();
      else sendJson(exchange, failure[0], { code: 'x', message: failure[1] });
    });
    await using dify = client(server.baseUrl, { readMs: 2_000 }, log);
    const said: string[] = [];
    const get = () => dify.one.forms.get(token);
    const submit = () => dify.one.forms.submit({ token, user: 'u', action: 'a', inputs: {} });
    for (failure of [...failures, undefined]) {
      for (const work of [get, submit]) {
        const error = await work().catch((reason: unknown) => reason);
        log.error({ err: error }, 'failed');
        said.push(inspect(error, { depth: 10, showHidden: true }));
      }
    }
    expect(said).toHaveLength(2 * failures.length + 2);
    expect([...said, ...lines].join('\n')).not.toMatch(/CANARY/);
  });
});
