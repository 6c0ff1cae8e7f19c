import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser } from '../browser.ts';
import { pixel } from '../sandbox/upload.ts';
import { openGraphiql, type GraphiqlInBrowser } from './browser-page.ts';

describe.skipIf(!hasBrowser('THE UPLOAD BUTTON IS'))('the upload button of GraphiQL', () => {
  let graphiql: GraphiqlInBrowser;

  beforeAll(async () => {
    graphiql = await openGraphiql();
    await graphiql.open('Files');
    await graphiql.page.getByRole('button', { name: 'Upload a file' }).click();
    await graphiql.page.locator('#upload option').first().waitFor({ state: 'attached' });
  }, 40_000);

  afterAll(() => graphiql?.[Symbol.asyncDispose]());

  async function choose(name: string, mimeType: string, buffer: Buffer): Promise<void> {
    const picker = graphiql.page.waitForEvent('filechooser');
    await graphiql.page.getByText('Choose a file').click();
    await (await picker).setFiles({ name, mimeType, buffer });
  }

  const told = () => graphiql.page.locator('#upload output').innerText();

  test('names the apps that take files, the default one first', async () => {
    const names = await graphiql.page.locator('#upload option').allInnerTexts();
    expect(names).toEqual(['assistant', 'concierge', 'describe']);
  });

  test('hands a picture over for whoever the tab speaks for, and gives what names it in a question', async () => {
    const { rig, page, run, expectShown } = graphiql;
    await choose('Brücke 7.png', 'image/png', pixel);
    await expect.poll(told, { timeout: 10_000 }).toContain('Brücke 7.png (IMAGE, 70 bytes) is there.');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const upload = rig.requests.find(({ path }) => path === '/v1/files/upload');
    expect(upload?.body).toMatchObject({ user: 'me', file: { name: 'Brücke 7.png', type: 'image/png' } });

    await page.locator('.graphiql-query-editor .view-line', { hasText: 'files: []', hasNotText: '#' }).click();
    await page.keyboard.press('Home');
    await page.keyboard.press('Shift+End');
    await page.keyboard.press('ControlOrMeta+V');
    await page.locator('.graphiql-query-editor .view-line', { hasText: 'type: IMAGE' }).waitFor();
    // GraphiQL reads what was written a moment later, and nothing shows when it has: a later timer of the page's own.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 600)));
    await run('Files');
    await expectShown('"status": "SUCCEEDED"', '"answer": "You sent me **Brücke 7.png** (PNG, 1 × 1, 70 bytes).');
    await run('Sent');
    await expectShown('"name": "Brücke 7.png"', '"fromUser": true', '"url": "/files/assistant/');
  });

  test('says what is wrong with a file', async () => {
    await choose('large.png', 'image/png', Buffer.alloc(11 * 1_048_576));
    await expect.poll(told, { timeout: 10_000 }).toMatch(/^FILE_TOO_LARGE: .*10 MB/);
  });

  test('says that the headers of the tab are none', async () => {
    const { page } = graphiql;
    await page.evaluate(`{
      const state = JSON.parse(localStorage.getItem('graphiql:tabState'));
      for (const tab of state.tabs) tab.headers = '{ oops';
      localStorage.setItem('graphiql:tabState', JSON.stringify(state));
    }`);
    await choose('dot.png', 'image/png', pixel);
    await expect.poll(told).toBe('The headers of this tab are no JSON.');
  });

  test('says that the server is away', async () => {
    const { page, rig } = graphiql;
    await page.evaluate('localStorage.removeItem("graphiql:tabState")');
    await rig.gateway.close();
    await choose('dot.png', 'image/png', pixel);
    await expect.poll(told).toBe('The server could not be reached.');
  });
});
