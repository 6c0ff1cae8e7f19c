import { describe, expect, test } from 'vitest';
import { openRig } from '../rig.ts';
import { codesOf, dataOf } from './answers.ts';

describe('apps', () => {
  test('are listed in configured order, as Dify describes them', async () => {
    await using rig = await openRig();
    const { apps } = dataOf(await rig.query('{ apps { name title description mode tags isDefault } }'));
    expect(apps.map(({ name, mode }: { name: string; mode: string }) => [name, mode])).toEqual(
      rig.sandbox.apps.map(({ name, mode }) => [name, mode.toUpperCase().replaceAll('-', '_')]),
    );
    expect(apps[0]).toEqual({
      name: 'assistant',
      title: 'Assistant',
      description: rig.sandbox.apps[0]?.description,
      mode: 'CHAT',
      tags: [],
      isDefault: true,
    });
    expect(apps.filter(({ isDefault }: { isDefault: boolean }) => isDefault)).toHaveLength(1);
  });

  test('answer by name, the default one without a name, none by a name that is not served', async () => {
    await using rig = await openRig();
    const query = '{ named: app(name: "summarize") { name } usual: app { name } none: app(name: "x") { name } }';
    expect(dataOf(await rig.query(query))).toEqual({
      named: { name: 'summarize' },
      usual: { name: 'assistant' },
      none: null,
    });
    expect(rig.requests).toEqual([]);
  });

  test('are described once for all who ask', async () => {
    await using rig = await openRig();
    const query = '{ apps { title mode } app { title tags } }';
    await Promise.all(Array.from({ length: 20 }, () => rig.query(query)));
    expect(rig.requests.filter(({ path }) => path === '/v1/info')).toHaveLength(rig.sandbox.apps.length);
  });

  test('are listed while Dify is down, of unknown mode and under their configured names', async () => {
    await using rig = await openRig();
    await rig.sandbox.close();
    const { apps } = dataOf(await rig.query('{ apps { name title description mode tags } }'));
    expect(apps).toHaveLength(rig.sandbox.apps.length);
    expect(apps[3]).toEqual({
      name: 'concierge',
      title: 'concierge',
      description: rig.sandbox.apps[3]?.description,
      mode: 'UNKNOWN',
      tags: [],
    });
  });

  test('have conversations of their own', async () => {
    await using rig = await openRig();
    await rig.query('mutation { chat(input: { query: "!echo a", app: "thinker" }) { answer } }');
    const query =
      '{ apps { name mode } app(name: "thinker") { conversations { nodes { app { name } } } } other: app { conversations { nodes { id } } } }';
    const { app, other } = dataOf(await rig.query(query));
    expect(app.conversations.nodes).toEqual([{ app: { name: 'thinker' } }]);
    expect(other.conversations.nodes).toEqual([]);
  });

  test('without conversations say so', async () => {
    await using rig = await openRig();
    const result = await rig.query('{ app(name: "summarize") { conversations { nodes { id } } } }');
    expect(codesOf(result)).toEqual(['WRONG_APP_MODE']);
  });
});
