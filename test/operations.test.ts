import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { openRig, type Rig } from './rig.ts';
import { program } from './server/carrying.ts';

/** The operations of Dify's Service API that an app's frontend needs. Ids and versions stand as `{}`. */
const operations = [
  'POST /chat-messages',
  'POST /chat-messages/{}/stop',
  'GET /messages/{}/suggested',
  'POST /files/upload',
  'GET /files/{}/preview',
  'GET /end-users/{}',
  'POST /messages/{}/feedbacks',
  'GET /app/feedbacks',
  'GET /conversations',
  'GET /messages',
  'GET /conversations/{}/variables',
  'POST /conversations/{}/name',
  'PUT /conversations/{}/variables/{}',
  'DELETE /conversations/{}',
  'POST /audio-to-text',
  'POST /text-to-audio',
  'GET /info',
  'GET /parameters',
  'GET /meta',
  'GET /site',
  'POST /apps/annotations',
  'GET /apps/annotations',
  'PUT /apps/annotations/{}',
  'DELETE /apps/annotations/{}',
  'POST /apps/annotation-reply/enable',
  'GET /apps/annotation-reply/enable/status/{}',
  'GET /workflows/run/{}',
  'GET /workflows/logs',
  'GET /form/human_input/{}',
  'POST /form/human_input/{}',
  'GET /workflow/{}/events',
  'POST /workflows/run',
  'POST /workflows/{}/run',
  'POST /workflows/tasks/{}/stop',
  'POST /completion-messages',
  'POST /completion-messages/{}/stop',
] as const;

/** Operation → the GraphQL fields and routes that were seen to send it. */
const sent = new Map<string, Set<string>>();

/** What is sent while `work` runs is sent by `field`. */
async function by<T>(rig: Rig, field: string, work: () => Promise<T>): Promise<T> {
  const before = rig.requests.length;
  const result = await work();
  for (const { method, path } of rig.requests.slice(before)) {
    const operation = `${method} ${template(path)}`;
    sent.set(operation, (sent.get(operation) ?? new Set()).add(field));
  }
  return result;
}

function template(path: string): string {
  return path
    .replace(/^\/v1/, '')
    .replace(/\/[0-9a-f]{8}-[0-9a-f-]{27,}/g, '/{}')
    .replace(/^(\/form\/human_input)\/.+/, '$1/{}');
}

async function ask(rig: Rig, field: string, document: string, variables: object = {}, user = 'admin'): Promise<any> {
  return by(rig, field, async () => {
    const { data, errors } = await rig.query(document, variables, user);
    expect(errors, field).toBeUndefined();
    return data;
  });
}

const audio = () => new File([Buffer.alloc(2_000, 7)], 'hello.mp3', { type: 'audio/mpeg' });
const png = () => new File([Buffer.from(PNG, 'base64')], 'dot.png', { type: 'image/png' });
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

async function multipart(rig: Rig, field: string, document: string, file: File): Promise<any> {
  return by(rig, field, async () => {
    const form = new FormData();
    form.set('operations', JSON.stringify({ query: document, variables: { file: null } }));
    form.set('map', JSON.stringify({ 0: ['variables.file'] }));
    form.set('0', file);
    const response = await fetch(rig.url, { method: 'POST', body: form, headers: { ...program, 'x-user': 'admin' } });
    const { data, errors } = (await response.json()) as any;
    expect(errors, field).toBeUndefined();
    return data;
  });
}

describe('every operation of an app’s API', () => {
  test('is reached through the gateway, over real sockets', async () => {
    await using rig = await openRig({ sandbox: { version: '1.16.2', relayIdleMs: 500 }, waits: { pollMs: 60_000 } });

    await ask(
      rig,
      'Query.apps',
      '{ apps { title mode inputs { variable } features { citations } site { title } toolIcons } }',
    );
    const { uploadFile } = await multipart(
      rig,
      'Mutation.uploadFile',
      'mutation ($file: File!) { uploadFile(app: "assistant", file: $file) { id } }',
      png(),
    );
    const input = { app: 'concierge', query: 'When is breakfast?', autoGenerateName: false };
    const CHAT =
      'mutation ($input: ChatInput!) { chat(input: $input) { conversationId messageId message { files { url } } run { status } } }';
    const { chat } = await ask(rig, 'Mutation.chat', CHAT, { input });
    const files = [{ upload: { id: uploadFile.id, type: 'IMAGE' } }];
    const seen = await ask(rig, 'Mutation.chat', CHAT, {
      input: { app: 'assistant', query: 'What is this?', files, autoGenerateName: false },
    });
    const { conversationId, messageId } = chat;
    await ask(rig, 'Query.conversations', '{ conversations(app: "concierge") { nodes { id } } }');
    const history = await ask(
      rig,
      'Query.conversationHistory',
      'query ($id: ID!) { conversationHistory(app: "assistant", conversationId: $id) { nodes { files { url } } } }',
      { id: seen.chat.conversationId },
    );
    const [{ url }] = history.conversationHistory.nodes.flatMap((node: any) => node.files);
    await by(rig, 'GET /files/{app}/{id}', async () => {
      const response = await fetch(new URL(url, rig.url), { headers: { 'x-user': 'admin' } });
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer()).toString('base64')).toBe(PNG);
    });
    await ask(
      rig,
      'Message.suggestedQuestions',
      'query ($id: ID!) { conversationHistory(app: "concierge", conversationId: $id) { nodes { suggestedQuestions } } }',
      { id: conversationId },
    );
    await ask(
      rig,
      'Mutation.rateMessage',
      'mutation ($id: ID!) { rateMessage(app: "concierge", messageId: $id, rating: LIKE, comment: "nice") { rating } }',
      { id: messageId },
    );
    await ask(rig, 'Query.feedbacks', '{ feedbacks(app: "concierge") { nodes { rating } } }');

    const CONVERSATION =
      'query ($id: ID!) { conversation(app: "concierge", id: $id) { variables { nodes { id name value } } } }';
    const { conversation } = await ask(rig, 'Conversation.variables', CONVERSATION, { id: conversationId });
    const text =
      conversation.variables.nodes.find(({ value }: any) => typeof value === 'string') ??
      conversation.variables.nodes[0];
    await ask(
      rig,
      'Mutation.setConversationVariable',
      'mutation ($c: ID!, $v: ID!, $value: JSON!) { setConversationVariable(app: "concierge", conversationId: $c, variableId: $v, value: $value) { value } }',
      { c: conversationId, v: text.id, value: text.value },
    );
    await ask(
      rig,
      'Mutation.renameConversation',
      'mutation ($id: ID!) { renameConversation(app: "concierge", conversationId: $id, name: "Breakfast") { name } }',
      { id: conversationId },
    );

    await multipart(
      rig,
      'Mutation.transcribe',
      'mutation ($file: File!) { transcribe(app: "assistant", audio: $file) { text } }',
      audio(),
    );
    const { speak } = await ask(
      rig,
      'Mutation.speak',
      'mutation { speak(input: { app: "assistant", text: "Guten Tag" }) { url } }',
    );
    await by(rig, 'GET /speech/{token}', async () => {
      const response = await fetch(new URL(speak.url, rig.url));
      expect([response.status, (await response.arrayBuffer()).byteLength > 100]).toEqual([200, true]);
    });

    const { createAnnotation } = await ask(
      rig,
      'Mutation.createAnnotation',
      'mutation { createAnnotation(app: "assistant", question: "Q?", answer: "A.") { id } }',
    );
    await ask(rig, 'Query.annotations', '{ annotations(app: "assistant") { nodes { id question } } }');
    await ask(
      rig,
      'Mutation.updateAnnotation',
      'mutation ($id: ID!) { updateAnnotation(app: "assistant", id: $id, question: "Q?", answer: "B.") { answer } }',
      createAnnotation,
    );
    await ask(
      rig,
      'Mutation.deleteAnnotation',
      'mutation ($id: ID!) { deleteAnnotation(app: "assistant", id: $id) }',
      createAnnotation,
    );
    const { setAnnotationReply } = await ask(
      rig,
      'Mutation.setAnnotationReply',
      'mutation { setAnnotationReply(app: "assistant", enabled: true, scoreThreshold: 0.9, embeddingProvider: "p", embeddingModel: "m") { id } }',
    );
    await ask(
      rig,
      'Query.annotationReplyJob',
      'query ($id: ID!) { annotationReplyJob(app: "assistant", action: ENABLE, jobId: $id) { status } }',
      setAnnotationReply,
    );

    const RUN =
      'mutation ($input: RunWorkflowInput!) { runWorkflow(input: $input) { status run { id workflowRunId status forms { id fields { name type options } } } } }';
    const { runWorkflow } = await ask(rig, 'Mutation.runWorkflow', RUN, {
      input: { app: 'summarize', inputs: { text: 'One. Two.' } },
    });
    await ask(
      rig,
      'Query.workflowRunRecord',
      'query ($id: ID!) { workflowRunRecord(app: "summarize", id: $id) { status } }',
      { id: runWorkflow.run.workflowRunId },
    );
    await ask(rig, 'Query.workflowLogs', '{ workflowLogs(app: "summarize") { nodes { run { id } createdAt } } }');
    const version = rig.sandbox.apps.find(({ name }) => name === 'summarize')?.versions[0];
    await ask(rig, 'Mutation.runWorkflow', RUN, {
      input: { app: 'summarize', inputs: { text: 'One.' }, workflowId: version },
    });

    const asked = await ask(rig, 'Mutation.runWorkflow', RUN, {
      input: { app: 'approval', inputs: { topic: 'Cake' }, waitMs: 300 },
    });
    await expect
      .poll(async () => (await rig.query('{ pendingForms { id } }', {}, 'admin')).data?.['pendingForms'])
      .toHaveLength(1);
    const { pendingForms } = await ask(
      rig,
      'Query.pendingForms',
      '{ pendingForms { id fields { name type options } } }',
    );
    const inputs = Object.fromEntries(
      pendingForms[0].fields
        .filter(({ type }: any) => type !== 'file')
        .map(({ name, options }: any) => [name, options?.[0] ?? 'fine']),
    );
    await by(rig, 'Mutation.submitHumanInput', async () => {
      await ask(
        rig,
        'Mutation.submitHumanInput',
        'mutation ($input: SubmitHumanInputInput!) { submitHumanInput(input: $input) { run { id } } }',
        { input: { formId: pendingForms[0].id, action: 'approve', inputs } },
      );
      const run = () =>
        rig.query('query ($id: ID!) { run(id: $id) { status } }', { id: asked.runWorkflow.run.id }, 'admin');
      await expect.poll(async () => (await run()).data).toEqual({ run: { status: 'SUCCEEDED' } });
    });

    await ask(
      rig,
      'Mutation.complete',
      'mutation { complete(input: { app: "copywriter", inputs: { product: "a tent" } }) { answer } }',
    );
    const user = 'admin';
    for (const [app, start] of [
      [
        'assistant',
        'mutation { started: chat(input: { app: "assistant", query: "!noend", waitMs: 200 }) { run { id lastSeq } } }',
      ],
      [
        'copywriter',
        'mutation { started: complete(input: { app: "copywriter", inputs: { product: "!noend" }, waitMs: 200 }) { run { id lastSeq } } }',
      ],
      [
        'summarize',
        'mutation { started: runWorkflow(input: { app: "summarize", inputs: { text: "One. !noend" }, waitMs: 200 }) { run { id lastSeq } } }',
      ],
    ] as const) {
      const { data } = await rig.query(start, {}, user);
      const { id } = (data as any).started.run;
      await expect
        .poll(
          async () =>
            ((await rig.query('query ($id: ID!) { run(id: $id) { lastSeq } }', { id }, user)).data as any).run.lastSeq,
          { message: app },
        )
        .toBeGreaterThan(0);
      await ask(rig, 'Mutation.stopRun', 'mutation ($id: ID!) { stopRun(runId: $id, waitMs: 100) { confirmed } }', {
        id,
      });
    }
    const { feedbacks } = await ask(rig, 'Query.feedbacks', '{ feedbacks(app: "concierge") { nodes { endUserId } } }');
    await ask(rig, 'Query.endUser', 'query ($id: ID!) { endUser(app: "concierge", id: $id) { id } }', {
      id: feedbacks.nodes[0].endUserId,
    });

    await ask(
      rig,
      'Mutation.deleteConversation',
      'mutation ($id: ID!) { deleteConversation(app: "concierge", conversationId: $id) }',
      { id: conversationId },
    );

    expect(operations.filter((operation) => !sent.has(operation))).toEqual([]);
  });

  test('stands in the README’s table with what sends it', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    expect(/<!-- operations -->\n([^]*?)<!-- \/operations -->/.exec(readme)?.[1]).toBe(table());
  });

  afterAll(() => void process.stdout.write(table()));
});

function table(): string {
  const rows = operations.map(
    (operation) => `| \`${operation}\` | ${[...(sent.get(operation) ?? [])].toSorted().join(', ') || '—'} |`,
  );
  return `\n| Dify’s operation | sent by |\n| --- | --- |\n${rows.join('\n')}\n\n`;
}
