import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { ask } from '../../examples/graphql-ws.ts';
import { openSocket } from '../../examples/socket.ts';
import { openGateway, openRig } from '../rig.ts';
import { clients } from './clients.ts';
import { keptPort } from './port.ts';
import { openProxy } from './proxy.ts';
import { Screen } from './screen.ts';
import { stage } from './stage.ts';

/** How long the gateway is away: longer than a client's first few attempts. */
const restartMs = 4_000;

describe.concurrent.each(clients)('%s', (_, open) => {
  test('goes on by itself when its connection is cut, and has asked once', async () => {
    await using rig = await openRig();
    await using proxy = await openProxy(rig.url);
    const one = stage(rig.sandbox, 'assistant', ['Grüße ', 'aus der ', 'Ferne 👋']);
    const two = stage(rig.sandbox, 'thinker', ['Me ', 'too']);
    await using client = open(proxy.url);
    const [screen, other] = [new Screen(), new Screen()];
    const answers = Promise.all([
      client.ask({ query: 'Hello?' }, screen.show),
      client.ask({ app: 'thinker', query: 'And you?' }, other.show),
    ]);
    await Promise.all([screen.reads('Grüße '), other.reads('Me ')]);
    proxy.cut();
    one.next();
    await screen.reads('Grüße aus der ');
    one.next();
    two.next();
    expect(await answers).toMatchObject([
      { status: 'SUCCEEDED', text: 'Grüße aus der Ferne 👋' },
      { status: 'SUCCEEDED', text: 'Me too' },
    ]);
    expect(rig.generations()).toHaveLength(2);
    expect(proxy.connections).toBe(2);
  });

  test('comes back by itself to a gateway that was restarted, and ends with what that one answers', async () => {
    const port = await keptPort();
    await using rig = await openRig({ port });
    stage(rig.sandbox, 'assistant', ['A first answer that ', 'is never told to its end.']);
    stage(rig.sandbox, 'assistant', ['Another, ', 'whole one.']).next();
    // Dify has not even begun to answer this one.
    rig.sandbox.script('thinker', { steps: [{ hang: true }] });
    stage(rig.sandbox, 'thinker', ['Me ', 'too']).next();
    await using client = open(rig.url);
    const screen = new Screen();
    const answers = Promise.all([
      client.ask({ query: 'Hello?' }, screen.show),
      client.ask({ app: 'thinker', query: 'And you?' }),
    ]);
    await screen.reads('A first answer that ');
    await vi.waitFor(() => expect(rig.generations()).toHaveLength(2));
    await rig.gateway.close();
    // As long as a restart takes.
    await sleep(restartMs);
    await using _restarted = await openGateway(rig.sandbox, { port });
    expect(await answers).toMatchObject([
      { status: 'SUCCEEDED', text: 'Another, whole one.', error: null },
      { status: 'SUCCEEDED', text: 'Me too', error: null },
    ]);
    expect(rig.generations()).toHaveLength(4);
  });
});

test('a connection that falls silent is given up and made again', async () => {
  await using rig = await openRig();
  await using proxy = await openProxy(rig.url);
  const staged = stage(rig.sandbox, 'assistant', ['Are you ', 'still there?']);
  const socket = openSocket(proxy.url, 'ann', 100);
  const screen = new Screen();
  const answer = ask(socket, { query: 'Hello?' }, screen.show);
  await screen.reads('Are you ');
  proxy.freeze();
  staged.next();
  expect(await answer).toMatchObject({ status: 'SUCCEEDED', text: 'Are you still there?' });
  expect(rig.generations()).toHaveLength(1);
});

test('a gateway that closes tells its clients to connect again: 1012', async () => {
  await using rig = await openRig();
  stage(rig.sandbox, 'assistant', ['Half an ', 'answer']);
  const screen = new Screen();
  const answer = ask(rig.client({ retryAttempts: 0 }), { query: 'Hello?' }, screen.show);
  const refused = expect(answer).rejects.toMatchObject({ code: 1012 });
  await screen.reads('Half an ');
  await rig.gateway.close();
  await refused;
});
