import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, openBrowser } from '../browser.ts';
import { endedRun, holdAnswer } from '../graphql/answers.ts';
import { openRig, type Rig } from '../rig.ts';

describe.skipIf(!hasBrowser('GRAPHIQL IS'))('GraphiQL, as it opens,', () => {
  let rig: Rig;
  let browser: Browser;
  let page: Page;
  /** A run of the page's user's, older than the page. */
  let runId: string;
  /** What the page asked for, what came over its WebSocket, and what it complained about. */
  const requested: string[] = [];
  const frames: string[] = [];
  const complaints: string[] = [];

  // A page of 9 MB takes a while on a busy machine.
  beforeAll(async () => {
    [rig, browser] = await Promise.all([openRig({ graphiql: true }), openBrowser()]);
    runId = await endedRun(rig, '!echo remembered', 'me');
    // High enough for all of an answer: what is out of sight is not in the page.
    page = await browser.newPage({ viewport: { width: 1400, height: 3000 } });
    page.on('request', (request) => requested.push(request.url()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('websocket', (socket) => {
      requested.push(socket.url());
      socket.on('framereceived', ({ payload }) => frames.push(payload.toString()));
    });
    await page.goto(rig.url);
    await page.locator('.graphiql-execute-button').waitFor();
  }, 40_000);

  afterAll(async () => {
    await browser?.close();
    await rig?.[Symbol.asyncDispose]();
  });

  /** A single click has to do. */
  async function open(title: string): Promise<void> {
    await page.getByRole('button', { name: title, exact: true }).click();
    await page.locator('.graphiql-tab-active', { hasText: title }).waitFor({ timeout: 5_000 });
    // GraphiQL reads a document a moment after it shows it, and nothing shows when it has: a later timer of the page's own.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
  }

  /** Presses the button; where a tab has several operations, the one of that name is chosen. */
  async function run(operation?: string): Promise<void> {
    await page.locator('.graphiql-execute-button').click();
    if (operation !== undefined) await page.getByRole('menuitem', { name: operation }).click();
  }

  /** What the right side shows, as it is read. */
  async function shown(): Promise<string> {
    return (await page.locator('.result-window').innerText()).replaceAll(/\s+/g, ' ');
  }

  async function expectShown(...parts: readonly string[]): Promise<void> {
    for (const part of parts) await expect.poll(shown, { timeout: 10_000 }).toContain(part);
    expect(await shown()).not.toContain('"errors"');
  }

  test('shows an answer that grows, sent over a WebSocket', async () => {
    const held = holdAnswer(rig);
    await open('Stream');
    await run();
    await expectShown(`"accumulated": "${held.begun}"`);
    held.release();
    await expectShown('"status": "SUCCEEDED"', `"answer": "${held.whole}"`);
    expect(frames.flatMap((frame) => /"accumulated":"([^"]*)"/.exec(frame)?.[1] ?? [])).toEqual([
      held.begun,
      held.whole,
    ]);
    expect(rig.generations().at(-1)?.body).toMatchObject({ user: 'me' });
  });

  test('asks and shows the whole answer', async () => {
    await open('Ask');
    await run();
    await expectShown('"complete": true', '"status": "SUCCEEDED"', '"error": null');
  });

  test('shows what was said before', async () => {
    await open('History');
    await run();
    await expectShown('"query": "!echo remembered"', '"answer": "remembered"');
  });

  test('shows the nodes of a workflow and what comes of them', async () => {
    await open('Workflow');
    await run();
    await expectShown('"__typename": "RunFinished"', '"status": "SUCCEEDED"', '"summary":');
    expect(frames.some((frame) => frame.includes('"__typename":"NodeChanged"'))).toBe(true);
  });

  test('lists runs, and follows the newest that there was', async () => {
    await open('Runs');
    await run('Runs');
    await expectShown('"kind": "CHAT"', runId);
    await run('Follow');
    await expectShown('"__typename": "RunFinished"');
    expect(frames.some((frame) => frame.includes(runId) && frame.includes('"text":"remembered"'))).toBe(true);
  });

  test('asks no other server for anything, and does not complain', () => {
    const { origin } = new URL(rig.url);
    const foreign = requested
      .map((url) => url.replace(/^blob:/, '').replace(/^ws:/, 'http:'))
      .filter((url) => !url.startsWith('data:') && new URL(url).origin !== origin);
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
