import { describe, expect, test } from 'vitest';
import { frame, openSse, sendJson, type Exchange } from '../dify/fake-server.ts';
import { openRig, type Data, type Rig } from '../rig.ts';
import { picture, uploaded } from '../server/carrying.ts';
import { codesOf, dataOf } from './answers.ts';
import { openFakeApp, type FakeApp } from './fake-app.ts';

const ANSWER = 'mutation ($input: SubmitHumanInputInput!) { submitHumanInput(input: $input) { run { id status } } }';
const START = `mutation ($input: RunWorkflowInput!) { runWorkflow(input: $input) { run { status forms { id } } } }`;
const END = '{ runs(first: 1) { nodes { status ... on WorkflowRun { outputs } } } }';

/** Ann's approval, which waits for her with room for an attachment. */
async function waiting(rig: Rig): Promise<string> {
  const input = { app: 'approval', inputs: { topic: 'Cake' } };
  return dataOf(await rig.query(START, { input }, 'ann'))['runWorkflow'].run.forms[0].id as string;
}

function submit(rig: Pick<FakeApp, 'query'>, formId: string, inputs: object) {
  return rig.query(ANSWER, { input: { formId, action: 'approve', inputs } }, 'ann');
}

describe('a file in the answer to a form', () => {
  const rest = { comment: 'Fine', channel: 'mail' };
  const sandbox = { version: '1.15.0' };

  test('is an upload of the viewer’s, named as in a question', async () => {
    await using rig = await openRig({ sandbox });
    const formId = await waiting(rig);
    const id = await uploaded(rig, 'ann', picture(), 'approval');
    dataOf(await submit(rig, formId, { ...rest, attachment: { upload: { id, type: 'IMAGE' } } }));
    const ended = async () => dataOf(await rig.query(END, {}, 'ann'))['runs'].nodes[0];
    await expect.poll(ended).toMatchObject({
      status: 'SUCCEEDED',
      outputs: { comment: 'Fine', attachment: { filename: 'pixel.png', type: 'image', transfer_method: 'local_file' } },
    });
    expect(JSON.stringify((await ended()).outputs)).not.toContain('sign=');
  });

  test('may be left out', async () => {
    await using rig = await openRig({ sandbox });
    dataOf(await submit(rig, await waiting(rig), { ...rest, attachment: null }));
  });

  test('of another viewer is refused as in a question, and the form goes on waiting', async () => {
    await using rig = await openRig({ sandbox });
    const formId = await waiting(rig);
    const id = await uploaded(rig, 'eve', picture(), 'assistant');
    for (const named of [id, id.toUpperCase()]) {
      const attachment = { upload: { id: named, type: 'IMAGE' } };
      expect(codesOf(await submit(rig, formId, { ...rest, attachment }))).toEqual(['NOT_FOUND']);
    }
    expect(rig.requests.filter(({ method, path }) => method === 'POST' && path.startsWith('/v1/form/'))).toEqual([]);
    dataOf(await submit(rig, formId, rest));
  });

  test.each<[string, unknown]>([
    ['in Dify’s own shape', { type: 'image', transfer_method: 'remote_url', url: 'https://pictures.example/a.png' }],
    ['that is an id', 'f11e0000-0001-4000-8000-000000000001'],
    ['that is two', { upload: { id: 'a', type: 'IMAGE' }, remote: { url: 'https://a.example', type: 'IMAGE' } }],
    ['of a type that there is not', { upload: { id: 'a', type: 'image' } }],
    ['that is a list', [{ upload: { id: 'a', type: 'IMAGE' } }]],
    ['that nobody fetches', { remote: { url: 'file:///etc/passwd', type: 'DOCUMENT' } }],
  ])('%s is refused before Dify is asked', async (_, attachment) => {
    await using rig = await openRig({ sandbox });
    const formId = await waiting(rig);
    const result = await submit(rig, formId, { ...rest, attachment });
    expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
    expect(rig.requests.filter(({ method, path }) => method === 'POST' && path.startsWith('/v1/form/'))).toEqual([]);
    dataOf(await submit(rig, formId, rest));
  });

  test('says in which field it does not fit', async () => {
    await using rig = await openRig({ sandbox });
    const { errors } = await submit(rig, await waiting(rig), { ...rest, attachment: 'a' });
    expect(errors?.[0]?.extensions).toMatchObject({
      problems: [{ path: 'input.inputs.attachment', message: expect.stringContaining('{ upload: { id, type } }') }],
    });
  });
});

test('files in the answer to a form reach Dify as it wants them, one and many', async () => {
  const token = 'the-token';
  const fields = [
    { type: 'file', output_variable_name: 'one' },
    { type: 'file-list', output_variable_name: 'many' },
    { type: 'file-list', output_variable_name: 'none' },
    { type: 'paragraph', output_variable_name: 'text' },
  ];
  const form = { form_id: 'f', node_id: 'n', form_token: token, inputs: fields, actions: [{ id: 'approve' }] };
  const ids = { task_id: 't', workflow_run_id: 'w' };
  const paused = [
    { event: 'workflow_started', ...ids, data: { id: 'w' } },
    { event: 'human_input_required', ...ids, data: form },
    { event: 'workflow_paused', ...ids, data: { workflow_run_id: 'w', reasons: [form] } },
  ];
  const ended = { event: 'workflow_finished', ...ids, data: { id: 'w', status: 'succeeded', outputs: {} } };
  const bodies: Data[] = [];
  await using app = await openFakeApp({
    '/info': { name: 'n', description: '', tags: [], mode: 'workflow', author_name: null },
    '/workflows/run': (exchange: Exchange) => openSse(exchange).end(paused.map(frame).join('')),
    '/workflow/w/events': (exchange: Exchange) => openSse(exchange).end(frame(ended)),
    [`/form/human_input/${token}`]: (exchange: Exchange) => {
      bodies.push(JSON.parse(exchange.request.body) as Data);
      sendJson(exchange, 200, {});
    },
  });
  const started = dataOf(await app.query(START, { input: { inputs: {} } }, 'ann'))['runWorkflow'];
  expect(started).toEqual({ run: { status: 'PAUSED', forms: [{ id: 'f' }] } });
  const remote = { remote: { url: 'https://pictures.example/a.png', type: 'IMAGE' } };
  const upload = { upload: { id: 'f11e0000-0001-4000-8000-000000000001', type: 'DOCUMENT' } };
  dataOf(await submit(app, 'f', { one: remote, many: [upload, remote], none: [], text: 'a', unasked: { b: 1 } }));
  const asRemote = { type: 'image', transfer_method: 'remote_url', url: remote.remote.url };
  const asUpload = { type: 'document', transfer_method: 'local_file', upload_file_id: upload.upload.id };
  const inputs = { one: asRemote, many: [asUpload, asRemote], none: [], text: 'a', unasked: { b: 1 } };
  expect(bodies).toEqual([{ user: 'ann', action: 'approve', inputs }]);
});
