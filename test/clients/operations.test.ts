import { parse, type DocumentNode } from 'graphql';
import { expect, test } from 'vitest';
import { applyRunEvent, noAnswer } from '../../examples/answer.ts';
import { openSocket } from '../../examples/socket.ts';
import { openUrql } from '../../examples/urql.ts';
import { schema } from '../../src/graphql/schema.ts';
import { openRig } from '../rig.ts';
import { clients, type TestClient } from './clients.ts';
import * as operations from './operations.generated.ts';
import { files, walks, type Person } from './walks.ts';

/** Of the three, the one that sends files without anything added: over HTTP, as GraphQL multipart requests. */
const sendsFiles = 'urql';

test.each(clients)(
  '%s runs every reference operation',
  async (name, open) => {
    // Quick, but not so quick that a run has ended before it can be stopped.
    await using rig = await openRig({ sandbox: { pace: 0.05, version: '1.16.2' } });
    await using anns = open(rig.url);
    await using admins = open(rig.url, 'admin');
    const names = new Set<string>();
    const walker = { ann: recorded(anns, names), admin: recorded(admins, names), url: rig.url };
    for (const walk of name === sendsFiles ? [...walks, files] : walks) await walk(walker);
    const unsent = name === sendsFiles ? [] : ['UploadFile', 'Transcribe'];
    expect([...names, ...unsent].toSorted()).toEqual(operationNames().toSorted());
  },
  20_000,
);

test('there is a reference operation for every field of the API’s roots', () => {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}));
  const used = Object.values<DocumentNode>(operations).flatMap((document) =>
    nameOf(document) ? fieldsOf(document) : [],
  );
  expect(fields.filter((field) => !used.includes(field))).toEqual([]);
});

test('urql reads a subscription over SSE just as well', async () => {
  await using rig = await openRig();
  const socket = openSocket(rig.url, 'ann');
  const client = openUrql(rig.url, 'ann', socket);
  const variables = { input: { query: '!echo Grüße 👋', idempotencyKey: crypto.randomUUID() } };
  const answer = await new Promise((resolve, reject) => {
    let folded = noAnswer;
    client.subscription(operations.ChatStreamDocument, variables, { fetchSubscriptions: true }).subscribe((result) => {
      if (!result.data) return reject(result.error!);
      folded = applyRunEvent(folded, result.data.chatStream);
      if (result.data.chatStream.__typename === 'RunFinished') resolve(folded);
    });
  });
  expect(answer).toMatchObject({ status: 'SUCCEEDED', text: 'Grüße 👋' });
});

/** The client, which adds to `names` those of the operations that it runs. */
function recorded(client: TestClient, names: Set<string>): Person {
  const note = (document: DocumentNode) => names.add(nameOf(document) ?? '');
  return {
    call(document, variables) {
      note(document);
      return client.call(document, variables);
    },
    follow(document, variables) {
      note(document);
      return client.follow(document, variables);
    },
    socket: {
      ...client.socket,
      iterate(payload) {
        note(parse(payload.query));
        return client.socket.iterate(payload);
      },
    },
  };
}

function operationNames(): string[] {
  return Object.values<DocumentNode>(operations).flatMap((document) => nameOf(document) ?? []);
}

/** Of an operation; fragments have none. */
function nameOf({ definitions: [first] }: DocumentNode): string | undefined {
  return first?.kind === 'OperationDefinition' ? first.name?.value : undefined;
}

function fieldsOf({ definitions: [first] }: DocumentNode): string[] {
  if (first?.kind !== 'OperationDefinition') return [];
  return first.selectionSet.selections.flatMap((one) => (one.kind === 'Field' ? one.name.value : []));
}
