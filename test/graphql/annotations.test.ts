import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openRig, type Data, type Rig } from '../rig.ts';
import { codesOf, dataOf } from './answers.ts';

const create = `mutation ($question: String!, $answer: String!) {
  createAnnotation(question: $question, answer: $answer) { id question answer hitCount createdAt }
}`;
const list = `query ($keyword: String, $first: Int, $after: String) {
  annotations(keyword: $keyword, first: $first, after: $after) {
    nodes { id question answer hitCount }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
}`;
const update = `mutation ($id: ID!, $question: String!, $answer: String!) {
  updateAnnotation(id: $id, question: $question, answer: $answer) { id question answer }
}`;
const remove = 'mutation ($id: ID!) { deleteAnnotation(id: $id) }';
const setReply = `mutation ($enabled: Boolean!, $threshold: Float!) {
  setAnnotationReply(enabled: $enabled, scoreThreshold: $threshold, embeddingProvider: "p", embeddingModel: "m") { id status error }
}`;
const job = `query ($action: AnnotationReplyAction!, $id: ID!) {
  annotationReplyJob(action: $action, jobId: $id) { id status error }
}`;

const admin = (rig: Rig, query: string, variables: object = {}) => rig.query(query, variables, 'admin');

async function page(rig: Rig, variables: object = {}): Promise<Data> {
  return dataOf(await admin(rig, list, variables))['annotations'] as Data;
}

async function add(rig: Rig, question: string, answer = 'Yes.'): Promise<Data> {
  return dataOf(await admin(rig, create, { question, answer }))['createAnnotation'] as Data;
}

describe('annotations', () => {
  test('are made, found, changed and deleted', async () => {
    await using rig = await openRig();
    const made = await add(rig, 'Is it open?', 'From nine to five.');
    expect(made).toMatchObject({ question: 'Is it open?', answer: 'From nine to five.', hitCount: 0 });
    expect(made['createdAt']).toMatch(/Z$/);
    await add(rig, 'Is it far?');
    expect((await page(rig))['nodes'].map(({ question }: Data) => question)).toEqual(['Is it far?', 'Is it open?']);
    expect((await page(rig, { keyword: 'NINE' }))['nodes']).toMatchObject([{ id: made['id'] }]);
    const change = { id: made['id'], question: 'Is it open?', answer: 'No.' };
    expect(dataOf(await admin(rig, update, change))['updateAnnotation']).toEqual(change);
    expect(dataOf(await admin(rig, remove, { id: made['id'] }))['deleteAnnotation']).toBe(made['id']);
    expect((await page(rig))['nodes']).toMatchObject([{ question: 'Is it far?' }]);
  });

  test.each([1, 2, 3, 6, 7])('come once each, %i at a time, and the last page is known to be it', async (first) => {
    await using rig = await openRig();
    for (const index of [1, 2, 3, 4, 5, 6]) await add(rig, `Question ${index}`);
    const seen: string[] = [];
    let after: string | null = null;
    for (;;) {
      const { nodes, pageInfo } = await page(rig, { first, after });
      seen.push(...nodes.map(({ question }: Data) => question));
      if (!pageInfo.hasNextPage) break;
      expect(nodes).toHaveLength(first);
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual([6, 5, 4, 3, 2, 1].map((index) => `Question ${index}`));
  });

  test('repeat nothing and lose nothing when the one that a page hangs on is gone, or some before it', async () => {
    await using rig = await openRig();
    const made: Data[] = [];
    for (const index of [1, 2, 3, 4, 5, 6]) made.unshift(await add(rig, `Question ${index}`));
    const { pageInfo } = await page(rig, { first: 3 });
    const rest = async () =>
      (await page(rig, { first: 5, after: pageInfo.endCursor }))['nodes'].map(({ question }: Data) => question);
    expect(await rest()).toEqual(['Question 3', 'Question 2', 'Question 1']);
    dataOf(await admin(rig, remove, { id: made[0]?.['id'] }));
    expect(await rest()).toEqual(['Question 3', 'Question 2', 'Question 1']);
    await add(rig, 'Question 7');
    dataOf(await admin(rig, remove, { id: made[2]?.['id'] }));
    expect(await rest()).toEqual(['Question 3', 'Question 2', 'Question 1']);
  });

  test('must not be blank, and must be there to be changed', async () => {
    await using rig = await openRig();
    const codes = async (query: string, variables: object) => codesOf(await admin(rig, query, variables));
    expect(await codes(create, { question: ' ', answer: 'a' })).toEqual(['BAD_USER_INPUT']);
    expect(await codes(create, { question: 'q', answer: '' })).toEqual(['BAD_USER_INPUT']);
    for (const id of [randomUUID(), '..', 'x/../y']) {
      expect(await codes(update, { id, question: 'q', answer: 'a' })).toEqual(['NOT_FOUND']);
      expect(await codes(remove, { id })).toEqual(['NOT_FOUND']);
    }
  });

  test('answer once a job has switched them on', async () => {
    await using rig = await openRig();
    await add(rig, 'Is it open?', 'From nine to five.');
    const { setAnnotationReply: started } = dataOf(await admin(rig, setReply, { enabled: true, threshold: 0.9 }));
    expect(started).toEqual({ id: expect.any(String), status: 'WAITING', error: null });
    const done = async (action: string, id: string) =>
      dataOf(await admin(rig, job, { action, id }))['annotationReplyJob'];
    await expect.poll(() => done('ENABLE', started.id)).toEqual({ id: started.id, status: 'COMPLETED', error: null });
    expect(await done('DISABLE', started.id)).toBeNull();
    expect(await done('ENABLE', randomUUID())).toBeNull();
    expect(await done('ENABLE', '../..')).toBeNull();
    const ask = 'mutation { chat(input: { query: "Is it open?" }) { answer } }';
    expect(dataOf(await rig.query(ask))['chat'].answer).toBe('From nine to five.');
    expect((await page(rig))['nodes']).toMatchObject([{ hitCount: 1 }]);
    dataOf(await admin(rig, setReply, { enabled: false, threshold: 0 }));
    await expect.poll(async () => dataOf(await rig.query(ask))['chat'].answer).not.toBe('From nine to five.');
  });

  test.each([-0.1, 1.1])('are not set to a threshold of %f', async (threshold) => {
    await using rig = await openRig();
    expect(codesOf(await admin(rig, setReply, { enabled: true, threshold }))).toEqual(['BAD_USER_INPUT']);
    expect(rig.requests).toEqual([]);
  });

  test('are for administrators', async () => {
    await using rig = await openRig();
    const id = randomUUID();
    for (const [query, variables] of [
      [list, {}],
      [create, { question: 'q', answer: 'a' }],
      [update, { id, question: 'q', answer: 'a' }],
      [remove, { id }],
      [setReply, { enabled: true, threshold: 1 }],
      [job, { action: 'ENABLE', id }],
    ] as const)
      expect(codesOf(await rig.query(query, variables, 'ann'))).toEqual(['FORBIDDEN']);
    expect(rig.requests).toEqual([]);
  });
});
