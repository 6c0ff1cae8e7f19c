import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { openRig, unlimited } from '../rig.ts';
import { program } from './carrying.ts';

const deep = (levels: number) => `${'{a'.repeat(levels)}${'}'.repeat(levels)}`;

/** What a server says to these bytes before it closes the connection. */
async function said(url: string, request: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += data.toString())).write(request);
  await once(socket, 'close');
  return answer;
}

describe('rubbish is told from a defect of the server', () => {
  test.each(['a b', 'x:99999', '[', '%'])('in the host header: “%s”', async (host) => {
    await using rig = await openRig();
    const answer = await said(rig.url, `GET /graphql HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"BAD_USER_INPUT"');
    expect(answer).not.toMatch(/\bat \w|node_modules/);
  });

  test('in a document that is nested too deeply, at each door', async () => {
    // Without the limit that it would meet first.
    const document = { ...unlimited.document, tokens: 1_000_000 };
    await using rig = await openRig({ bounds: { document } });
    const bad = { code: 'BAD_USER_INPUT' };
    expect((await rig.query(deep(6_000))).errors?.[0]?.extensions).toEqual(bad);
    await expect(rig.collect(deep(6_000))).rejects.toMatchObject([{ extensions: bad }]);
    expect(rig.logged.join('')).not.toContain('unexpected error');
  });

  test('in inputs that are nested too deeply', async () => {
    await using rig = await openRig();
    const inputs = `${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`;
    const query = 'mutation ($a: JSON) { chat(input: { query: "hi", inputs: $a }) { complete } }';
    const body = `{"query":${JSON.stringify(query)},"variables":{"a":${inputs}}}`;
    const response = await fetch(rig.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  });

  test('in variables, by GET or as a form', async () => {
    await using rig = await openRig();
    const query = encodeURIComponent('{ __typename }');
    const headers = { ...program, 'content-type': 'application/x-www-form-urlencoded' };
    const answers = [
      await fetch(`${rig.url}?query=${query}&variables={`, { headers: program }),
      await fetch(rig.url, { method: 'POST', headers, body: `query=${query}&variables={` }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
    }
  });

  test('in a multipart request without an operation', async () => {
    await using rig = await openRig();
    const body = new FormData();
    body.set('operations', 'null');
    body.set('map', '{"0":["variables.f"]}');
    body.set('0', new File(['x'], 'x.txt'));
    const answer = await fetch(rig.url, { method: 'POST', headers: program, body });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  });

  test('in ids and users that are no Unicode', async () => {
    await using rig = await openRig();
    const run = `mutation ($id: ID) { runWorkflow(input: { app: "summarize", workflowId: $id, inputs: { text: "a" } }) { run { error { code } } } }`;
    const { data } = await rig.query(run, { id: '\ud800' });
    expect(data).toMatchObject({ runWorkflow: { run: { error: { code: 'NOT_FOUND' } } } });
    await expect(rig.collect('{ viewer { id } }', {}, '\ud800')).rejects.toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  });
});
