import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { openBrowser } from '../browser.ts';
import { endedRun } from '../graphql/answers.ts';
import { openRig, type Data, type Rig } from '../rig.ts';

/** GraphiQL in a browser, in front of the demo apps; its user `me` is an admin, as they are without a configuration. */
export interface GraphiqlInBrowser extends AsyncDisposable {
  readonly rig: Rig;
  readonly page: Page;
  /** Runs of the page's user's, older than the page: one that waits for a person, and the newest, which has answered. */
  readonly waitingId: string;
  readonly runId: string;
  /** What the page asked for, what came over its WebSocket, and what it complained about. */
  readonly requested: readonly string[];
  readonly frames: readonly string[];
  readonly complaints: readonly string[];
  /** Opens a tab, by its title or, since that becomes the name of what was run in it, by its place. A single click has to do. */
  readonly open: (tab: string | number) => Promise<void>;
  /** Presses the button; where a tab has several operations, the one of that name is chosen. */
  readonly run: (operation?: string) => Promise<void>;
  /** Waits until the right side shows all of these, and no errors. */
  readonly expectShown: (...parts: readonly string[]) => Promise<void>;
}

export async function openGraphiql(): Promise<GraphiqlInBrowser> {
  // Quick, but not so quick that a long answer has ended before it is stopped.
  const options = { graphiql: true, admins: ['me'], sandbox: { version: '1.16.2', pace: 0.1 } };
  const [rig, browser] = await Promise.all([openRig(options), openBrowser()]);
  const waitingId = await runThatWaits(rig);
  const runId = await endedRun(rig, '!echo remembered', 'me');
  // High enough for all of an answer: what is out of sight is not in the page.
  const page = await browser.newPage({
    viewport: { width: 1400, height: 3000 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const [requested, frames, complaints]: string[][] = [[], [], []];
  page.on('request', (request) => requested?.push(request.url()));
  page.on('pageerror', (error) => complaints?.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints?.push(message.text()));
  page.on('websocket', (socket) => {
    requested?.push(socket.url());
    socket.on('framereceived', ({ payload }) => frames?.push(payload.toString()));
  });
  await page.goto(rig.url);
  await page.locator('.graphiql-execute-button').waitFor();

  /** What the right side shows, as it is read. */
  async function shown(): Promise<string> {
    return (await page.locator('.result-window').innerText()).replaceAll(/\s+/g, ' ');
  }

  return {
    rig,
    page,
    waitingId,
    runId,
    requested: requested ?? [],
    frames: frames ?? [],
    complaints: complaints ?? [],
    async open(tab) {
      const button =
        typeof tab === 'number'
          ? page.locator(`#graphiql-session-tab-${tab}`)
          : page.getByRole('button', { name: tab, exact: true });
      await button.click({ timeout: 5_000 });
      await page
        .locator('.graphiql-tab-active')
        .and(page.locator('li', { has: button }))
        .waitFor({ timeout: 5_000 });
      // GraphiQL reads a document a moment after it shows it, and nothing shows when it has: a later timer of the page's own.
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    },
    async run(operation) {
      await page.locator('.graphiql-execute-button').click();
      if (operation !== undefined) await page.getByRole('menuitem', { name: operation, exact: true }).click();
    },
    async expectShown(...parts) {
      for (const part of parts) await expect.poll(shown, { timeout: 10_000 }).toContain(part);
      expect(await shown()).not.toContain('"errors"');
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rig[Symbol.asyncDispose]();
    },
  };
}

export const runStatus = 'query ($id: ID!) { run(id: $id) { status } }';

/** The id of a run of the page's user's that waits for a person. */
async function runThatWaits(rig: Rig): Promise<string> {
  const client = rig.client({ connectionParams: { user: 'me' } });
  const query = `subscription ($input: RunWorkflowInput!) { workflowStream(input: $input) { __typename runId } }`;
  const variables = { input: { app: 'approval', inputs: { topic: 'Cake' }, idempotencyKey: 'waits' } };
  try {
    for await (const { data } of client.iterate<Data>({ query, variables })) {
      const { __typename, runId } = data?.['workflowStream'] ?? {};
      if (__typename === 'RunPaused') return runId;
    }
  } finally {
    await client.dispose();
  }
  throw new Error('It did not pause.');
}
