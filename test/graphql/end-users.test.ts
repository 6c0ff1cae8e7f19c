import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openRig, type Rig } from '../rig.ts';
import { codesOf, dataOf } from './answers.ts';

const endUser = `query ($id: ID!) { endUser(id: $id) { id user type name isAnonymous createdAt updatedAt } }`;

/** Dify's own id of Ann. */
async function idOfAnn(rig: Rig): Promise<string> {
  const ask = 'mutation { chat(input: { query: "!echo Hello", autoGenerateName: false }) { messageId } }';
  const { chat } = dataOf(await rig.query(ask, {}, 'ann'));
  const rate = 'mutation ($id: ID!) { rateMessage(messageId: $id, rating: LIKE) { rating } }';
  dataOf(await rig.query(rate, { id: chat.messageId }, 'ann'));
  const { feedbacks } = dataOf(await rig.query('{ feedbacks { nodes { endUserId } } }', {}, 'admin'));
  return feedbacks.nodes[0].endUserId as string;
}

describe('an end user', () => {
  test('is told to administrators by Dify’s id', async () => {
    await using rig = await openRig({ sandbox: { version: '1.14.2' } });
    const id = await idOfAnn(rig);
    expect(dataOf(await rig.query(endUser, { id }, 'admin'))['endUser']).toEqual({
      id,
      user: 'ann',
      type: 'service-api',
      name: null,
      isAnonymous: false,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(codesOf(await rig.query(endUser, { id }, 'ann'))).toEqual(['FORBIDDEN']);
    for (const unknown of [randomUUID(), '..', 'x'])
      expect(dataOf(await rig.query(endUser, { id: unknown }, 'admin'))).toEqual({ endUser: null });
  });

  test('is unknown to a Dify that is too old, which is said', async () => {
    await using rig = await openRig({ sandbox: { version: '1.12.1' } });
    const result = await rig.query(endUser, { id: await idOfAnn(rig) }, 'admin');
    expect(codesOf(result)).toEqual(['UPSTREAM_PROTOCOL']);
    expect(result.errors?.[0]?.message).toContain('1.12.1');
  });
});
