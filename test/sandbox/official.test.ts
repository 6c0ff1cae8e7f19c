import { existsSync, readFileSync } from 'node:fs';
import { OpenAPIBackend, type Document } from 'openapi-backend';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { Client, type Json } from './client.ts';

const file = new URL('../../../shared/dify/openapi_service.json', import.meta.url);
const present = existsSync(file);
if (!present) {
  console.warn(
    'SKIPPED: the replies of the sandbox are not held to Dify’s OpenAPI description, which is not at',
    file.href,
  );
}

/** Where the description and the wire of 1.12.1 disagree (§1.36), the sandbox follows the wire. */
const known: readonly { readonly of: RegExp; readonly path: RegExp; readonly because: string }[] = [
  { of: /^getWorkflowRunDetail$/, path: /^\/outputs$/, because: '1.12 sends the outputs as JSON in a string' },
  { of: /^getWorkflowRunDetail unknown$/, path: /./, because: 'an unknown run is 200 with nulls (observed)' },
  { of: /WebAppSettings$/, path: /./, because: 'texts of a site may be null (row 15)' },
  { of: /Parameters$/, path: /^\/user_input_form/, because: 'its kinds of fields do not exclude each other (row 13)' },
  { of: / iteration_\w+$/, path: /^\/data\/id$/, because: 'containers go by the id of their node (recorded)' },
  { of: / node_finished$/, path: /total_price$/, because: 'prices are decimal strings (recorded)' },
];

/** The differences that were met: one that is met no more should go. */
const met = new Set<string>();

let backend: OpenAPIBackend;

beforeAll(async () => {
  if (!present) return;
  const definition = JSON.parse(readFileSync(file, 'utf8')) as Document;
  backend = new OpenAPIBackend({ definition: asReplies(definition), quick: true, customizeAjv: withFormats });
  await backend.init();
});

const formats = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  decimal: /^-?\d+(\.\d+)?(E[+-]?\d+)?$/,
  uri: /^https?:/,
  url: /^https?:/,
  binary: /./,
};

type Ajv = Parameters<NonNullable<ConstructorParameters<typeof OpenAPIBackend>[0]['customizeAjv']>>[0];

function withFormats(ajv: Ajv): Ajv {
  for (const [name, format] of Object.entries(formats)) ajv.addFormat(name, format);
  return ajv;
}

/** The description says of streams only that they are text: give each kind of frame an operation that answers with it. */
function asReplies(definition: Document): Document {
  const frames = Object.fromEntries(
    ['ChunkChatEvent', 'ChunkWorkflowEvent', 'ChunkCompletionEvent'].flatMap((chunk) => {
      const schemas = (definition.components?.schemas ?? {}) as unknown as Record<string, Json>;
      const { mapping } = (schemas[chunk]?.['discriminator'] ?? {}) as { mapping?: Record<string, string> };
      return Object.entries(mapping ?? {}).map(([event, $ref]) => {
        const content = { 'application/json': { schema: { $ref } } };
        const responses = { '200': { description: event, content } };
        return [`/frames/${chunk}/${event}`, { get: { operationId: `${chunk} ${event}`, responses } }];
      });
    }),
  );
  return { ...definition, paths: { ...definition.paths, ...frames } } as Document;
}

/** What the description has against a reply, without the differences that are known. */
function complaints(operation: string, reply: unknown, status = 200, kind = operation): string[] {
  if (backend.router.getOperation(operation) === undefined) return [`${operation} is not described`];
  const { errors } = backend.validateResponse(reply, operation, status);
  return (errors ?? [])
    .map((error) => ({ path: error.instancePath, text: `${operation} ${error.instancePath} ${error.message ?? ''}` }))
    .filter(({ path }) => {
      const exception = known.find((one) => one.of.test(kind) && one.path.test(path));
      if (exception !== undefined) met.add(exception.because);
      return exception === undefined;
    })
    .map(({ text }) => text);
}

describe.skipIf(!present)('the official description', () => {
  test('has nothing against any reply', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const assistant = new Client(sandbox, 'assistant');
    const concierge = new Client(sandbox, 'concierge');
    const summarize = new Client(sandbox, 'summarize');
    const copywriter = new Client(sandbox, 'copywriter');
    const asked = { query: 'When is breakfast?', inputs: {}, auto_generate_name: false };
    const blocking = await assistant.post('/chat-messages', asked);
    const chatflow = await concierge.post('/chat-messages', asked);
    const conversation_id = String(blocking.json['conversation_id']);
    const message = String(blocking.json['message_id']);
    const talk = String(chatflow.json['conversation_id']);
    const run = await summarize.post('/workflows/run', { inputs: { text: 'One. Two.' } });
    const variables = await concierge.get(`/conversations/${talk}/variables`);
    const variable = String((variables.json['data'] as Json[])[1]?.['id']);
    const set = { user: 'ann', value: 'x' };
    const unknown = '0516cbb8-e06a-49ef-9091-46a03e4a80b7';

    const replies: readonly (readonly [operation: string, reply: { status: number; json: Json }, kind?: string])[] = [
      ['sendChatMessage', blocking],
      ['sendChatMessage', chatflow],
      ['sendChatMessage', await assistant.post('/chat-messages', {})],
      ['sendChatMessage', await assistant.post('/chat-messages', { ...asked, conversation_id: unknown })],
      ['sendChatMessage', await assistant.post('/chat-messages', { ...asked, query: '!500' })],
      ['createCompletionMessage', await copywriter.post('/completion-messages', { inputs: { product: 'Tea' } })],
      ['createCompletionMessage', await copywriter.post('/completion-messages', { inputs: {} })],
      ['executeWorkflow', run],
      ['executeWorkflow', await summarize.post('/workflows/run', { inputs: { text: 'One. !fail' } })],
      ['executeWorkflow', await summarize.post('/workflows/run', { inputs: {} })],
      ['runWorkflowById', await summarize.post(`/workflows/${unknown}/run`, { inputs: { text: 'x' } })],
      ['getWorkflowRunDetail', await summarize.get(`/workflows/run/${String(run.json['workflow_run_id'])}`)],
      ['getWorkflowRunDetail', await summarize.get(`/workflows/run/${unknown}`), 'getWorkflowRunDetail unknown'],
      ['getWorkflowLogs', await summarize.get('/workflows/logs')],
      ['getWorkflowLogs', await summarize.get('/workflows/logs', { limit: '0' })],
      ['getConversationsList', await assistant.get('/conversations')],
      ['getConversationsList', await assistant.get('/conversations', { last_id: unknown })],
      ['getConversationHistory', await assistant.get('/messages', { conversation_id })],
      ['getConversationHistory', await concierge.get('/messages', { conversation_id: talk })],
      ['getConversationHistory', await assistant.get('/messages', { conversation_id: unknown })],
      ['getSuggestedQuestions', await assistant.get(`/messages/${message}/suggested`)],
      ['getSuggestedQuestions', await assistant.get(`/messages/${unknown}/suggested`)],
      ['getConversationVariables', variables],
      [
        'updateChatConversationVariable',
        await concierge.call('PUT', `/conversations/${talk}/variables/${variable}`, set),
      ],
      ['renameConversation', await assistant.post(`/conversations/${conversation_id}/name`, { name: 'x' })],
      ['renameConversation', await assistant.post(`/conversations/${conversation_id}/name`, {})],
      ...(await appReplies(sandbox)),
    ];
    const found = replies.flatMap(([operation, { json, status }, kind]) => complaints(operation, json, status, kind));
    expect(found).toEqual([]);
  });

  test('has nothing against any frame that it describes', async () => {
    await using sandbox = await openSandbox({ pace: 0 });
    const chat = (app: string, query: string) => new Client(sandbox, app).ask(query);
    const copy = { inputs: { product: 'Tea !tts' } };
    const streams = [
      ['ChunkChatEvent', await chat('assistant', 'help !tts')],
      ['ChunkChatEvent', await chat('assistant', '!error')],
      ['ChunkChatEvent', await chat('assistant', '!replace')],
      ['ChunkChatEvent', await chat('researcher', 'the moon !file')],
      ['ChunkChatEvent', await chat('concierge', 'When is breakfast?')],
      ['ChunkChatEvent', await chat('concierge', '!fail')],
      ['ChunkWorkflowEvent', await new Client(sandbox, 'summarize').run({ text: 'One. Two.' })],
      ['ChunkWorkflowEvent', await new Client(sandbox, 'summarize').run({ text: 'One. !fail' })],
      ['ChunkCompletionEvent', await new Client(sandbox, 'copywriter').stream('/completion-messages', copy)],
    ] as const;
    const found = new Set<string>();
    for (const [chunk, stream] of streams) {
      for (const event of await stream.events()) {
        for (const text of complaints(`${chunk} ${String(event['event'])}`, event)) found.add(text);
      }
    }
    expect([...found]).toEqual([]);
  });

  test('disagrees with the wire exactly where that is known', () => {
    expect([...met].toSorted()).toEqual(known.map(({ because }) => because).toSorted());
  });
});

/** The replies about each app itself. */
async function appReplies(sandbox: Sandbox): Promise<[string, { status: number; json: Json }][]> {
  const replies: [string, { status: number; json: Json }][] = [];
  for (const { name } of sandbox.apps) {
    const client = new Client(sandbox, name);
    replies.push(
      ['getChatAppInfo', await client.get('/info')],
      ['getChatAppParameters', await client.get('/parameters')],
      ['getChatAppMeta', await client.get('/meta')],
      ['getChatWebAppSettings', await client.get('/site')],
    );
  }
  return replies;
}
