import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser } from '../browser.ts';
import { dataOf, endedRun, holdAnswer } from '../graphql/answers.ts';
import { openGraphiql, runStatus, type GraphiqlInBrowser } from './browser-page.ts';

describe.skipIf(!hasBrowser('GRAPHIQL IS'))('GraphiQL, as it opens,', () => {
  let graphiql: GraphiqlInBrowser;

  // A page of 9 MB takes a while on a busy machine.
  beforeAll(async () => {
    graphiql = await openGraphiql();
  }, 40_000);

  afterAll(() => graphiql?.[Symbol.asyncDispose]());

  test('shows an answer that grows, sent over a WebSocket', async () => {
    const { rig, frames, open, run, expectShown } = graphiql;
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
    const { open, run, expectShown } = graphiql;
    await open('Ask');
    await run();
    await expectShown('"complete": true', '"status": "SUCCEEDED"', '"error": null');
  });

  test('shows what was said before', async () => {
    const { open, run, expectShown } = graphiql;
    await open('History');
    await run('History');
    await expectShown('"query": "!echo remembered"', '"answer": "remembered"');
  });

  test('shows the nodes of a workflow and what comes of them', async () => {
    const { frames, open, run, expectShown } = graphiql;
    await open('Workflow');
    await run('Workflow');
    await expectShown('"__typename": "RunFinished"', '"status": "SUCCEEDED"', '"summary":');
    expect(frames.some((frame) => frame.includes('"__typename":"NodeChanged"'))).toBe(true);
  });

  test('lists runs, and follows the newest that there was', async () => {
    const { frames, runId, open, run, expectShown } = graphiql;
    await open('Runs');
    await run('Runs');
    await expectShown('"kind": "CHAT"', runId);
    await run('Follow');
    await expectShown('"__typename": "RunFinished"');
    expect(frames.some((frame) => frame.includes(runId) && frame.includes('"text":"remembered"'))).toBe(true);
  });

  test('stops an answer that takes its time', async () => {
    const { open, run, expectShown } = graphiql;
    await open('Stoppable');
    await run('Stoppable');
    await expectShown('"complete": false', '"status": "RUNNING"');
    await run('Stop');
    await expectShown('"confirmed": true', '"status": "STOPPED"');
  });

  test('answers a form, and the run that waited for it goes on to its end', async () => {
    const { rig, waitingId, open, run, expectShown } = graphiql;
    await open('Forms');
    await run('Forms');
    await expectShown('"pendingForms":', waitingId);
    await run('Answer');
    await expectShown('"submitHumanInput":', waitingId);
    const status = async () => dataOf(await rig.query(runStatus, { id: waitingId }, 'me'))['run'].status;
    await expect.poll(status, { timeout: 5_000 }).toBe('SUCCEEDED');
  });

  test('rates an answer, and shows the admin that it was', async () => {
    const { open, run, expectShown } = graphiql;
    await open('Feedback');
    await run('Rate');
    await expectShown('"rateMessage":', '"rating": "LIKE"');
    await run('Everybody');
    await expectShown('"feedbacks":', '"comment": "Just what I needed"');
  });

  test('runs every operation that needs no id which only another one tells', async () => {
    const { page, open, run, expectShown } = graphiql;
    const documents = await page.evaluate<string[]>(
      'JSON.parse(localStorage.getItem("graphiql:tabState")).tabs.map(({ query }) => query)',
    );
    const ran: string[] = [];
    for (const [index, document] of documents.entries()) {
      const operations = operationsOf(document);
      await open(index);
      for (const { name, field } of operations.filter((operation) => operation.isReady)) {
        await run(operations.length > 1 ? name : undefined);
        await expectShown('"data": {', `"${field}":`);
        // It would wait for its form for ever; all others end.
        if (name === 'Approve') await page.getByRole('button', { name: /^Stop query/ }).click();
        await page.getByRole('button', { name: /^Execute query/ }).waitFor();
        ran.push(name);
      }
    }
    expect(ran.join(' ')).toBe(
      'Stream Ask History Rename Remember Variables Workflow RunWorkflow Records Record Pinned Complete CompleteStream ' +
        'Runs Follow One Stoppable Stop Forms Approve App Apps Feedback Rate Suggested Everybody Speak Listen Files Sent ' +
        'Annotations Create SwitchOn',
    );
  }, 60_000);

  test('comes with new keys and with what was asked meanwhile when it is opened again, and leaves what was written', async () => {
    const { rig, page, open } = graphiql;
    const state = () =>
      page.evaluate<{ query: string }[]>('JSON.parse(localStorage.getItem("graphiql:tabState")).tabs');
    await open(1);
    await page.locator('.graphiql-query-editor .view-line').first().click();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText('query Mine');
    await expect.poll(async () => (await state())[1]?.query).toBe('query Mine');
    const before = await state();
    const newest = await endedRun(rig, '!echo newer', 'me');
    await page.reload();
    await page.locator('.graphiql-execute-button').waitFor();
    expect(await page.locator('.graphiql-tab').count()).toBe(before.length);
    expect(await page.locator('.graphiql-tab-active').innerText()).toBe('Mine');
    const after = await state();
    expect(after).toHaveLength(before.length);
    expect(after[0]?.query).not.toBe(before[0]?.query);
    expect(after[1]?.query).toBe('query Mine');
    await open('Stoppable');
    expect(after.some(({ query }) => query.includes(`runEvents(runId: "${newest}")`))).toBe(true);
  });

  test('asks no other server for anything, and does not complain', () => {
    const { rig, requested, complaints } = graphiql;
    const { origin } = new URL(rig.url);
    const foreign = requested
      .map((url) => url.replace(/^blob:/, '').replace(/^ws:/, 'http:'))
      .filter((url) => !url.startsWith('data:') && new URL(url).origin !== origin);
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

/** Used up by the tests before: a form is answered once. */
const done = ['Answer'];

/** The operations of a document, and the first field of each. */
function operationsOf(document: string) {
  const found = document.matchAll(/^(?:query|mutation|subscription) (\w+) \{\s*(\w+)[^]*?^\}/gm);
  return Array.from(found, ([text, name = '', field = '']) => ({
    name,
    field,
    isReady: !/: "(an|the) (id|endUserId) /.test(text) && !done.includes(name),
  }));
}
