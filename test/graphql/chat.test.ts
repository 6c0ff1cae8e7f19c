import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openRig } from '../rig.ts';
import { codesOf, dataOf, endedRun, eventsOf, holdAnswer, outlineOf } from './answers.ts';

const chat = `
  mutation ($input: ChatInput!) {
    chat(input: $input) {
      answer
      reasoning
      complete
      deduplicated
      conversationId
      messageId
      usage { totalTokens totalPrice currency }
      message { id conversationId query answer rawAnswer error }
      run { id kind status answer conversationId messageId app { name } error { code message retryable difyCode } }
    }
  }`;

describe('chat', () => {
  test('answers with all there is to say about it', async () => {
    await using rig = await openRig();
    const input = { query: '!think It is late.' };
    const { chat: payload } = dataOf(await rig.query(chat, { input }));
    expect(payload).toMatchObject({ complete: true, deduplicated: false, reasoning: 'It is late.' });
    expect(payload.answer).toContain('You asked');
    expect(payload.usage).toMatchObject({ currency: 'USD', totalPrice: expect.stringMatching(/^0\.\d+$/) });
    expect(payload.message).toEqual({
      id: payload.messageId,
      conversationId: payload.conversationId,
      query: input.query,
      answer: payload.answer,
      rawAnswer: `<think>\nIt is late.\n</think>\n\n${payload.answer}`,
      error: null,
    });
    expect(payload.run).toMatchObject({
      kind: 'CHAT',
      status: 'SUCCEEDED',
      answer: payload.answer,
      conversationId: payload.conversationId,
      messageId: payload.messageId,
      app: { name: 'assistant' },
      error: null,
    });
  });

  test('asks the default app when none is named', async () => {
    await using rig = await openRig();
    const { chat: payload } = dataOf(await rig.query(chat, { input: { query: '!echo Grüße 👋' } }));
    expect(payload).toMatchObject({ answer: 'Grüße 👋', run: { app: { name: 'assistant' } } });
    expect(rig.generations().map(({ app }) => app)).toEqual(['assistant']);
  });

  test('hands Dify the question, the inputs and the viewer as they are', async () => {
    await using rig = await openRig();
    const input = { app: 'concierge', query: ' Breakfast?\n', inputs: { guest: 'Zoë', more: [1, null, { a: 'b' }] } };
    dataOf(await rig.query(chat, { input }, 'ann@example.org'));
    expect(rig.generations()[0]?.body).toMatchObject({
      query: ' Breakfast?\n',
      inputs: input.inputs,
      user: 'ann@example.org',
      response_mode: 'streaming',
    });
  });

  test('goes on with a conversation', async () => {
    await using rig = await openRig();
    const { chat: first } = dataOf(await rig.query(chat, { input: { query: 'My name is Ann.' } }));
    const input = { query: 'What is it?', conversationId: first.conversationId };
    const { chat: second } = dataOf(await rig.query(chat, { input }));
    expect(second.conversationId).toBe(first.conversationId);
    expect(second.messageId).not.toBe(first.messageId);
    expect(second.answer).toContain('This is turn 2 of our conversation. Earlier you asked “My name is Ann.”');
  });

  test('returns at once with a live run when it may not wait', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const { chat: payload } = dataOf(await rig.query(chat, { input: { query: 'Hello?', waitMs: 0 } }));
    expect(payload).toMatchObject({ complete: false, run: { status: 'RUNNING' } });
    held.release();
    const events = eventsOf(
      await rig.collect(
        `subscription ($id: ID!) { runEvents(runId: $id) { __typename ... on RunFinished { status run { ... on ChatRun { answer } } } } }`,
        { id: payload.run.id },
      ),
      'runEvents',
    );
    expect(events.at(-1)).toEqual({
      __typename: 'RunFinished',
      status: 'SUCCEEDED',
      run: { answer: held.whole },
    });
  });

  test('returns what there is when the time is up', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const input = { query: 'Hello?', waitMs: 300 };
    const { chat: payload } = dataOf(await rig.query(chat, { input }));
    expect(payload).toMatchObject({
      complete: false,
      answer: held.begun,
      conversationId: held.conversationId,
      messageId: held.messageId,
      usage: null,
      run: { status: 'RUNNING' },
    });
  });

  test('has Dify name a new conversation after its answer, once, unless told not to', async () => {
    await using rig = await openRig();
    const named = () => rig.requests.filter(({ path }) => path.endsWith('/name')).map(({ path }) => path);
    const { chat: silent } = dataOf(await rig.query(chat, { input: { query: 'a?', autoGenerateName: false } }));
    const { chat: first } = dataOf(await rig.query(chat, { input: { query: 'b?' } }));
    const { conversationId } = first;
    dataOf(await rig.query(chat, { input: { query: 'c?', conversationId } }));
    dataOf(await rig.query(chat, { input: { query: 'd?', conversationId: silent.conversationId } }));
    const { chat: last } = dataOf(await rig.query(chat, { input: { query: 'e?' } }));
    const path = (id: string) => `/v1/conversations/${id}/name`;
    await expect.poll(named).toEqual([path(conversationId), path(last.conversationId)]);
  });
});

describe('a question that cannot be asked', () => {
  test.each([
    ['a blank query', { query: ' \n' }, 'BAD_USER_INPUT', 'query'],
    ['a list for inputs', { query: 'a', inputs: [1] }, 'BAD_USER_INPUT', 'inputs'],
    ['a text for inputs', { query: 'a', inputs: 'x' }, 'BAD_USER_INPUT', 'inputs'],
    ['a number for inputs', { query: 'a', inputs: 0 }, 'BAD_USER_INPUT', 'inputs'],
    ['a wait below zero', { query: 'a', waitMs: -1 }, 'BAD_USER_INPUT', 'waitMs'],
    ['a wait above ten minutes', { query: 'a', waitMs: 600_001 }, 'BAD_USER_INPUT', 'waitMs'],
    ['an empty idempotency key', { query: 'a', idempotencyKey: '' }, 'BAD_USER_INPUT', 'idempotencyKey'],
    ['a long idempotency key', { query: 'a', idempotencyKey: 'k'.repeat(256) }, 'BAD_USER_INPUT', 'idempotencyKey'],
    ['a conversation by a name', { query: 'a', conversationId: '../x' }, 'NOT_FOUND', 'conversation'],
    ['an empty conversation id', { query: 'a', conversationId: '' }, 'NOT_FOUND', 'conversation'],
    ['an app that is not served', { query: 'a', app: 'x' }, 'APP_NOT_FOUND', 'assistant'],
    ['an app with a blank name', { query: 'a', app: '' }, 'APP_NOT_FOUND', 'assistant'],
    ['a workflow', { query: 'a', app: 'summarize' }, 'WRONG_APP_MODE', 'runWorkflow'],
    ['a text generator', { query: 'a', app: 'copywriter' }, 'WRONG_APP_MODE', 'takes no questions'],
  ])('is refused before Dify hears of it: %s', async (_, input, code, says) => {
    await using rig = await openRig();
    const result = await rig.query(chat, { input });
    expect(result.data).toBeNull();
    expect(codesOf(result)).toEqual([code]);
    expect(result.errors?.[0]?.message).toContain(says);
    const events = await rig
      .collect(`subscription ($input: ChatInput!) { chatStream(input: $input) { seq } }`, {
        input: { idempotencyKey: randomUUID(), ...input, ...('waitMs' in input ? { query: '' } : {}) },
      })
      .catch((errors: unknown) => [{ errors }] as never);
    expect(codesOf(events[0] ?? {})).toEqual([code]);
    expect(rig.generations()).toEqual([]);
    expect(dataOf(await rig.query('{ runs { nodes { id } } }'))['runs'].nodes).toEqual([]);
  });

  test.each([
    ['!refuse', 'UPSTREAM_QUOTA_EXCEEDED', false],
    ['!500', 'UPSTREAM_ERROR', true],
    ['!502', 'UPSTREAM_ERROR', true],
    ['!error', 'UPSTREAM_RATE_LIMITED', true],
    ['!cut', 'STREAM_INTERRUPTED', true],
  ])('is a failed run, and no GraphQL error, once it was asked: %s', async (query, code, retryable) => {
    await using rig = await openRig();
    const { chat: payload } = dataOf(await rig.query(chat, { input: { query } }));
    expect(payload).toMatchObject({ complete: true, run: { status: 'FAILED', error: { code, retryable } } });
    expect(rig.generations()).toHaveLength(1);
  });

  test('is a failed run when the conversation is not there', async () => {
    await using rig = await openRig();
    const { chat: payload } = dataOf(await rig.query(chat, { input: { query: 'a', conversationId: randomUUID() } }));
    expect(payload.run).toMatchObject({ status: 'FAILED', error: { code: 'NOT_FOUND', retryable: false } });
  });

  test('is a failed run when Dify is down', async () => {
    await using rig = await openRig();
    await rig.sandbox.close();
    const { chat: payload } = dataOf(await rig.query(chat, { input: { query: 'a' } }));
    expect(payload.run).toMatchObject({ status: 'FAILED', error: { code: 'UPSTREAM_UNREACHABLE', retryable: true } });
  });
});

describe('an idempotency key', () => {
  test('asks Dify once for a hundred calls at the same time', async () => {
    await using rig = await openRig();
    const held = holdAnswer(rig);
    const input = { query: 'Hello?', idempotencyKey: randomUUID() };
    const calls = Array.from({ length: 100 }, () => rig.query(chat, { input }));
    await expect.poll(() => rig.generations().length).toBe(1);
    held.release();
    const payloads = (await Promise.all(calls)).map((result) => dataOf(result)['chat']);
    expect(rig.generations()).toHaveLength(1);
    expect(payloads.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
    expect(new Set(payloads.map(({ run }) => run.id)).size).toBe(1);
    expect(new Set(payloads.map(({ answer }) => answer))).toEqual(new Set([held.whole]));
  });

  test('returns the first answer again, whichever way it is asked', async () => {
    await using rig = await openRig();
    const input = { query: '!echo one', idempotencyKey: 'k', inputs: { a: 1, b: { c: 2, d: 3 } } };
    const { chat: first } = dataOf(await rig.query(chat, { input }));
    const again = { ...input, inputs: { b: { d: 3, c: 2 }, a: 1 }, waitMs: 1_000, app: 'assistant' };
    const { chat: second } = dataOf(await rig.query(chat, { input: again }));
    expect(second).toEqual({ ...first, deduplicated: true });
    const events = eventsOf(
      await rig.collect(
        'subscription ($input: ChatInput!) { chatStream(input: $input) { __typename runId ... on RunAttached { text } } }',
        { input },
      ),
      'chatStream',
    );
    expect(outlineOf(events)).toEqual(['RunAttached', 'RunFinished']);
    expect(events[0]).toMatchObject({ runId: first.run.id, text: 'one' });
    expect(rig.generations()).toHaveLength(1);
  });

  test('returns a failure again, too', async () => {
    await using rig = await openRig();
    const input = { query: '!500', idempotencyKey: 'k' };
    const { chat: first } = dataOf(await rig.query(chat, { input }));
    const { chat: second } = dataOf(await rig.query(chat, { input }));
    expect(second).toEqual({ ...first, deduplicated: true });
    expect(rig.generations()).toHaveLength(1);
  });

  test.each([
    ['another query', { query: '!echo two' }],
    ['another app', { app: 'thinker' }],
    ['other inputs', { inputs: { a: 2 } }],
    ['a conversation', { conversationId: randomUUID() }],
    ['no name wanted', { autoGenerateName: false }],
  ])('is refused with other content: %s', async (_, other) => {
    await using rig = await openRig();
    const input = { query: '!echo one', idempotencyKey: 'k', inputs: { a: 1 } };
    dataOf(await rig.query(chat, { input }));
    const result = await rig.query(chat, { input: { ...input, ...other } });
    expect(codesOf(result)).toEqual(['IDEMPOTENCY_CONFLICT']);
    expect(rig.generations()).toHaveLength(1);
  });

  test('is refused for a workflow after a question', async () => {
    await using rig = await openRig();
    dataOf(await rig.query(chat, { input: { query: '!echo one', idempotencyKey: 'k' } }));
    const input = { app: 'summarize', inputs: { text: 'a.' }, idempotencyKey: 'k' };
    const result = await rig.query('mutation ($input: RunWorkflowInput!) { runWorkflow(input: $input) { status } }', {
      input,
    });
    expect(codesOf(result)).toEqual(['IDEMPOTENCY_CONFLICT']);
  });

  test('left out asks each time', async () => {
    await using rig = await openRig();
    const ids = [await endedRun(rig), await endedRun(rig)];
    expect(new Set(ids).size).toBe(2);
    expect(rig.generations()).toHaveLength(2);
  });
});
