import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig } from '../rig.ts';
import { codesOf, dataOf, endedRun, eventsOf, holdAnswer, outlineOf, startRun } from './answers.ts';

const fields = `
  __typename
  runId
  seq
  at
  ... on RunAttached { mode text reasoning run { id status } }
  ... on RunStarted { conversationId messageId taskId workflowRunId run { id } }
  ... on TextDelta { offset text accumulated source }
  ... on TextReplaced { text reason }
  ... on ReasoningDelta { offset text nodeId }
  ... on AgentStepChanged { step { id position tool thought } }
  ... on NodeChanged { node { nodeId status } }
  ... on FileProduced { file { id } }
  ... on AudioChunk { base64 final }
  ... on UnknownEvent { name data }
  ... on RunFinished { status error { code } usage { totalTokens } run { id status ... on ChatRun { answer } } }`;
const chatStream = `subscription ($input: ChatInput!, $after: Int, $options: StreamOptions) {
  chatStream(input: $input, after: $after, options: $options) { ${fields} }
}`;
const runEvents = `subscription ($id: ID!, $after: Int, $options: StreamOptions) {
  runEvents(runId: $id, after: $after, options: $options) { ${fields} }
}`;

async function ask(rig: Rig, input: object, more: object = {}): Promise<Data[]> {
  const variables = { input: { idempotencyKey: randomUUID(), ...input }, ...more };
  return eventsOf(await rig.collect(chatStream, variables), 'chatStream');
}

async function follow(rig: Rig, id: string, more: object = {}): Promise<Data[]> {
  return eventsOf(await rig.collect(runEvents, { id, ...more }), 'runEvents');
}

const seqs = (events: readonly Data[]) => events.map(({ seq }) => seq as number);
const texts = (events: readonly Data[]) => events.filter(({ __typename }) => __typename === 'TextDelta');

describe('chatStream', () => {
  test('needs an idempotency key, says so, and asks nothing', async () => {
    await using rig = await openRig();
    const results = await rig.collect(chatStream, { input: { query: 'a' } });
    expect(results).toHaveLength(1);
    expect(codesOf(results[0] ?? {})).toEqual(['IDEMPOTENCY_KEY_REQUIRED']);
    expect(rig.generations()).toEqual([]);
  });

  test('begins with RunAttached, counts without holes, ends with RunFinished and then completes', async () => {
    await using rig = await openRig();
    const events = await ask(rig, { query: '!echo one two three four' });
    expect(outlineOf(events)).toEqual(['RunAttached', 'RunStarted', 'TextDelta', 'RunFinished']);
    expect(events[0]).toMatchObject({ seq: 0, mode: 'SNAPSHOT', text: '', reasoning: '', run: { status: 'RUNNING' } });
    expect(seqs(events)).toEqual(events.map((_, index) => index));
    expect(new Set(events.map(({ runId }) => runId)).size).toBe(1);
    expect(events[1]).toMatchObject({ conversationId: expect.any(String), messageId: expect.any(String) });
    let answer = '';
    for (const { offset, text, accumulated } of texts(events)) {
      answer = answer.slice(0, offset) + text;
      expect(accumulated).toBe(answer);
    }
    expect(answer).toBe('one two three four');
    expect(events.at(-1)).toMatchObject({ status: 'SUCCEEDED', error: null, run: { status: 'SUCCEEDED', answer } });
  });

  test('sends the text while it is written', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const client = rig.client();
    const events: Data[] = [];
    const variables = { input: { query: 'Hello?', idempotencyKey: 'k' } };
    for await (const result of client.iterate<Record<string, Data>>({ query: chatStream, variables })) {
      const event = result.data?.['chatStream'] ?? {};
      events.push(event);
      if (event['text'] === held.begun) held.release();
    }
    await client.dispose();
    expect(texts(events).map(({ text }) => text)).toEqual(['Hal', 'lo!']);
  });

  test('attaches to the first run when it is subscribed again, with what was missed', async () => {
    await using rig = await openRig();
    const input = { query: '!echo one two three', idempotencyKey: 'k' };
    const first = await ask(rig, input);
    const again = await ask(rig, input);
    expect(outlineOf(again)).toEqual(['RunAttached', 'RunFinished']);
    expect(again[0]).toMatchObject({ runId: first[0]?.['runId'], mode: 'SNAPSHOT', text: 'one two three' });
    const rest = await ask(rig, input, { after: 2 });
    expect(rest[0]).toMatchObject({ mode: 'RESUME', seq: 2, text: first[2]?.['accumulated'] });
    expect(rest.slice(1)).toEqual(first.slice(3));
    expect(rig.generations()).toHaveLength(1);
  });

  test('is refused, not followed, when the key was used for something else', async () => {
    await using rig = await openRig();
    await ask(rig, { query: '!echo one', idempotencyKey: 'k' });
    const [result = {}] = await rig.collect(chatStream, { input: { query: '!echo two', idempotencyKey: 'k' } });
    expect(codesOf(result)).toEqual(['IDEMPOTENCY_CONFLICT']);
  });

  test('tells of a failure as an event', async () => {
    await using rig = await openRig();
    const events = await ask(rig, { query: '!error !echo one two' });
    expect(outlineOf(events)).toEqual(['RunAttached', 'RunStarted', 'TextDelta', 'RunFinished']);
    expect(events.at(-1)).toMatchObject({ status: 'FAILED', error: { code: 'UPSTREAM_RATE_LIMITED' } });
  });

  test('has a type for each thing that happens', async () => {
    await using rig = await openRig();
    expect(outlineOf(await ask(rig, { query: '!think Hm. Well' }))).toContain('ReasoningDelta');
    expect(outlineOf(await ask(rig, { query: '!replace !echo a b' }))).toContain('TextReplaced');
    expect(outlineOf(await ask(rig, { query: '!file Hello', app: 'researcher' }))).toContain('FileProduced');
    expect(outlineOf(await ask(rig, { query: 'Hello', app: 'researcher' }))).toContain('AgentStepChanged');
    expect(outlineOf(await ask(rig, { query: 'Hello', app: 'concierge' }))).toContain('NodeChanged');
    const unknown = await ask(rig, { query: '!unknown !echo a b c' });
    expect(unknown.find(({ __typename }) => __typename === 'UnknownEvent')).toMatchObject({
      name: 'sandbox_surprise',
      data: { data: { note: 'No Dify sends this event.' } },
    });
    const audio = (await ask(rig, { query: '!tts !long:25' })).filter(({ __typename }) => __typename === 'AudioChunk');
    expect(audio.length).toBeGreaterThan(1);
    expect(audio.map(({ final }) => final)).toEqual(audio.map((_, index) => index === audio.length - 1));
  });
});

describe('runEvents', () => {
  test('shows what there is, then what comes, then the end', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    await expect.poll(async () => dataOf(await rig.query(`{ run(id: "${id}") { lastSeq } }`))['run'].lastSeq).toBe(2);
    const client = rig.client();
    const events: Data[] = [];
    for await (const result of client.iterate<Record<string, Data>>({ query: runEvents, variables: { id } })) {
      events.push(result.data?.['runEvents'] ?? {});
      if (events.length === 1) held.release();
    }
    await client.dispose();
    expect(events[0]).toMatchObject({ __typename: 'RunAttached', mode: 'SNAPSHOT', seq: 2, text: held.begun });
    expect(seqs(events)).toEqual([2, 3, 4]);
    expect(outlineOf(events)).toEqual(['RunAttached', 'TextDelta', 'RunFinished']);
  });

  test('resumes after every number without gap or repeat', async () => {
    await using rig = await openRig();
    const all = await ask(rig, { query: '!think Let me see. !echo' });
    const id = String(all[0]?.['runId']);
    const last = seqs(all).at(-1) ?? 0;
    for (let after = 0; after <= last; after += 1) {
      const events = await follow(rig, id, { after });
      const from = Math.min(after, last - 1);
      expect(events[0]).toMatchObject({ __typename: 'RunAttached', mode: 'RESUME', seq: from });
      expect(events.slice(1)).toEqual(all.slice(from + 1));
    }
  });

  test.each([-1, 99, 2_147_483_647])('attaches anew when nothing is known after %i', async (after) => {
    await using rig = await openRig();
    const events = await follow(rig, await endedRun(rig), { after });
    expect(outlineOf(events)).toEqual(['RunAttached', 'RunFinished']);
    expect(events[0]).toMatchObject({ mode: 'GAP', text: 'Hello' });
  });

  test('sends only the groups that are wanted, beside the first and the last event', async () => {
    await using rig = await openRig();
    const all = await ask(rig, { query: 'When is breakfast?', app: 'concierge' });
    const id = String(all[0]?.['runId']);
    const only = async (groups: readonly string[]) =>
      new Set((await follow(rig, id, { after: 0, options: { only: groups } })).map(({ __typename }) => __typename));
    const always = ['RunAttached', 'RunFinished'];
    expect(await only(['TEXT'])).toEqual(new Set([...always, 'TextDelta']));
    expect(await only(['NODES'])).toEqual(new Set([...always, 'NodeChanged']));
    expect(await only(['NODES', 'TEXT'])).toEqual(new Set([...always, 'TextDelta', 'NodeChanged']));
    expect(await only(['AUDIO', 'FILES', 'AGENT', 'REASONING'])).toEqual(new Set(always));
    expect(await only([])).toEqual(new Set(always));
    const nodes = await follow(rig, id, { after: 0, options: { only: ['NODES'] } });
    const kept = all.slice(1).filter(({ __typename }) => ['NodeChanged', 'RunFinished'].includes(__typename));
    expect(nodes.slice(1)).toEqual(kept);
  });

  test('merges text that arrives together, with the number of the last', async () => {
    await using rig = await openRig();
    const all = await ask(rig, { query: '!echo one two three four five' });
    expect(texts(all).length).toBeGreaterThan(3);
    const merged = await follow(rig, String(all[0]?.['runId']), { after: 0, options: { coalesceMs: 50 } });
    expect(texts(merged)).toEqual([{ ...texts(all).at(-1), offset: 0, text: 'one two three four five' }]);
    expect(merged.at(-1)).toEqual(all.at(-1));
  });

  test('merges text while it is written, and loses none', async () => {
    await using rig = await openRig({ sandbox: { pace: 0.05 } });
    const events = await ask(rig, { query: '!long:200' }, { options: { coalesceMs: 100 } });
    expect(texts(events).length).toBeLessThan(50);
    const answer = texts(events).reduce((text, delta) => text.slice(0, delta['offset']) + delta['text'], '');
    expect(answer).toBe(events.at(-1)?.['run'].answer);
    expect(seqs(events).at(-1)).toBe(202);
  });

  test.each([-1, 10_001])('refuses to merge over %i ms', async (coalesceMs) => {
    await using rig = await openRig();
    const [result = {}] = await rig.collect(runEvents, { id: await endedRun(rig), options: { coalesceMs } });
    expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
  });

  test.each(['', 'x', randomUUID()])('finds no run of the id “%s”', async (id) => {
    await using rig = await openRig();
    const [result = {}] = await rig.collect(runEvents, { id });
    expect(codesOf(result)).toEqual(['NOT_FOUND']);
  });

  test('shows one run to many at once', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await startRun(rig);
    const watching = Array.from({ length: 20 }, () => follow(rig, id, { after: 0 }));
    await expect
      .poll(async () => dataOf(await rig.query(`{ run(id: "${id}") { watchers } }`))['run'].watchers)
      .toBe(20);
    held.release();
    const [first = [], ...others] = await Promise.all(watching);
    expect(outlineOf(first)).toEqual(['RunAttached', 'RunStarted', 'TextDelta', 'RunFinished']);
    for (const events of others) expect(events.slice(1)).toEqual(first.slice(1));
    expect(rig.generations()).toHaveLength(1);
  });
});
