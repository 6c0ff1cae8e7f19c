import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { freePort } from '../free-port.ts';
import { openGateway, openRig } from '../rig.ts';

/** The value of each line, by name and labels. */
async function scrape(url: string): Promise<Map<string, number>> {
  const response = await fetch(url);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

const events = (labels: string) => `dify_graphql_websocket_events_total{${labels}}`;

describe('metrics', () => {
  // Without compiled writers there is no other way.
  test.skipIf(process.env['FAST_DELIVERY'] === 'off')('tell which way events went, and why', async () => {
    await using rig = await openRig({ metricsPort: 0 });
    const url = rig.gateway.metricsUrl!;
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
    const before = await scrape(url);
    expect(before.get(events('way="compiled",why=""'))).toBe(0);
    expect(before.get('dify_graphql_websockets')).toBe(0);
    expect(before.get('dify_graphql_ready')).toBe(1);
    expect(before.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    const input = () => ({ query: 'Hello', idempotencyKey: randomUUID(), autoGenerateName: false });
    const compiled = await rig.collect(
      'subscription ($input: ChatInput!) { chatStream(input: $input) { __typename seq } }',
      { input: input() },
    );
    // What an app is called is asked of Dify.
    const executed = await rig.collect(
      'subscription ($input: ChatInput!) { chatStream(input: $input) { ... on RunFinished { run { app { title } } } } }',
      { input: input() },
    );
    expect(compiled.length).toBeGreaterThan(3);
    const after = await scrape(url);
    expect(after.get(events('way="compiled",why=""'))).toBe(compiled.length + executed.length - 1);
    expect(after.get(events('way="executed",why="App.title is asynchronous"'))).toBe(1);
  });

  test('are on no port of the clients', async () => {
    await using rig = await openRig({ metricsPort: 0 });
    expect((await fetch(new URL('/metrics', rig.url))).status).toBe(404);
    expect((await fetch(new URL('/graphql', rig.gateway.metricsUrl))).status).toBe(404);
    expect((await fetch(rig.gateway.metricsUrl!, { method: 'POST' })).status).toBe(404);
    await using plain = await openRig();
    expect(plain.gateway.metricsUrl).toBeUndefined();
  });

  test('of which the port is taken keep the server from starting, and leave nothing open', async () => {
    await using rig = await openRig({ metricsPort: 0 });
    const metricsPort = Number(new URL(rig.gateway.metricsUrl!).port);
    const port = await freePort();
    await expect(openGateway(rig.sandbox, { port, metricsPort })).rejects.toThrow('EADDRINUSE');
    await using next = await openGateway(rig.sandbox, { port });
    expect(next.url).toContain(String(port));
  });
});
