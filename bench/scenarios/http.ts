import type { Table } from '../figures.ts';
import type { Requested, Requests } from '../load/requests.ts';
import { inTurn, pick } from '../rounds.ts';
import type { Scenario, Size } from '../scenario.ts';
import { instant } from '../script.ts';
import type { Measured, Stage } from '../stage.ts';

/** A kind of request, as GraphQL and as Dify knows it. */
interface Kind {
  readonly key: string;
  readonly title: string;
  readonly clients: number;
  readonly requests: number;
  readonly rounds: number;
  readonly graphql: object;
  readonly direct: { readonly path: string; readonly body: object | null };
}

/** Questions and reads over HTTP, beside what the upstream does when it is asked itself. */
export const http: Scenario = {
  name: 'http',
  short: true,
  async *play(stage, size) {
    const gatewayAndPeers = stage.everybody.filter(({ subject }) => subject !== 'relay');
    await using crew = await stage.crew(gatewayAndPeers);
    for (const kind of kinds(size)) yield await playKind(stage, kind, crew);
  },
};

async function playKind(stage: Stage, kind: Kind, crew: Awaited<ReturnType<Stage['crew']>>): Promise<Table> {
  // Once without being counted.
  await inTurn(crew, 1, (measured) => ask(stage, { ...kind, requests: Math.min(kind.requests, 300) }, measured));
  const direct: Requested[] = [];
  const played = await inTurn(crew, kind.rounds, async (measured) => {
    if (measured === crew.all[0]) direct.push(await askDirectly(stage, kind));
    return ask(stage, kind, measured);
  });
  const all = { direct: direct.map((one) => ({ ...one, cpu: 0 })), ...played };
  return {
    key: `http-${kind.key}`,
    title: `HTTP: ${kind.title}, ${kind.clients} clients, ${kind.requests} requests; ${kind.rounds} rounds`,
    rows: [
      { key: 'cpu', label: 'CPU per request, µs', values: pick(played, ({ cpu }) => cpu), base: 'gateway' },
      { key: 'rate', label: 'requests per second', values: pick(all, ({ perSecond }) => perSecond) },
      { key: 'p50', label: 'until the answer, p50, ms', values: pick(all, ({ ms }) => ms.p50) },
      { key: 'p99', label: 'the same, p99, ms', values: pick(all, ({ ms }) => ms.p99) },
    ],
  };
}

async function ask({ load }: Stage, { graphql, clients, requests }: Kind, { child, url }: Measured) {
  const before = await child.cpu();
  const order: Requests = { url, body: JSON.stringify(graphql), clients, requests, expected: '"data":{' };
  const requested = await load.call<Requested>('request', order);
  return { ...requested, cpu: ((await child.cpu()) - before) / requests };
}

function askDirectly({ load, source }: Stage, { direct, clients, requests }: Kind): Promise<Requested> {
  const body = direct.body && JSON.stringify(direct.body);
  const order: Requests = { url: source + direct.path, body, clients, requests, expected: '"answer"' };
  return load.call<Requested>('request', order);
}

function kinds(size: Size): readonly Kind[] {
  const isFull = size === 'full';
  const rounds = isFull ? 5 : 1;
  const requests = isFull ? 2_000 : 100;
  const reads = (last: number) => ({ key: `history-${last}`, ...history(last), clients: 16, requests, rounds });
  const waits = (clients: number) => ({
    key: `chat-200-${clients}`,
    ...chat('upstream takes 200 ms', 200),
    clients,
    requests: clients * (isFull ? 10 : 2),
    rounds: isFull ? 3 : 1,
  });
  return [
    { key: 'chat', ...chat('instant upstream', instant.pauseMs ?? 0), clients: 16, requests, rounds },
    waits(16),
    waits(256),
    reads(20),
    reads(100),
  ];
}

function chat(title: string, pauseMs: number) {
  const query = JSON.stringify({ ...instant, pauseMs });
  const operation = `mutation Ask($input: ChatInput!) { chat(input: $input) { answer conversationId messageId } }`;
  return {
    title: `\`chat\` that waits, ${title}`,
    graphql: { query: operation, variables: { input: { query, autoGenerateName: false } } },
    direct: { path: '/chat-messages', body: { query, inputs: {}, user: 'bench', response_mode: 'blocking' } },
  };
}

function history(last: number) {
  const conversationId = 'a529aa50-1b4f-43a7-a081-3a83c46bc510';
  const operation = `query History($conversationId: ID!, $last: Int) { conversationHistory(conversationId: $conversationId, last: $last)
    { nodes { id createdAt query answer } pageInfo { hasPreviousPage startCursor } } }`;
  return {
    title: `\`conversationHistory\` of ${last}`,
    graphql: { query: operation, variables: { conversationId, last } },
    direct: { path: `/messages?conversation_id=${conversationId}&user=bench&limit=${last}`, body: null },
  };
}
