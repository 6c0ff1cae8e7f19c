import { describe, expect, test } from 'vitest';
import { codesOf, dataOf, eventsOf } from '../graphql/answers.ts';
import { openFakeApp } from '../graphql/fake-app.ts';
import { frame, openSse, sendJson } from '../dify/fake-server.ts';
import { openRig, type Data } from '../rig.ts';
import { ask, uploaded } from './carrying.ts';

const conversation = 'c0de0000-0003-4000-8000-000000000001';
const messageId = '3e550000-0003-4000-8000-000000000001';
const tool = '7001f11e-0003-4000-8000-000000000001';
const at = (sign: string) => `https://dify.inside:5001/files/tools/${tool}.png?timestamp=1&nonce=2&sign=${sign}`;
const of = { conversation_id: conversation, message_id: messageId, task_id: 't', created_at: 1 };

const ours = /\/files\/[a-z]+\/[0-9a-f-]{36}\?ticket=[\w.-]+/g;
const urlsIn = (value: unknown) => JSON.stringify(value).match(ours) ?? [];

const chatStream = `subscription ($app: ID!, $query: String!, $key: ID!, $after: Int) {
  chatStream(input: { app: $app, query: $query, idempotencyKey: $key }, after: $after) {
    __typename seq
    ... on RunAttached { text reasoning }
    ... on TextDelta { offset text }
    ... on TextReplaced { text }
    ... on AgentStepChanged { step { thought observation toolInput } }
    ... on RunFinished { error { message } run { ... on ChatRun {
      conversationId answer message { answer rawAnswer reasoning agentSteps { thought observation } } } } }
  }
}`;

const history = `query ($app: ID!, $id: ID!) {
  conversationHistory(app: $app, conversationId: $id) {
    nodes { answer rawAnswer reasoning inputs error agentSteps { thought observation toolInput } citations { content } }
  }
}`;

/** The text that these events make of the text before them. */
function textOf(events: readonly Data[], before = ''): string {
  return events.reduce((text, { __typename: type, offset, text: piece }) => {
    if (type === 'TextDelta') return text.slice(0, offset as number) + String(piece);
    return type === 'TextReplaced' ? String(piece) : text;
  }, before);
}

describe('a picture that an app puts into its text', () => {
  test.each(['assistant', 'concierge', 'researcher', 'companion', 'thinker'])(
    'of %s has an address of ours, live, in the end, on resuming and in the history',
    async (app) => {
      await using rig = await openRig({ sandbox: { version: '1.16.2' } });
      const variables = { app, query: '!picture Tea, please', key: 'k' };
      const events = eventsOf(await rig.collect(chatStream, variables, 'ann'), 'chatStream');
      const text = textOf(events);
      const run = (events.at(-1) as Data)['run'] as Data;
      expect(text).toMatch(
        /\n\n!\[A cup of tea\]\(\/files\/[a-z]+\/[0-9a-f-]{36}\?ticket=[\w.-]+\)\n\nThere you are\./,
      );
      expect(run['answer']).toBe(text);
      const { conversationHistory } = dataOf(await rig.query(history, { app, id: run['conversationId'] }, 'ann'));
      expect(conversationHistory.nodes).toMatchObject([{ answer: expect.stringContaining('![A cup of tea](/files/') }]);
      expect(JSON.stringify([events, conversationHistory])).not.toMatch(/sign=|timestamp=|nonce=/);
      for (const urls of [urlsIn(events), urlsIn(conversationHistory)]) {
        expect(urls.length).toBeGreaterThan(0);
        for (const url of new Set(urls)) {
          const response = await fetch(new URL(url, rig.url));
          expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
          expect((await response.arrayBuffer()).byteLength).toBe(70);
        }
      }
      for (let after = 0; after < events.length; after += 1) {
        const seen = textOf(events.filter(({ seq }) => (seq as number) <= after));
        const rest = eventsOf(await rig.collect(chatStream, { ...variables, after }, 'ann'), 'chatStream');
        expect(textOf(rest, seen)).toBe(text);
      }
      expect(rig.generations()).toHaveLength(1);
    },
  );

  test('is read at its address from whatever piece on the address was cut', async () => {
    await using rig = await openRig();
    const { app } = { app: 'assistant' };
    const answer = `a ![x](${rig.sandbox.url.replace('/v1', '')}/files/tools/${tool}.png?timestamp=1&nonce=2&sign=sandbox) b`;
    const say = (piece: string) => `data: ${JSON.stringify({ event: 'message', ...of, answer: piece })}\n\n`;
    const end = `data: ${JSON.stringify({ event: 'message_end', ...of, metadata: {} })}\n\n`;
    for (let cut = 1; cut < answer.length; cut += 7) {
      const pieces = [answer.slice(0, cut), answer.slice(cut)];
      rig.sandbox.script(app, { steps: [...pieces.map((piece) => ({ write: say(piece) })), { write: end }] });
      const events = eventsOf(await rig.collect(chatStream, { app, query: 'a', key: `k${cut}` }), 'chatStream');
      const text = textOf(events);
      expect(text).toMatch(/^a !\[x\]\(\/files\/assistant\/[^)]+\) b$/);
      expect(JSON.stringify(events)).not.toContain('sign=');
      const [url = ''] = urlsIn(text);
      expect((await fetch(new URL(url, rig.url))).status).toBe(200);
    }
  });

  test('is read by the signature in its message once that of the run is too old', async () => {
    const asked: string[] = [];
    const record = { id: messageId, query: 'q', answer: `Old ![a](${at('new')})`, created_at: 1, message_files: [] };
    await using app = await openFakeApp({
      '/chat-messages': (exchange) =>
        openSse(exchange).end(
          frame({ event: 'message', ...of, answer: `New ![a](${at('old')})` }) + frame({ event: 'message_end', ...of }),
        ),
      '/messages': { limit: 100, has_more: false, data: [record] },
      [`/files/tools/${tool}.png`]: (exchange) => {
        const sign = new URL(exchange.request.url, 'http://x').searchParams.get('sign');
        asked.push(sign ?? '');
        if (sign !== 'new') return sendJson(exchange, 403, { code: 'forbidden', message: 'Invalid request.' });
        exchange.response.writeHead(200, { 'content-type': 'image/png' }).end('fresh');
        return undefined;
      },
    });
    const { chat } = dataOf(
      await app.query('mutation { chat(input: { query: "a", autoGenerateName: false }) { answer rawAnswer: answer } }'),
    );
    const [url = ''] = urlsIn(chat);
    expect(chat.answer).toBe(`New ![a](${url})`);
    expect(await (await ask(app, url)).text()).toBe('fresh');
    expect(asked).toEqual(['old', 'new']);
    const stored = dataOf(await app.query(history, { app: 'assistant', id: conversation }));
    expect(await (await ask(app, urlsIn(stored)[0] ?? '')).text()).toBe('fresh');
    expect(JSON.stringify([chat, stored])).not.toContain('sign=');
    expect(Buffer.from(String(url.split('ticket=')[1]), 'base64url').toString('latin1')).not.toMatch(/sign|old|inside/);
  });

  test('of a workflow is read as long as its run is kept and Dify’s signature lasts', async () => {
    await using rig = await openRig();
    const url = `${rig.sandbox.url.replace('/v1', '')}/files/tools/${tool}.png?timestamp=1&nonce=2&sign=sandbox`;
    const graph = (event: string, data: object) => frame({ event, task_id: 't', workflow_run_id: 'w', data });
    const [chunk, outputs] = [
      graph('text_chunk', { text: `![a](${url})` }),
      { status: 'succeeded', outputs: { a: url } },
    ];
    rig.sandbox.script('summarize', { steps: [{ write: chunk + graph('workflow_finished', outputs) }] });
    const run =
      'mutation { runWorkflow(input: { app: "summarize", inputs: { text: "a" } }) { outputs run { ... on WorkflowRun { text } } } }';
    const { runWorkflow } = dataOf(await rig.query(run, {}, 'ann'));
    const [own = ''] = urlsIn(runWorkflow.run);
    expect(runWorkflow).toMatchObject({ outputs: { a: own }, run: { text: `![a](${own})` } });
    expect((await fetch(new URL(own, rig.url))).headers.get('content-type')).toBe('image/png');
  });

  test('is not read by whoever changes its address', async () => {
    await using rig = await openRig();
    const run = dataOf(
      await rig.query('mutation { chat(input: { query: "!picture", autoGenerateName: false }) { answer } }'),
    );
    const [url = ''] = urlsIn(run);
    for (const changed of [url.replace('assistant', 'concierge'), url.replace(/[0-9a-f-]{36}/, tool), url.slice(0, -2)])
      expect((await ask(rig, changed)).status).toBe(404);
  });

  test('that a user talked a model into is not the upload of another', async () => {
    await using rig = await openRig();
    const id = await uploaded(rig, 'ann');
    const address = (sign: string) =>
      `${rig.sandbox.url.replace('/v1', '')}/files/${id}/file-preview?timestamp=1&nonce=2&sign=${sign}`;
    const echo =
      'mutation ($query: String!) { chat(input: { query: $query, autoGenerateName: false }) { answer conversationId } }';
    const { chat } = dataOf(await rig.query(echo, { query: `!echo ${address('guessed')}` }, 'eve'));
    expect((await ask(rig, urlsIn(chat)[0] ?? '')).status).toBe(404);
    // Dify signs the addresses in answers when they are read, whoever wrote them: the stand-in is told a good one.
    const { chat: signed } = dataOf(await rig.query(echo, { query: `!echo ${address('sandbox')}` }, 'eve'));
    const stored = dataOf(await rig.query(history, { app: 'assistant', id: signed.conversationId }, 'eve'));
    expect((await ask(rig, urlsIn(stored)[0] ?? '')).status).toBe(404);
  });
});

describe('what else Dify tells', () => {
  test('in a run has no address that Dify has signed', async () => {
    await using rig = await openRig({ nodeData: true });
    const text = `see ${at('x')} there`;
    const node = { id: 'n1', node_id: 'n', node_type: 'tool', title: text, index: 1 };
    const form = { form_id: 'f', node_id: 'n', node_title: 'F', form_content: text, inputs: [], actions: [] };
    const graph = (event: string, data: object) => ({ event, workflow_run_id: 'w', data });
    const frames = [
      graph('workflow_started', { id: 'w' }),
      {
        event: 'agent_thought',
        id: 's',
        position: 1,
        thought: text,
        observation: text,
        tool: 'a',
        tool_input: JSON.stringify({ a: text }),
      },
      graph('reasoning_chunk', { reasoning: text.slice(0, 50), node_id: 'n' }),
      graph('reasoning_chunk', { reasoning: text.slice(50), node_id: 'n', is_final: true }),
      graph('node_started', node),
      graph('node_finished', { ...node, status: 'failed', error: text, inputs: { a: [text] }, outputs: { text } }),
      graph('agent_log', { id: 'l', label: text, status: 'error', error: text, data: { text } }),
      { event: 'message', answer: `<think>${text}</think>${text}` },
      graph('human_input_required', form),
      graph('human_input_form_filled', { node_id: 'n', action_id: 'a' }),
      { event: 'news', data: { text, deep: [text, at('y')] } },
      { event: 'message_replace', answer: text, reason: text },
      { event: 'message_end', metadata: { retriever_resources: [{ content: text }] } },
      graph('workflow_finished', { id: 'w', status: 'failed', error: text, outputs: { answer: text } }),
    ];
    const write = frames.map((one) => frame({ ...of, ...one })).join('');
    rig.sandbox.script('concierge', { steps: [{ write }] });
    const query = `subscription {
      chatStream(input: { app: "concierge", query: "a", idempotencyKey: "k" }, after: 0) {
        __typename
        ... on TextDelta { text } ... on TextReplaced { text reason } ... on ReasoningDelta { text }
        ... on AgentStepChanged { step { thought observation toolInput } }
        ... on AgentLogged { label logError: error data }
        ... on NodeChanged { node { title error inputs outputs } }
        ... on RunPaused { forms { content } }
        ... on UnknownEvent { unknown: data }
        ... on RunFinished { error { message } run { error { message } ... on ChatRun {
          answer reasoning nodes { error inputs outputs }
          message { answer rawAnswer reasoning error citations { content } agentSteps { thought } } } } }
      }
    }`;
    const events = eventsOf(await rig.collect(query), 'chatStream');
    expect(JSON.stringify(events)).not.toMatch(/sign=|dify\.inside/);
    const shown = (events.at(-1) as Data)['run'];
    const [url = ''] = urlsIn(shown.answer);
    const own = `see ${url} there`;
    expect(shown).toMatchObject({
      error: { message: own },
      answer: own,
      nodes: [{ error: own, inputs: { a: [own] }, outputs: { text: own } }],
      message: { answer: own, error: own, citations: [{ content: own }], agentSteps: [{ thought: own }] },
    });
    expect(shown.reasoning).toBe(`${own}\n\n${own}`);
    expect(events.find(({ __typename }) => __typename === 'UnknownEvent')).toMatchObject({
      unknown: { data: { text: own, deep: [own, expect.stringContaining('?ticket=')] } },
    });
  });

  test('in what it has stored has none, either; where its file cannot be found it leads nowhere', async () => {
    const text = `see ${at('x')} there`;
    const step = { id: 's', position: 1, thought: text, tool: 'a', tool_input: text, observation: text, files: [] };
    const message = {
      id: messageId,
      conversation_id: conversation,
      query: `my ${at('q')}`,
      answer: `<think>${text}</think>${text}`,
    };
    await using app = await openFakeApp({
      '/': { server_version: '1.16.1' },
      '/messages': {
        limit: 20,
        has_more: false,
        data: [
          {
            ...message,
            inputs: { text, url: at('x') },
            error: text,
            created_at: 1,
            agent_thoughts: [step],
            retriever_resources: [{ content: text }],
          },
        ],
      },
      '/conversations': {
        limit: 20,
        has_more: false,
        data: [{ id: conversation, name: 'n', inputs: { text, url: at('x') } }],
      },
      [`/conversations/${conversation}/variables`]: {
        limit: 20,
        has_more: false,
        data: [{ id: 'v', name: 'v', value_type: 'string', value: text }],
      },
      '/apps/annotations': {
        data: [{ id: 'a', question: text, answer: text }],
        has_more: false,
        total: 1,
        page: 1,
        limit: 20,
      },
      '/workflows/logs': {
        data: [{ id: 'l', workflow_run: { id: tool, status: 'failed', error: text } }],
        has_more: false,
        page: 1,
        limit: 20,
        total: 1,
      },
      [`/workflows/run/${tool}`]: {
        id: tool,
        status: 'failed',
        error: text,
        inputs: { text },
        outputs: { text, url: at('x') },
      },
    });
    const { conversationHistory } = dataOf(await app.query(history, { app: 'assistant', id: conversation }));
    const [url = ''] = urlsIn(conversationHistory);
    const own = `see ${url} there`;
    expect(conversationHistory.nodes).toEqual([
      {
        answer: own,
        rawAnswer: `<think>${own}</think>${own}`,
        reasoning: own,
        inputs: { text: own, url },
        error: own,
        agentSteps: [{ thought: own, observation: own, toolInput: own }],
        citations: [{ content: own }],
      },
    ]);
    const rest = dataOf(
      await app.query(
        `query ($run: ID!) {
          conversations { nodes { inputs variables { nodes { value } } } }
          annotations { nodes { question answer } }
          workflowLogs { nodes { run { error inputs outputs } } }
          workflowRunRecord(id: $run) { error inputs outputs }
        }`,
        { run: tool },
        'admin',
      ),
    );
    const nowhere = 'see about:blank there';
    const record = { error: nowhere, inputs: { text: nowhere }, outputs: { text: nowhere, url: null } };
    expect(rest).toEqual({
      conversations: { nodes: [{ inputs: { text: nowhere, url: null }, variables: { nodes: [{ value: nowhere }] } }] },
      annotations: { nodes: [{ question: nowhere, answer: nowhere }] },
      workflowLogs: { nodes: [{ run: record }] },
      workflowRunRecord: record,
    });
  });
});

describe('an app’s key that Dify echoes', () => {
  test.each<[string, (key: string) => object]>([
    ['in an error', (key) => ({ event: 'error', code: 'x', status: 400, message: `Bad ${key}.` })],
    [
      'in the error of a workflow',
      (key) => ({ event: 'workflow_finished', data: { status: 'failed', error: `Bad ${key}.` } }),
    ],
  ])('%s is hidden from everybody', async (_, said) => {
    await using rig = await openRig();
    const { key = '' } = rig.sandbox.apps.find(({ name }) => name === 'summarize') ?? {};
    expect(key).toMatch(/^app-/);
    rig.sandbox.script('summarize', { steps: [{ write: frame({ task_id: 't', ...said(key) }) }] });
    const run =
      'mutation { runWorkflow(input: { app: "summarize", inputs: { text: "a" } }) { run { error { message } } } }';
    const result = await rig.query(run);
    expect(dataOf(result)['runWorkflow'].run.error.message).toBe('Bad [hidden].');
    expect(JSON.stringify(result) + rig.logged.join('')).not.toContain(key);
    expect(codesOf(result)).toEqual([]);
  });
});
