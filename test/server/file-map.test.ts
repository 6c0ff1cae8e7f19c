import { describe, expect, test } from 'vitest';
import { codesOf } from '../graphql/answers.ts';
import { openRig, type Data, type Rig } from '../rig.ts';
import { program } from './carrying.ts';

const upload = 'mutation ($file: File) { uploadFile(app: "assistant", file: $file) { name } }';
const workflow = 'mutation ($input: RunWorkflowInput!) { runWorkflow(input: $input) { __typename } }';
const picture = new File(['x'], 'a.png', { type: 'image/png' });

async function send(rig: Rig, operations: object, map: unknown, parts: Readonly<Record<string, string | File>>) {
  const form = new FormData();
  form.append('operations', JSON.stringify(operations));
  form.append('map', JSON.stringify(map));
  for (const [name, part] of Object.entries(parts)) form.append(name, part);
  const headers = { ...program, accept: 'application/json' };
  const response = await fetch(rig.url, { method: 'POST', headers, body: form });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Data };
}

describe('a request with files', () => {
  test('has them where its variables say null', async () => {
    await using rig = await openRig();
    const query = upload.replaceAll('File)', 'File!)');
    const { body } = await send(rig, { query, variables: { file: null } }, { 0: ['variables.file'] }, { 0: picture });
    expect(body).toEqual({ data: { uploadFile: { name: 'a.png' } } });
  });

  const many = Array.from({ length: 300 }, (_, at) => `variables.input.k${at}`);
  const hidden = Array.from({ length: 1_000 }, (_, at) => `variables.z.k${at}`);
  const long = 'x'.repeat(100_000);

  test.each<[string, object, unknown, Readonly<Record<string, string | File>>]>([
    ['a text for a file', { file: null }, { 0: ['variables.file'] }, { 0: 'text' }],
    ['a text in many places', { input: { inputs: {} } }, { 0: many }, { 0: long }],
    ['texts hidden in a file', { z: null }, { 0: ['variables.z'], 1: hidden }, { 0: picture, 1: long }],
    ['a file for all variables', {}, { 0: ['variables'], 1: ['variables.input.k'] }, { 0: picture, 1: long }],
    ['a file where there is something', { file: 'a' }, { 0: ['variables.file'] }, { 0: picture }],
    ['a file where there is nothing', {}, { 0: ['variables.file'] }, { 0: picture }],
    ['a file for the query', { file: null }, { 0: ['query'] }, { 0: picture }],
    ['a file that is not there', { file: null }, { 0: ['variables.file'] }, {}],
    ['no list of places', { file: null }, { 0: 'variables.file' }, { 0: picture }],
    ['a place that is no text', { file: null }, { 0: [1] }, { 0: picture }],
  ])('is refused with %s', async (_, variables, map, parts) => {
    await using rig = await openRig();
    for (const query of [upload, workflow]) {
      const { status, text, body } = await send(rig, { query, variables }, map, parts);
      expect([status, codesOf(body)]).toEqual([400, ['BAD_USER_INPUT']]);
      expect(text.length).toBeLessThan(1_000);
    }
    expect(rig.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  test('has none in what is JSON', async () => {
    await using rig = await openRig();
    const input = { app: 'summarize', inputs: { text: null, deep: [{ file: null }] }, idempotencyKey: 'k' };
    const map = { 0: ['variables.input.inputs.deep.0.file'] };
    const { body } = await send(rig, { query: workflow, variables: { input } }, map, { 0: picture });
    expect(codesOf(body)).toEqual(['BAD_USER_INPUT']);
    expect(body['errors'][0].message).toContain('A file is no JSON');
    const literal = `mutation ($file: File!) { runWorkflow(input: { app: "summarize", inputs: { text: "a", deep: [{ file: $file }] } }) { status } }`;
    const written = await send(
      rig,
      { query: literal, variables: { file: null } },
      { 0: ['variables.file'] },
      { 0: picture },
    );
    expect(codesOf(written.body)).toEqual(['BAD_USER_INPUT']);
    expect(rig.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });
});
