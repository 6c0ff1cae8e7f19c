import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  Kind,
  OperationTypeNode,
  parse,
  print,
  validate,
  visit,
  type DefinitionNode,
  type OperationDefinitionNode,
} from 'graphql';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Dify } from '../../../src/dify/dify.ts';
import { schema } from '../../../src/graphql/schema.ts';
import { contextFor } from '../../../src/graphql/context.ts';
import { MemoryLog } from '../../../src/runs/memory-log.ts';
import { MemoryNotes } from '../../../src/runs/notes.ts';
import { Runs } from '../../../src/runs/runs.ts';
import { Tickets } from '../../../src/runs/ticket.ts';
import { Uploads } from '../../../src/runs/uploads.ts';
import { UserFiles } from '../../../src/runs/user-files.ts';
import { everyKind, manyEpochs } from '../../runs/histories.ts';
import { begin, type Part } from '../../runs/run-writer.ts';
import { openBothWays, type BothWays } from './both-ways.ts';
import { randomEvents } from './random-events.ts';
import { selections } from './selections.ts';

// Two servers are asked at two moments: what tells the time tells the same.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 1_795_329_892_000 }));
afterEach(() => void vi.useRealTimers());

interface Stage extends AsyncDisposable {
  readonly ways: BothWays;
  /** Writes a run, and returns its id. */
  write(parts: readonly Part[]): Promise<string>;
}

/** Both servers before one log; no app is served, so that what asks Dify is an error. */
async function openStage(): Promise<Stage> {
  const logger = pino({ level: 'silent' });
  const open = new AsyncDisposableStack();
  const dify = open.use(new Dify([], logger));
  const log = open.use(new MemoryLog());
  const runs = open.use(new Runs(dify, log, logger));
  const uploads = new Uploads(dify, runs, new Set(), new MemoryNotes());
  const files = new UserFiles({ dify, runs, uploads, tickets: new Tickets('secret') }, 60_000);
  const services = { dify, runs, uploads, files, urlBase: 'https://gateway.example', logger, apps: [], defaultApp: '' };
  const ways = open.use(await openBothWays(schema, (visit) => contextFor(services as never, visit)));
  return {
    ways,
    async write(parts) {
      const { writer } = await begin(log);
      await writer.write(...parts);
      return writer.header.id;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

test(
  'clients get the same bytes either way, whatever they select and whatever happens',
  { timeout: 120_000 },
  async () => {
    await using stage = await openStage();
    const histories = [everyKind, manyEpochs, ...fc.sample(randomEvents, { numRuns: 40, seed: 1 })];
    const ids = await Promise.all(histories.map((history) => stage.write(history)));
    let pairs = 0;
    const property = fc.asyncProperty(
      fc.nat(ids.length - 1),
      selections(schema, 'runEvents', '(runId: $id, after: 0)'),
      async (which, query) => {
        const asked = query.replace('(', '($id: ID!, ');
        fc.pre(validate(schema, parse(asked)).length === 0);
        const { fast, ordinary } = await stage.ways.frames(asked, { id: ids[which], no: false });
        expect(fast).toEqual(ordinary);
        expect(fast.at(-1)).toContain('"complete"');
        pairs += fast.length - 1;
      },
    );
    await fc.assert(property, { numRuns: 1_500, seed: 7, maxSkipsPerRun: 100 });
    expect(pairs).toBeGreaterThan(10_000);
    const fast = stage.ways.told.reduce((sum, told) => sum + told.fast, 0);
    // Mostly they went the fast way: otherwise nothing is proven.
    expect(fast / pairs).toBeGreaterThan(0.8);
  },
);

const operations = new URL('../../../schema/operations/', import.meta.url);
const texts = readdirSync(operations).map((name) => readFileSync(new URL(name, operations), 'utf8'));
const known = parse(texts.join('\n')).definitions;
const subscriptions = known.filter(
  (definition) =>
    definition.kind === Kind.OPERATION_DEFINITION && definition.operation === OperationTypeNode.SUBSCRIPTION,
);

/** What an operation selects of a run's events, asked of a run that is there. */
function ofKeptRun(operation: DefinitionNode): string | null {
  const [root] = (operation as OperationDefinitionNode).selectionSet.selections;
  if (root?.kind !== Kind.FIELD || root.name.value === 'conversationEvents') return null;
  const told = `subscription ($id: ID!) { runEvents(runId: $id, after: 0) ${print(root.selectionSet!)} }`;
  const definitions = [...parse(told).definitions];
  for (const definition of definitions)
    visit(definition, {
      FragmentSpread: ({ name }) => {
        const used = known.find((one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === name.value);
        if (used && !definitions.includes(used)) definitions.push(used);
      },
    });
  return definitions.map((definition) => print(definition)).join('\n');
}

test('so do those who use the reference operations', async () => {
  await using stage = await openStage();
  const ids = await Promise.all([everyKind, manyEpochs].map((history) => stage.write(history)));
  const queries = subscriptions.flatMap((operation) => ofKeptRun(operation) ?? []);
  expect(queries.length).toBeGreaterThan(3);
  for (const query of queries) {
    for (const id of ids) {
      const { fast, ordinary } = await stage.ways.frames(query, { id });
      expect(fast).toEqual(ordinary);
      expect(fast.length).toBeGreaterThan(10);
    }
  }
  // Of each run its first event and those of files: to name one may take a look at Dify.
  for (const { ordinary, why } of stage.ways.told) {
    expect(ordinary).toBeLessThan(3);
    expect(why).toBe('MessageFile.name is asynchronous');
  }
});
