import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig } from '../rig.ts';
import { dataOf } from './answers.ts';

const fields = `
  id conversationId parentMessageId query answer reasoning rawAnswer inputs error createdAt
  files { id type name mimeType size fromUser }
  citations { position datasetId datasetName documentId documentName segmentId score content }
  agentSteps { id position thought tool toolInput observation files }
  usage { totalTokens }`;

/** Asks, and returns the turn as the run says it and as it is stored. */
async function turn(rig: Rig, input: object): Promise<{ live: Data; stored: Data }> {
  const { chat } = dataOf(
    await rig.query(
      `mutation ($input: ChatInput!) { chat(input: $input) { conversationId run { id } message { ${fields} } } }`,
      { input },
    ),
  );
  const app = 'app' in input ? input.app : null;
  const { conversationHistory } = dataOf(
    await rig.query(
      `query ($id: ID!, $app: ID) { conversationHistory(conversationId: $id, app: $app) { nodes { ${fields} run { id } } } }`,
      { id: chat.conversationId, app },
    ),
  );
  expect(conversationHistory.nodes).toHaveLength(1);
  const [{ run, ...stored }] = conversationHistory.nodes;
  expect(run).toEqual(chat.run);
  return { live: chat.message, stored };
}

describe('a message', () => {
  test.each([
    ['plain text', { query: '!echo Grüße 👋', inputs: {} }],
    ['tagged reasoning', { app: 'thinker', query: 'Why is the sky blue?' }],
    ['citations', { app: 'concierge', query: 'When is breakfast?', inputs: { guest: 'Zoë' } }],
    ['tools', { app: 'researcher', query: 'How far is the moon?' }],
    ['two tools at once', { app: 'researcher', query: 'The moon, and 17 * 23' }],
    ['a replacement', { query: '!replace !echo secret' }],
    ['an error', { query: '!error !echo one two three' }],
  ])('is stored as its run told it: %s', async (_, input) => {
    await using rig = await openRig();
    const { live, stored } = await turn(rig, input);
    // Dify stores whole seconds, the declared inputs, no usage (before 1.16), after an error no answer, and for agents an
    // answer with other white space.
    const failed = live['error'] !== null;
    const compact = (text: unknown) => (failed ? '' : String(text).replaceAll(/\s/g, ''));
    const { answer, rawAnswer } = live;
    const told = { ...live, createdAt: stored['createdAt'], usage: null, inputs: stored['inputs'] };
    expect({ ...stored, answer: compact(stored['answer']), rawAnswer: compact(stored['rawAnswer']) }).toEqual({
      ...told,
      answer: compact(answer),
      rawAnswer: compact(rawAnswer),
    });
    expect(Math.abs(Date.parse(stored['createdAt']) - Date.parse(live['createdAt']))).toBeLessThan(2_000);
    expect(stored['parentMessageId']).toBeNull();
  });

  test('has its reasoning apart from its answer', async () => {
    await using rig = await openRig();
    const { stored } = await turn(rig, { query: '!think It is late.' });
    expect(stored['reasoning']).toBe('It is late.');
    expect(stored['answer']).toContain('You asked');
    expect(stored['answer']).not.toContain('think>');
    expect(stored['rawAnswer']).toBe(`<think>\nIt is late.\n</think>\n\n${stored['answer']}`);
  });

  test('has the steps of an agent, with the input of a tool as data', async () => {
    await using rig = await openRig();
    const { stored } = await turn(rig, { app: 'researcher', query: 'How far is the moon?' });
    expect(stored['agentSteps']).toEqual([
      {
        id: expect.any(String),
        position: 1,
        thought: 'Let me look that up.',
        tool: 'search',
        toolInput: { search: { query: 'How far is the moon?' } },
        observation: expect.stringContaining('384,400 km'),
        files: [],
      },
      {
        id: expect.any(String),
        position: 2,
        thought: expect.stringContaining('I found'),
        tool: null,
        toolInput: null,
        observation: null,
        files: [],
      },
    ]);
  });

  test('has the passages it rests on', async () => {
    await using rig = await openRig();
    const { stored } = await turn(rig, { app: 'concierge', query: 'When is breakfast?' });
    expect(stored['citations'][0]).toMatchObject({
      position: 1,
      documentName: 'breakfast.md',
      score: expect.any(Number),
      content: expect.stringContaining('7:00'),
    });
  });

  test('has the files that the app made', async () => {
    await using rig = await openRig();
    const { stored } = await turn(rig, { app: 'researcher', query: '!file How far is the moon?' });
    expect(stored['files']).toEqual([
      {
        id: expect.any(String),
        type: 'IMAGE',
        name: expect.any(String),
        mimeType: 'image/png',
        size: expect.any(Number),
        fromUser: false,
      },
    ]);
  });

  test('has the inputs that came with it, and times in UTC', async () => {
    await using rig = await openRig();
    const { stored } = await turn(rig, { app: 'concierge', query: 'Hello', inputs: { guest: 'Zoë' } });
    expect(stored['inputs']).toEqual({ guest: 'Zoë' });
    expect(stored['createdAt']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  });

  test('that no run is kept of has none', async () => {
    await using rig = await openRig({ runs: { keepCount: 1 } });
    const ask = 'mutation { chat(input: { query: "!echo a" }) { conversationId } }';
    const { conversationId: id } = dataOf(await rig.query(ask))['chat'];
    dataOf(await rig.query(ask));
    dataOf(await rig.query(ask));
    const query = 'query ($id: ID!) { conversationHistory(conversationId: $id) { nodes { answer run { id } } } }';
    expect(dataOf(await rig.query(query, { id }))['conversationHistory'].nodes).toEqual([{ answer: 'a', run: null }]);
  });
});
