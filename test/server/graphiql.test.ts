import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from '../rig.ts';
import { endedRun } from '../graphql/answers.ts';

async function page(rig: Rig, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(rig.url, { headers: { accept: 'text/html', ...headers } });
}

/** The documents of the tabs. */
async function tabs(rig: Rig, headers: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const [, options = '{}'] = /"defaultTabs":(\[.*?\]),"headers"/s.exec(await (await page(rig, headers)).text()) ?? [];
  return (JSON.parse(options) as { query: string }[]).map(({ query }) => query);
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
    await using rig = await openRig({ graphiql: true });
    const response = await page(rig);
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toContain('<title>dify-graphql</title>');
    const queries = await tabs(rig);
    expect(titles(queries)).toEqual([
      'Stream',
      'Ask',
      'History',
      'Workflow',
      'Complete',
      'Runs',
      'Forms',
      'App',
      'Rate',
    ]);
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

  test('opens while Dify is down, and for somebody who is not known', async () => {
    await using rig = await openRig({
      graphiql: true,
      identify: () => {
        throw new Error('who?');
      },
    });
    await rig.sandbox.close();
    expect(titles(await tabs(rig))).toEqual(['Stream', 'Ask', 'History', 'Runs', 'Forms', 'App', 'Rate']);
  });

  test('is not what programs get', async () => {
    await using rig = await openRig({ graphiql: true });
    for (const accept of ['application/json', '*/*', 'text/event-stream']) {
      const response = await fetch(`${rig.url}?query={viewer{id}}`, { headers: { accept } });
      expect(await response.text()).toContain('{"data":{"viewer":{"id":"anonymous"}}}');
    }
  });
});

function following(documents: readonly string[]): string | undefined {
  return documents.find((document) => document.includes('runEvents'));
}
