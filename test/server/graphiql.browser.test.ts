import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endedRun, holdAnswer } from '../graphql/answers.ts';
import { openRig, type Rig } from '../rig.ts';

const executablePath = '/usr/bin/chromium';
// Where everything has to hold, its absence is a failure.
const skipped = !existsSync(executablePath) && process.env['CI'] !== 'true';
if (skipped)
  console.warn(`\n*** GraphiQL IS NOT TESTED: there is no ${executablePath} (Debian: apt-get install chromium) ***\n`);

/** Quiet: none of its services are asked for anything. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** GraphiQL in a browser, and everything that it asked for or complained about. */
interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly requested: string[];
  readonly complaints: string[];
  readonly frames: string[];
}

describe.skipIf(skipped)('GraphiQL', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args });
  });
  afterAll(async () => {
    await browser?.close();
  });

  async function visit(rig: Rig): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
    const page = await context.newPage();
    const [requested, complaints, frames]: string[][] = [[], [], []];
    page.on('request', (request) => requested?.push(request.url()));
    page.on('pageerror', (error) => complaints?.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints?.push(message.text()));
    page.on('websocket', (socket) => {
      requested?.push(socket.url());
      socket.on('framereceived', ({ payload }) => frames?.push(payload.toString()));
    });
    await page.goto(rig.url);
    await page.locator('.graphiql-execute-button').waitFor();
    return {
      page,
      requested: requested ?? [],
      complaints: complaints ?? [],
      frames: frames ?? [],
      [Symbol.asyncDispose]: () => context.close(),
    };
  }

  /** A tab takes only a press of some length for a click: a shorter one could be the start of a drag. */
  async function open(page: Page, title: string): Promise<void> {
    await page.getByRole('button', { name: title, exact: true }).click({ delay: 100 });
    await page.locator('.graphiql-tab-active', { hasText: title }).waitFor();
  }

  /** Presses the button; where a tab has several operations, the one of that name is chosen. */
  async function run(page: Page, operation?: string): Promise<void> {
    await page.locator('.graphiql-execute-button').click();
    if (operation !== undefined) await page.getByRole('menuitem', { name: operation }).click();
  }

  /** What the right side shows, as it is read. */
  async function shown(page: Page): Promise<string> {
    return (await page.locator('.result-window').innerText()).replaceAll(/\s+/g, ' ');
  }

  test('shows a growing answer, sent over a WebSocket', async () => {
    await using rig = await openRig({ graphiql: true });
    const held = holdAnswer(rig);
    await using visited = await visit(rig);
    const { page, frames, complaints } = visited;
    await run(page);
    await expect.poll(() => shown(page), { timeout: 5_000 }).toContain(`"accumulated": "${held.begun}"`);
    held.release();
    await expect.poll(() => shown(page), { timeout: 5_000 }).toContain('"status": "SUCCEEDED"');
    expect(await shown(page)).toContain(`"answer": "${held.whole}"`);
    const grown = frames.flatMap((frame) => /"accumulated":"([^"]*)"/.exec(frame)?.[1] ?? []);
    expect(grown).toEqual([held.begun, held.whole]);
    expect(complaints).toEqual([]);
    expect(rig.generations()[0]?.body).toMatchObject({ user: 'me' });
  });

  test('has tabs that work as they are, and asks no other server for anything', async () => {
    await using rig = await openRig({ graphiql: true });
    const id = await endedRun(rig, '!echo remembered', 'me');
    await using visited = await visit(rig);
    const { page, requested, complaints } = visited;
    const expectShown = async (...parts: readonly string[]) => {
      for (const part of parts) await expect.poll(() => shown(page), { timeout: 5_000 }).toContain(part);
      expect(await shown(page)).not.toContain('"errors"');
    };

    await run(page);
    await expectShown('"__typename": "RunFinished"', '"status": "SUCCEEDED"');

    await open(page, 'Ask');
    await run(page);
    await expectShown('"complete": true', '"status": "SUCCEEDED"', '"error": null');

    await open(page, 'History');
    await run(page);
    await expectShown('"answer": "remembered"');

    await open(page, 'Workflow');
    await run(page);
    await expectShown('"__typename": "RunFinished"', '"outputs"', '"summary"');

    await open(page, 'Runs');
    await run(page, 'Runs');
    await expectShown('"kind": "WORKFLOW"', '"kind": "CHAT"', id);

    await run(page, 'Follow');
    await expectShown('"__typename": "RunFinished"', '"status": "SUCCEEDED"');

    const { origin } = new URL(rig.url);
    const strangers = requested
      .map((url) => url.replace(/^blob:/, '').replace(/^ws:/, 'http:'))
      .filter((url) => new URL(url).origin !== origin && !url.startsWith('data:'));
    expect(strangers).toEqual([]);
    expect(requested.filter((url) => url.startsWith('ws:'))).toHaveLength(1);
    expect(complaints).toEqual([]);
  });
});
