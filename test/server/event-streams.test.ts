import { createParser } from 'eventsource-parser';
import { expect, test } from 'vitest';
import { openProxy } from '../clients/proxy.ts';
import { dataOf, holdAnswer, startRun } from '../graphql/answers.ts';
import { openRig, type Data, type Rig } from '../rig.ts';
import { post } from './doors.ts';

const chatStream = `subscription ($input: ChatInput!, $after: Int) { chatStream(input: $input, after: $after) {
  __typename runId seq
  ... on RunAttached { mode text }
  ... on TextDelta { offset text }
  ... on RunFinished { status }
} }`;
const runEvents = chatStream.replace(
  /\(\$input[^{]*\{[^{]*/,
  '($id: ID!, $after: Int) { runEvents(runId: $id, after: $after) ',
);

/** Reads GraphQL's events of a stream into `events`; resolves with whether it came to its end. */
async function read(response: Response, events: Data[]): Promise<'complete' | 'broken off'> {
  let over: 'complete' | 'broken off' = 'broken off';
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === 'complete') over = 'complete';
      else events.push(Object.values((JSON.parse(data) as Data)['data'])[0] as Data);
    },
  });
  const decoder = new TextDecoder();
  try {
    for await (const piece of response.body!) parser.feed(decoder.decode(piece as Uint8Array, { stream: true }));
  } catch {
    return 'broken off';
  }
  return over;
}

const stream = (url: string, query: string, variables: object): Promise<Response> =>
  post({ url } as Rig, { query, variables }, { accept: 'text/event-stream' });

test('a client that was cut off goes on where it was, by its key or by the id of its run, and asks once', async () => {
  await using rig = await openRig();
  await using proxy = await openProxy(rig.url);
  const held = holdAnswer(rig);
  const input = { query: 'a', idempotencyKey: 'k' };
  const before: Data[] = [];
  const cut = read(await stream(proxy.url, chatStream, { input }), before);
  await expect.poll(() => before.at(-1)).toMatchObject({ __typename: 'TextDelta', text: held.begun });
  proxy.cut();
  expect(await cut).toBe('broken off');
  const { runId, seq } = before.at(-1)!;
  const ways = [
    stream(proxy.url, chatStream, { input, after: seq }),
    stream(proxy.url, runEvents, { id: runId, after: seq }),
  ];
  const after = (await Promise.all(ways)).map((response) => {
    const events: Data[] = [];
    return { events, over: read(response, events) };
  });
  held.release();
  for (const { events, over } of after) {
    expect(await over).toBe('complete');
    expect(events).toMatchObject([
      { __typename: 'RunAttached', mode: 'RESUME', text: held.begun, seq },
      { __typename: 'TextDelta', offset: held.begun.length, text: held.whole.slice(held.begun.length), seq: seq + 1 },
      { __typename: 'RunFinished', status: 'SUCCEEDED', seq: seq + 2 },
    ]);
  }
  expect(rig.generations()).toHaveLength(1);
});

test('a client that has begun to read and stops is not forgotten: what it has not read yet is there when it goes on', async () => {
  await using rig = await openRig();
  const held = holdAnswer(rig);
  const id = await startRun(rig);
  const events: Data[] = [];
  const response = await stream(rig.url, runEvents, { id });
  held.release();
  await expect
    .poll(async () => dataOf(await rig.query(`{ run(id: "${id}") { status } }`))['run'].status)
    .toBe('SUCCEEDED');
  expect(await read(response, events)).toBe('complete');
  expect(events.at(-1)).toMatchObject({ __typename: 'RunFinished', status: 'SUCCEEDED' });
});
