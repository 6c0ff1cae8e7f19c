import { parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { dataOf, endedRun } from '../graphql/answers.ts';
import { openFakeApp } from '../graphql/fake-app.ts';
import { openRig, type Rig } from '../rig.ts';
import { program } from './carrying.ts';

async function page(rig: Pick<Rig, 'url'>, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(rig.url, { headers: { accept: 'text/html', ...headers } });
}

/** The documents of the tabs. */
async function tabs(rig: Pick<Rig, 'url'>, headers: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const [, options = '{}'] = /"defaultTabs":(\[.*?\]),"headers"/s.exec(await (await page(rig, headers)).text()) ?? [];
  return (JSON.parse(options) as { query: string }[]).map(({ query }) => query);
}

/** What the page sends with every operation. */
async function sentHeaders(rig: Pick<Rig, 'url'>): Promise<unknown> {
  const [, text = '""'] = /"defaultHeaders":("(?:[^"\\]|\\.)*")/.exec(await (await page(rig)).text()) ?? [];
  return JSON.parse(JSON.parse(text) as string);
}

const titles = (queries: readonly string[]) =>
  queries.map((query) => /^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1]);

describe('the page of GraphiQL', () => {
  test('is not there when it is off', async () => {
    await using rig = await openRig();
    const response = await page(rig);
    expect(response.ok).toBe(false);
    expect(await response.text()).not.toContain('<html');
  });

  test('has a tab for everything the apps can do', async () => {
    await using rig = await openRig({ graphiql: true, admins: ['me'], sandbox: { version: '1.16.2' } });
    const response = await page(rig);
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toContain('<title>dify-graphql</title>');
    const queries = await tabs(rig);
    expect(titles(queries).join(' ')).toBe(
      'Stream Ask History Workflow Records Complete Runs Stoppable Forms App Feedback Speak Files Annotations',
    );
    for (const query of queries) expect(validate(schema, parse(query)), query).toEqual([]);
    expect(queries[0]).toContain('app: "assistant"');
    expect(queries[3]).toContain('app: "summarize"');
  });

  test('has new keys in it for each visit', async () => {
    await using rig = await openRig({ graphiql: true });
    const keys = (await Promise.all([tabs(rig), tabs(rig)])).map(
      ([stream]) => /idempotencyKey: "(.*)"/.exec(stream ?? '')?.[1],
    );
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).not.toBe(keys[0]);
  });

  test('follows the newest run of whoever opens it, and nobody else’s', async () => {
    await using rig = await openRig({ graphiql: true });
    const mine = await endedRun(rig, '!echo a', 'me');
    const anns = await endedRun(rig, '!echo a', 'ann');
    expect(following(await tabs(rig))).toContain(`runEvents(runId: "${mine}")`);
    expect(following(await tabs(rig, { 'x-user': 'ann' }))).toContain(`runEvents(runId: "${anns}")`);
    expect(following(await tabs(rig, { 'x-user': 'eve' }))).toContain('runEvents(runId: "an id from Runs")');
  });

  test('has a tab for admins, and what they see of everybody, for admins only', async () => {
    await using rig = await openRig({ graphiql: true, admins: ['me'] });
    expect(titles(await tabs(rig))).toContain('Annotations');
    expect((await tabs(rig)).join()).toContain('feedbacks(');
    const anns = await tabs(rig, { 'x-user': 'ann' });
    expect(titles(anns)).not.toContain('Annotations');
    expect(anns.join()).not.toContain('feedbacks(');
  });

  test('names what there is already of whoever opens it', async () => {
    await using rig = await openRig({ graphiql: true, sandbox: { version: '1.16.2' } });
    const run = `mutation { runWorkflow(input: { app: "summarize", inputs: { text: "One. Two." } }) { run { workflowRunId } } }`;
    const { runWorkflow } = dataOf(await rig.query(run, {}, 'me'));
    const ask = 'mutation { chat(input: { query: "!echo a" }) { messageId conversationId run { id } } }';
    const { chat } = dataOf(await rig.query(ask, {}, 'me'));
    const documents = (await tabs(rig)).join();
    expect(documents).toContain(`rateMessage(app: "assistant", messageId: "${chat.messageId}"`);
    expect(documents).toContain(`renameConversation(app: "assistant", conversationId: "${chat.conversationId}"`);
    expect(documents).toContain(`workflowRunRecord(app: "summarize", id: "${runWorkflow.run.workflowRunId}")`);
    const anns = (await tabs(rig, { 'x-user': 'ann' })).join();
    for (const id of [chat.messageId, chat.conversationId, runWorkflow.run.workflowRunId])
      expect(anns).not.toContain(id);
  });

  test('fills in what the form of an app requires', async () => {
    const form = [
      { 'text-input': { variable: 'city', label: 'Which city?', required: true } },
      { number: { variable: 'nights', label: 'Nights', required: true } },
      { select: { variable: 'board', label: 'Board', required: true, options: ['half', 'full'] } },
      { paragraph: { variable: 'wishes', label: 'Wishes', required: false } },
    ];
    await using fake = await openFakeApp(
      { '/info': { name: 'Trip', mode: 'workflow' }, '/parameters': { user_input_form: form } },
      { graphiql: true },
    );
    expect((await tabs(fake)).find((document) => document.includes('workflowStream'))).toContain(
      'inputs: { city: "Which city?", nights: 1, board: "half" }',
    );
  });

  test('is not a page of whoever writes the form of an app', async () => {
    const texts = { label: '</script><script>oops()</script>', required: true };
    const form = [{ paragraph: { variable: 'a', ...texts } }, { paragraph: { variable: '</script>oops', ...texts } }];
    await using fake = await openFakeApp(
      { '/info': { name: 'Trip', mode: 'workflow' }, '/parameters': { user_input_form: form } },
      { graphiql: true },
    );
    const html = await (await page(fake)).text();
    expect(html).toContain('workflowStream');
    expect(html).toContain('oops()');
    expect(html).not.toContain('</script>oops');
    expect(html).not.toContain('<script>oops');
  });

  test('opens while Dify is down, and for somebody who is not known', async () => {
    await using rig = await openRig({
      graphiql: true,
      identify: () => {
        throw new Error('who?');
      },
    });
    await rig.sandbox.close();
    expect(titles(await tabs(rig))).toEqual(['Stream', 'Ask', 'History', 'Runs', 'Forms', 'App', 'Feedback']);
  });

  test('needs no credentials, names no app to those who have none, and asks for what will be needed', async () => {
    const auth = { apiKeys: [{ name: 'a', sha256: '0'.repeat(64), scopes: [], apps: undefined }] };
    await using rig = await openRig({ graphiql: true, auth, admins: [] });
    expect(await sentHeaders(rig)).toEqual({ authorization: 'Bearer your-token' });
    for (const { name } of rig.sandbox.apps) expect((await tabs(rig)).join()).not.toContain(`"${name}"`);
    const proxy = { header: 'x-user', scopesHeader: undefined, addresses: ['10.0.0.1'] };
    await using proxied = await openRig({ graphiql: true, auth: { proxy }, admins: [] });
    expect(await sentHeaders(proxied)).toEqual({});
    await using open = await openRig({ graphiql: true });
    expect(await sentHeaders(open)).toEqual({ 'x-user': 'me' });
  });

  test('is not what programs get', async () => {
    await using rig = await openRig({ graphiql: true });
    for (const accept of ['application/json', '*/*', 'text/event-stream']) {
      const response = await fetch(`${rig.url}?query={viewer{id}}`, { headers: { ...program, accept } });
      expect(await response.text()).toContain('{"data":{"viewer":{"id":"anonymous"}}}');
    }
  });
});

function following(documents: readonly string[]): string | undefined {
  return documents.find((document) => document.includes('runEvents'));
}
