import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig } from '../rig.ts';
import { codesOf, dataOf, holdAnswer, outlineOf } from './answers.ts';

const query = `subscription ($id: ID!, $after: String, $options: StreamOptions) {
  conversationEvents(conversationId: $id, after: $after, options: $options) {
    cursor
    run { id conversationId status }
    event {
      __typename runId seq
      ... on RunAttached { mode text }
      ... on RunQueued { position }
      ... on TextDelta { offset text }
      ... on TextReplaced { text }
      ... on RunFinished { status error { code } }
    }
  }
}`;
const ask = `mutation ($input: ChatInput!) {
  chat(input: $input) { answer conversationId complete run { id status error { code } timing { queuedMs } } }
}`;

async function chat(rig: Rig, input: object, user = 'ann'): Promise<Data> {
  return dataOf(await rig.query(ask, { input: { autoGenerateName: false, ...input } }, user))['chat'] as Data;
}

/** A conversation of Ann's that has had one answer. */
async function begun(rig: Rig): Promise<string> {
  return (await chat(rig, { query: '!echo one' }))['conversationId'] as string;
}

/** The run of a question of Ann's whose answer has begun, and is held. */
async function answering(rig: Rig): Promise<string> {
  const { run } = await chat(rig, { query: 'Hello?', waitMs: 0 });
  const seen = async () => dataOf(await rig.query(`{ run(id: "${run.id}") { lastSeq } }`, {}, 'ann'))['run'];
  await expect.poll(seen).toEqual({ lastSeq: 2 });
  return run.id as string;
}

/** A device that watches a conversation: what it was told, until it has enough. */
class Device implements AsyncDisposable {
  readonly told: Data[] = [];
  readonly #client;
  readonly #events;

  constructor(rig: Rig, id: string, more: object = {}, user = 'ann') {
    this.#client = rig.client({ connectionParams: { user } });
    this.#events = this.#client.iterate<Record<string, Data>>({ query, variables: { id, ...more } });
  }

  get events(): Data[] {
    return this.told.map(({ event }) => event as Data);
  }

  get cursor(): string {
    return this.told.at(-1)?.['cursor'] as string;
  }

  async next(): Promise<Data> {
    const { value } = await this.#events.next();
    const told = dataOf(value)['conversationEvents'] as Data;
    this.told.push(told);
    return told['event'] as Data;
  }

  /** Reads on until there is such an event. */
  async until(holds: (event: Data) => boolean): Promise<void> {
    while (!holds(await this.next()));
  }

  /** Reads on until so many runs have ended since it came. */
  async ends(count: number): Promise<void> {
    const ended = () => this.events.filter(({ __typename }) => __typename === 'RunFinished').length;
    while (ended() < count) await this.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.dispose();
  }
}

/** What each run's events add up to, by run. */
function folded(events: readonly Data[]): Record<string, { seq: number; text: string; ended: boolean }> {
  const runs: Record<string, { seq: number; text: string; ended: boolean }> = {};
  for (const event of events) {
    const id = String(event['runId']);
    if (event['__typename'] === 'RunAttached' && event['mode'] !== 'RESUME')
      runs[id] = { seq: event['seq'], text: event['text'], ended: false };
    const run = (runs[id] ??= { seq: 0, text: '', ended: false });
    if (event['__typename'] === 'RunAttached') continue;
    expect(event['seq']).toBe(run.seq + 1);
    run.seq = event['seq'];
    if (event['__typename'] === 'TextDelta') run.text = run.text.slice(0, event['offset']) + event['text'];
    if (event['__typename'] === 'TextReplaced') run.text = event['text'];
    run.ended ||= event['__typename'] === 'RunFinished';
  }
  return runs;
}

describe('conversationEvents', () => {
  test('shows two devices the same, whichever of them asks', async () => {
    await using rig = await openRig();
    const id = await begun(rig);
    await using phone = new Device(rig, id);
    await using laptop = new Device(rig, id);
    const told: unknown[] = [];
    for (const text of ['two', 'three']) {
      const asked = chat(rig, { query: `!echo ${text}`, conversationId: id });
      await Promise.all([phone, laptop].map((device) => device.ends(told.length + 1)));
      told.push([(await asked)['run'].id, text]);
    }
    for (const device of [phone, laptop]) {
      const runs = folded(device.events);
      expect(Object.entries(runs).map(([run, { text }]) => [run, text])).toEqual(told);
      expect(new Set(device.told.map(({ run }) => run.conversationId))).toEqual(new Set([id]));
    }
  });

  test('begins with the answer that is under way, and does not tell of what has ended', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    await answering(rig);
    await using first = new Device(rig, held.conversationId);
    expect(await first.next()).toMatchObject({ __typename: 'RunAttached', mode: 'SNAPSHOT', text: held.begun });
    held.release();
    await first.ends(1);
    expect(outlineOf(first.events)).toEqual(['RunAttached', 'TextDelta', 'RunFinished']);
  });

  test('lets go of a run that has ended, and stays for the next', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await answering(rig);
    await using device = new Device(rig, held.conversationId);
    await device.next();
    const watchers = async () => dataOf(await rig.query(`{ run(id: "${id}") { watchers } }`, {}, 'ann'))['run'];
    await expect.poll(watchers).toEqual({ watchers: 1 });
    held.release();
    await device.ends(1);
    await expect.poll(watchers).toEqual({ watchers: 0 });
  });

  test('tells of questions that wait while another is answered, each in its own order', async () => {
    await using rig = await openRig({ sandbox: { pace: 0.05 } });
    const id = await begun(rig);
    await using device = new Device(rig, id);
    const answers = ['two', 'three', 'four'].map((text) =>
      chat(rig, { query: `!echo ${text} times a word`, conversationId: id, onBusy: 'QUEUE' }),
    );
    await device.ends(3);
    const asked = await Promise.all(answers);
    const runs = folded(device.events);
    for (const { run, answer } of asked) expect(runs[run.id]).toMatchObject({ text: answer, ended: true });
    const texts = asked.map(({ answer }) => answer);
    expect(texts).toEqual(['two', 'three', 'four'].map((text) => `${text} times a word`));
    const alive = device.told.map(({ event }) => event.runId);
    expect(new Set(alive.slice(0, 4)).size).toBeGreaterThan(1);
    expect(asked.filter(({ run }) => run.timing.queuedMs !== null)).toHaveLength(2);
  });

  test('goes on behind any cursor without a gap or a repeat, also over answers that came and ended meanwhile', async () => {
    await using rig = await openRig();
    const id = await begun(rig);
    await using whole = new Device(rig, id);
    for (const text of ['two words', 'three words'])
      await chat(rig, { query: `!echo ${text}`, conversationId: id, onBusy: 'QUEUE' });
    await whole.ends(2);
    const all = folded(whole.events);
    for (const [index, { cursor }] of whole.told.entries()) {
      await using again = new Device(rig, id, { after: cursor });
      const before = whole.events.slice(0, index + 1);
      const missing = 2 - before.filter(({ __typename }) => __typename === 'RunFinished').length;
      await again.ends(missing);
      expect(folded([...before, ...again.events])).toEqual(all);
    }
  });

  test('lets go at once, with nobody attached any more', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const id = await answering(rig);
    const watchers = async () => dataOf(await rig.query(`{ run(id: "${id}") { watchers } }`, {}, 'ann'))['run'];
    const device = new Device(rig, held.conversationId);
    await device.next();
    expect(await watchers()).toEqual({ watchers: 1 });
    await device[Symbol.asyncDispose]();
    await expect.poll(watchers).toEqual({ watchers: 0 });
  });

  test('sends only the groups that are wanted', async () => {
    await using rig = await openRig();
    const id = await begun(rig);
    await using device = new Device(rig, id, { options: { only: [] } });
    const asked = chat(rig, { query: '!echo two', conversationId: id });
    await device.ends(1);
    await asked;
    expect(outlineOf(device.events)).toEqual(['RunAttached', 'RunFinished']);
  });

  test.each(['x', Buffer.from('[1,2]').toString('base64url'), Buffer.from('[1,[["a"]]]').toString('base64url')])(
    'refuses the cursor %s',
    async (after) => {
      await using rig = await openRig();
      const [result = {}] = await rig.collect(query, { id: await begun(rig), after }, 'ann');
      expect(codesOf(result)).toEqual(['BAD_USER_INPUT']);
    },
  );

  test.each(['', 'x', randomUUID()])('finds no conversation of the id “%s”', async (id) => {
    await using rig = await openRig();
    expect(codesOf((await rig.collect(query, { id }, 'ann'))[0] ?? {})).toEqual(['NOT_FOUND']);
  });
});

async function active(rig: Rig, id: string, user = 'ann'): Promise<Data | null> {
  const activeRun = 'query ($id: ID!) { conversation(id: $id) { activeRun { id status answer } } }';
  return (dataOf(await rig.query(activeRun, { id }, user))['conversation']?.activeRun ?? null) as Data | null;
}

describe('Conversation.activeRun', () => {
  test('is the run that answers, to attach to after a page load', async () => {
    await using rig = await openRig({ sandbox: { pace: 0.5 } });
    const id = await begun(rig);
    expect(await active(rig, id)).toBeNull();
    const { run } = await chat(rig, { query: '!long', conversationId: id, waitMs: 0 });
    expect(await active(rig, id)).toMatchObject({ id: run.id, status: 'RUNNING' });
    const waiting = await chat(rig, { query: '!echo two', conversationId: id, waitMs: 0, onBusy: 'QUEUE' });
    expect(waiting['run'].status).toBe('QUEUED');
    expect(await active(rig, id)).toMatchObject({ id: run.id });
    await rig.query('mutation ($id: ID!) { stopRun(runId: $id) { confirmed } }', { id: run.id }, 'ann');
    await expect.poll(async () => (await active(rig, id))?.['id']).not.toBe(run.id);
    await expect.poll(() => active(rig, id)).toBeNull();
  });

  test('is there also in a list, and while it waits for a person', async () => {
    await using rig = await openRig({ sandbox: { version: '1.15.0' } });
    const booking = { app: 'concierge', query: 'Please book a table for two.', waitMs: 0 };
    const { run } = await chat(rig, booking);
    const list = `{ conversations(app: "concierge") { nodes { activeRun { id status } } } }`;
    await expect
      .poll(async () => dataOf(await rig.query(list, {}, 'ann'))['conversations'].nodes)
      .toEqual([{ activeRun: { id: run.id, status: 'PAUSED' } }]);
  });
});

describe('onBusy', () => {
  test('refuses, queues or interrupts', async () => {
    await using rig = await openRig({ sandbox: { pace: 0.5 } });
    const conversationId = await begun(rig);
    const long = await chat(rig, { query: '!long', conversationId, waitMs: 0 });
    const refused = await rig.query(ask, { input: { query: 'Well?', conversationId } }, 'ann');
    expect(codesOf(refused)).toEqual(['CONVERSATION_BUSY']);
    const waiting = await chat(rig, { query: '!echo two', conversationId, waitMs: 0, onBusy: 'QUEUE' });
    expect(waiting).toMatchObject({ complete: false, run: { status: 'QUEUED', timing: { queuedMs: null } } });
    const last = await chat(rig, { query: '!echo three', conversationId, onBusy: 'INTERRUPT' });
    expect(last).toMatchObject({ complete: true, answer: 'three', run: { timing: { queuedMs: expect.any(Number) } } });
    const { runs } = dataOf(await rig.query('{ runs { nodes { id status } } }', {}, 'ann'));
    expect(runs.nodes.slice(0, 3)).toEqual([
      { id: last['run'].id, status: 'SUCCEEDED' },
      { id: waiting['run'].id, status: 'STOPPED' },
      { id: long['run'].id, status: 'STOPPED' },
    ]);
  });

  test('is no part of what a key was used for', async () => {
    await using rig = await openRig();
    const input = { query: '!echo a', idempotencyKey: 'k' };
    const first = await chat(rig, input);
    expect((await chat(rig, { ...input, onBusy: 'QUEUE' }))['run'].id).toBe(first['run'].id);
  });
});
