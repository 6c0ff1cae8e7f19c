import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, openBrowser } from '../browser.ts';
import { dataOf } from '../graphql/answers.ts';
import { hasRedis, openRedis } from '../redis.ts';
import { openGateway, openRig, type Rig } from '../rig.ts';
import { openPages, type Pages } from './pages.ts';
import { keptPort } from './port.ts';
import { openProxy } from './proxy.ts';

const ways = ['apollo', 'urql'] as const;

/** Answers as a model does: `!long:100` takes some 4 s. */
const paced = { pace: 1, version: '1.14.2' };

describe.skipIf(!hasBrowser('CLIENTS IN A BROWSER ARE'))('in a browser', { timeout: 60_000 }, () => {
  let browser: Browser;
  let pages: Pages;
  beforeAll(async () => {
    [browser, pages] = await Promise.all([openBrowser(), openPages()]);
  }, 40_000);
  afterAll(async () => {
    await browser?.close();
    await pages?.[Symbol.asyncDispose]();
  });

  /** A page of somebody's who has never been here. */
  async function open(wanted: Readonly<Record<string, string>>): Promise<Page & AsyncDisposable> {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(pages.of(wanted));
    return Object.assign(page, { [Symbol.asyncDispose]: () => context.close() });
  }

  const shown = async (page: Page, id = 'answer') => (await page.locator(`#${id}`).textContent()) ?? '';

  async function ask(page: Page, question: string): Promise<void> {
    await page.locator('#question').fill(question);
    await page.locator('#ask').click();
    await begun(page);
  }

  const begun = (page: Page) => page.locator('#answer', { hasText: /\S/ }).waitFor();

  /** The one answer there is, as Dify keeps it. */
  async function stored(rig: Pick<Rig, 'query'>, user: string | undefined = 'ann', app = 'assistant'): Promise<string> {
    const query = `query ($app: ID!) { conversations(app: $app) { nodes { history { nodes { answer } } } } }`;
    const { conversations } = dataOf(await rig.query(query, { app }, user));
    expect(conversations.nodes).toHaveLength(1);
    expect(conversations.nodes[0].history.nodes).toHaveLength(1);
    return conversations.nodes[0].history.nodes[0].answer as string;
  }

  async function endsExact(page: Page, rig: Rig, user?: string, app?: string): Promise<void> {
    await page.locator('#status', { hasText: 'SUCCEEDED' }).waitFor({ timeout: 40_000 });
    const answer = await stored(rig, user, app);
    expect(answer.length).toBeGreaterThan(100);
    // Dify keeps answers without the space around them.
    expect((await shown(page)).trim()).toBe(answer.trim());
    expect(rig.generations()).toHaveLength(1);
  }

  describe.concurrent.each(ways)('%s', (client) => {
    test('finds its running answer after a reload, by the name of its question', async () => {
      await using rig = await openRig({ sandbox: paced });
      await using page = await open({ client, url: rig.url });
      await ask(page, '!long:80');
      await page.reload();
      await begun(page);
      expect(await shown(page, 'status')).toBe('RUNNING');
      await endsExact(page, rig);
    });

    test('finds the answer that is under way in a conversation, in a page that never asked', async () => {
      await using rig = await openRig({ sandbox: paced });
      await using asking = await open({ client, url: rig.url });
      await ask(asking, '!long:80');
      const { runs } = dataOf(await rig.query('{ runs { nodes { ... on ChatRun { conversationId } } } }', {}, 'ann'));
      const conversation = runs.nodes[0].conversationId as string;
      await using page = await open({ client, url: rig.url, app: 'assistant', conversation });
      await begun(page);
      expect(await shown(page, 'status')).toBe('RUNNING');
      await endsExact(page, rig);
      await endsExact(asking, rig);
    });

    test('goes on after five seconds without a network', async () => {
      await using rig = await openRig({ sandbox: paced });
      await using proxy = await openProxy(rig.url);
      await using page = await open({ client, url: proxy.url });
      await ask(page, '!long:200');
      proxy.leave();
      const before = await shown(page);
      await sleep(5_000);
      expect((await shown(page)).length).toBeLessThan(before.length + 200);
      proxy.comeBack();
      await endsExact(page, rig);
    });

    test('goes on after the computer has slept', async () => {
      await using rig = await openRig({ sandbox: paced });
      await using proxy = await openProxy(rig.url);
      await using page = await open({ client, url: proxy.url });
      await ask(page, '!long:80');
      const devtools = await page.context().newCDPSession(page);
      await devtools.send('Debugger.enable');
      await devtools.send('Debugger.pause');
      proxy.freeze();
      await sleep(8_000); // Longer than the answer takes.
      await devtools.send('Debugger.disable');
      await endsExact(page, rig);
    });

    test.skipIf(!hasRedis())('goes on when its server is restarted in mid-answer', async () => {
      await using redis = await openRedis();
      const port = await keptPort();
      await using rig = await openRig({ sandbox: paced, port, redis });
      await using _other = await openGateway(rig.sandbox, { redis });
      await using page = await open({ client, url: rig.url, app: 'concierge' });
      await ask(page, '!long:150');
      await rig.gateway.close();
      await sleep(1_000); // As long as a restart takes.
      await using _again = await openGateway(rig.sandbox, { port, redis });
      await endsExact(page, rig, 'ann', 'concierge');
    });
  });

  test.skipIf(!hasRedis())('a bare EventSource goes on by itself when its server is restarted', async () => {
    await using redis = await openRedis();
    const port = await keptPort();
    await using rig = await openRig({ sandbox: paced, port, redis });
    await using _other = await openGateway(rig.sandbox, { redis });
    const { chat } = dataOf(
      await rig.query(
        'mutation { chat(input: { app: "concierge", query: "!long:150", waitMs: 0, autoGenerateName: false }) { run { id } } }',
      ),
    );
    await using page = await open({ url: rig.url, run: chat.run.id as string });
    await begun(page);
    await rig.gateway.close();
    await sleep(1_000); // As long as a restart takes.
    await using _again = await openGateway(rig.sandbox, { port, redis });
    await endsExact(page, rig, 'anonymous', 'concierge');
    // Closed: it asks no more.
    await page.locator('#source', { hasText: '2' }).waitFor();
  });
});
