import {
  isInterfaceType,
  OverlappingFieldsCanBeMergedRule as oneMeaningOfAName,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { EventSource } from 'undici';
import { expect, test } from 'vitest';
import { schema } from '../../src/graphql/schema.ts';
import { runEventsDocument } from '../../src/server/run-events-document.ts';
import { openProxy } from '../clients/proxy.ts';
import { hasRedis, openRedis } from '../redis.ts';
import { endedRun, holdAnswer, startRun } from '../graphql/answers.ts';
import { openRig, type Data, type Rig } from '../rig.ts';

interface Watching {
  readonly events: Data[];
  /** Resolves when the source asks no more. */
  readonly closed: Promise<void>;
  readonly source: EventSource;
}

/** What a page without a GraphQL client does. */
function watch(base: string, id: string): Watching {
  const source = new EventSource(new URL(`/runs/${id}/events`, base).href);
  const events: Data[] = [];
  source.addEventListener('message', ({ data }) => events.push(JSON.parse(data) as Data));
  const closed = new Promise<void>((resolve) =>
    source.addEventListener('error', () => source.readyState === EventSource.CLOSED && resolve()),
  );
  return { events, closed, source };
}

function answerOf(events: readonly Data[]): string {
  let text = '';
  for (const event of events) {
    if (event['__typename'] === 'RunAttached') ({ text } = event as unknown as { text: string });
    if (event['__typename'] === 'TextDelta') text = text.slice(0, event['offset'] as number) + String(event['text']);
  }
  return text;
}

const get = (rig: Rig, id: string, headers: Record<string, string> = {}) =>
  fetch(new URL(`/runs/${id}/events`, rig.url), { headers });

test('a bare EventSource follows a run through a lost connection, and asks no more once it has the end', async () => {
  await using rig = await openRig();
  const held = holdAnswer(rig);
  const id = await startRun(rig);
  await using proxy = await openProxy(rig.url);
  const { events, closed } = watch(proxy.url, id);
  await expect.poll(() => answerOf(events)).toBe(held.begun);
  proxy.cut();
  await expect.poll(() => proxy.connections).toBe(2);
  held.release();
  await closed;
  expect(answerOf(events)).toBe(held.whole);
  const types = events.map(({ __typename }) => __typename);
  expect(types.filter((type) => type === 'RunFinished')).toHaveLength(1);
  const [first, again] = events.filter(({ __typename }) => __typename === 'RunAttached');
  expect([first, again]).toMatchObject([{ mode: 'SNAPSHOT' }, { mode: 'RESUME', text: held.begun }]);
  const seqs = events.filter(({ __typename }) => __typename !== 'RunAttached').map(({ seq }) => seq as number);
  expect(seqs).toEqual(seqs.map((_, index) => seqs[0]! + index));
});

test('whoever has the end is answered 204; who has less gets the rest', async () => {
  await using rig = await openRig();
  const id = await endedRun(rig);
  const whole = await (await get(rig, id)).text();
  const last = Number(/id: (\d+)\ndata: (?=[^\n]*RunFinished)/.exec(whole)?.[1]);
  expect((await get(rig, id, { 'last-event-id': String(last) })).status).toBe(204);
  const rest = await (await get(rig, id, { 'last-event-id': String(last - 1) })).text();
  expect(rest.match(/"__typename":"(Run\w+|Text\w+)","runId"/g)).toEqual([
    expect.stringContaining('RunAttached'),
    expect.stringContaining('RunFinished'),
  ]);
});

test.skipIf(!hasRedis())('a bare EventSource outlives a store that is away: it is told to come again', async () => {
  await using redis = await openRedis({ persist: true });
  await using writer = await openRig({ redis: { url: redis.url } });
  await using rig = await openRig({ redis: { url: redis.url } });
  const id = await endedRun(writer);
  await redis.kill();
  const refused = await get(rig, id);
  expect([refused.status, await refused.text()]).toEqual([200, 'retry: 1000\n\n']);
  const { events, closed } = watch(rig.url, id);
  await redis.start();
  await closed;
  expect(answerOf(events)).toBe('Hello');
});

test.each<[string, Record<string, string>, number, string]>([
  ['a run of another user', { 'x-user': 'eve' }, 404, 'NOT_FOUND'],
  ['a position that is none', { 'last-event-id': 'x' }, 400, 'BAD_USER_INPUT'],
])('%s is refused with a status that ends an EventSource', async (_, headers, status, code) => {
  await using rig = await openRig();
  const id = await endedRun(rig, '!echo Hello', 'ann');
  const response = await get(rig, id, { 'x-user': 'ann', ...headers });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code });
});

test('a client that leaves is let go at once', async () => {
  await using rig = await openRig();
  holdAnswer(rig);
  const id = await startRun(rig);
  const { events, source } = watch(rig.url, id);
  const watchers = async () => (await rig.query(`{ run(id: "${id}") { watchers } }`)).data?.['run'].watchers as number;
  await expect.poll(watchers).toBe(1);
  await expect.poll(() => events.length).toBeGreaterThan(0);
  source.close();
  await expect.poll(watchers).toBe(0);
});

test('the document fits the schema, and tells of every type of event', () => {
  // Each event has the names of its own type: nobody makes types of them all from this document.
  const rules = specifiedRules.filter((rule) => rule !== oneMeaningOfAName);
  expect(validate(schema, parse(runEventsDocument), rules)).toEqual([]);
  const event = schema.getType('RunEvent');
  if (!isInterfaceType(event)) throw new Error('RunEvent is an interface');
  for (const { name } of schema.getPossibleTypes(event)) expect(runEventsDocument).toContain(`... on ${name} {`);
});
