import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRig, type Rig } from '../rig.ts';
import { hasBrowser, openBrowser } from '../browser.ts';

const mutation = 'mutation { chat(input: { query: "!echo stolen", waitMs: 0 }) { run { id } } }';
const subscription = 'subscription { chatStream(input: { query: "!echo stolen", idempotencyKey: "k" }) { seq } }';

/** What a page tries; each says `reached` or why not. Written as text: it runs in the browser. */
const attempts = `{
  async socket(url) {
    const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
    return new Promise((resolve) => {
      socket.onopen = () => socket.send(JSON.stringify({ type: 'connection_init' }));
      socket.onmessage = () => resolve('reached');
      socket.onclose = ({ code }) => resolve('closed ' + code);
    });
  },
  async read(url) {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(url, { method: 'POST', headers, credentials: 'include', body: JSON.stringify({ query: '{ viewer { id } }' }) });
    return (await reply.json()).data.viewer.id === 'anonymous' ? 'reached' : 'somebody else';
  },
  async mutate(url) {
    const headers = { 'content-type': 'application/json', 'x-user': 'me' };
    const reply = await fetch(url, { method: 'POST', headers, credentials: 'include', body: JSON.stringify({ query: ${JSON.stringify(mutation)} }) });
    return (await reply.json()).data.chat.run.id ? 'reached' : 'no run';
  },
}`;

/** What a browser sends for a page without asking, in every shape that may be read as an operation. */
const unasked = `(async (url) => {
  const query = ${JSON.stringify(mutation)};
  const blind = { method: 'POST', mode: 'no-cors', credentials: 'include' };
  const form = new FormData();
  form.append('operations', JSON.stringify({ query }));
  form.append('map', '{}');
  const bodies = [JSON.stringify({ query }), new URLSearchParams({ query }), form, new Blob([JSON.stringify({ query })])];
  for (const body of bodies) await fetch(url, { ...blind, body }).catch(() => {});
  navigator.sendBeacon(url, new URLSearchParams({ query }));
  for (const [name, value] of [['query', query], ['query', ${JSON.stringify(subscription)}]])
    await new Promise((resolve) => {
      const image = new Image();
      image.onload = image.onerror = resolve;
      image.src = url + '?' + name + '=' + encodeURIComponent(value);
    });
  const source = new EventSource(url + '?query=' + encodeURIComponent(${JSON.stringify(subscription)}));
  await new Promise((resolve) => (source.onerror = resolve));
  source.close();
  const file = new FormData();
  file.append('file', new File(['stolen'], 'a.txt'));
  await fetch(new URL('/files/assistant', url), { ...blind, body: file }).catch(() => {});
})`;

async function tryAs(page: Page, name: string, url: string): Promise<string> {
  return page.evaluate(`(async () => (${attempts}).${name}(${JSON.stringify(url)}))().catch(String)`);
}

describe.skipIf(!hasBrowser('A FOREIGN PAGE IS'))('in a browser, a page of another origin', () => {
  let browser: Browser;
  let pages: Server;
  let port: number;

  beforeAll(async () => {
    pages = createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>Nice pictures</title>');
    });
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    ({ port } = pages.address() as AddressInfo);
    browser = await openBrowser('--host-resolver-rules=MAP *.example 127.0.0.1');
  }, 40_000);

  afterAll(async () => {
    await browser?.close();
    pages?.close();
  });

  /** The page `name`.example, in a browser that has been at the gateway and has a cookie of it. */
  async function open(rig: Rig, name: string): Promise<Page> {
    const page = await browser.newPage();
    await page.context().addCookies([{ name: 'session', value: 'victim', url: new URL(rig.url).origin }]);
    await page.goto(`http://${name}.example:${port}/`);
    return page;
  }

  test('opens no socket, reads nothing and starts nothing', async () => {
    await using rig = await openRig({ graphiql: true });
    const page = await open(rig, 'evil');
    expect(await tryAs(page, 'socket', rig.url)).toBe('closed 1006');
    expect(await tryAs(page, 'read', rig.url)).toMatch(/Failed to fetch/);
    expect(await tryAs(page, 'mutate', rig.url)).toMatch(/Failed to fetch/);
    await page.evaluate(`${unasked}(${JSON.stringify(rig.url)})`);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      await page.setContent(
        `<form method=post enctype="${type}" action="${rig.url}"><input name=query value='${mutation}'></form>`,
      );
      const [answer] = await Promise.all([
        page.waitForNavigation({ url: rig.url }),
        page.evaluate('document.forms[0].submit()'),
      ]);
      expect(answer?.status()).toBe(403);
      await page.goto(`http://evil.example:${port}/`);
    }
    expect(rig.generations()).toEqual([]);
    expect(rig.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test('cannot take the gateway into a frame, nor its address as its own', async () => {
    await using rig = await openRig({ graphiql: true });
    const page = await open(rig, 'evil');
    const [complaint] = await Promise.all([
      page.waitForEvent('console', (line) => line.type() === 'error'),
      page.setContent(`<iframe src="${rig.url}"></iframe>`, { waitUntil: 'commit' }),
    ]);
    expect(complaint.text()).toContain('frame-ancestors');
    const rebound = new URL(rig.url);
    rebound.hostname = 'evil.example';
    expect((await page.goto(rebound.href))?.status()).toBe(403);
    // What came from the page's own server, before its name was given to this machine.
    const earlier = new URL('/nice', rebound).href;
    await page.route(earlier, (route) => route.fulfill({ contentType: 'text/html', body: '<title>Nice</title>' }));
    await page.goto(earlier);
    expect(await tryAs(page, 'socket', rebound.href)).toBe('closed 1006');
    expect(await tryAs(page, 'read', rebound.href)).toMatch(/TypeError/);
    expect(await tryAs(page, 'mutate', rebound.href)).toMatch(/TypeError/);
    expect(rig.generations()).toEqual([]);
  });

  test('does all of it when its origin is listed, and no other page does', async () => {
    await using rig = await openRig({ cors: [`http://friend.example:${port}`] });
    const friend = await open(rig, 'friend');
    for (const name of ['socket', 'read', 'mutate']) expect(await tryAs(friend, name, rig.url)).toBe('reached');
    expect(rig.generations()).toHaveLength(1);
    const evil = await open(rig, 'evil');
    for (const name of ['socket', 'read', 'mutate']) expect(await tryAs(evil, name, rig.url)).not.toBe('reached');
    expect(rig.generations()).toHaveLength(1);
  });
});
