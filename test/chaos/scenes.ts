import { setTimeout as sleep } from 'node:timers/promises';
import { watch } from './event-source.ts';
import type { Account } from './ledger.ts';
import { events, mutation, stop, stream, type Asked } from './operations.ts';
import type { Person } from './person.ts';
import { apps } from './question.ts';
import type { Reader } from './reader.ts';
import { Refused, request } from './socket.ts';

/** One thing a person does. Resolves when all who read are at the end. */
type Scene = (person: Person) => Promise<unknown>;

const plain: Scene = (person) => person.ask({ app: person.random.pick(apps) }).end;

/** A second reader from any point on, on another connection; some get the text in larger pieces. */
const watched: Scene = async (person) => {
  const { account, reader: asker, started, end } = person.ask({ app: person.random.pick(apps) });
  const { runId } = await started;
  await sleep(person.random.whole(0, 1_500));
  const after = person.random.chance(0.3) ? null : person.random.whole(0, asker.seq);
  const coalesceMs = person.random.chance(0.3) ? person.random.whole(50, 500) : 0;
  const reader = person.reader(account, 'watcher', { merges: coalesceMs > 0, after });
  await Promise.all([end, person.device().follow(events(runId, after, { coalesceMs }), reader)]);
};

const byEventSource: Scene = async (person) => {
  const { account, started, end } = person.ask({ app: person.random.pick(apps) });
  const { runId } = await started;
  const reader = person.reader(account, 'EventSource');
  await Promise.all([end, watch(person.url, person.user, runId, reader, person.ledger)]);
};

const stopped: Scene = async (person) => {
  const { account, started, end } = person.ask({ app: person.random.pick(apps) });
  const { runId } = await started;
  await sleep(person.random.whole(0, 2_500));
  account.stopAsked = true;
  await request(person.url, person.user, stop(runId), person.ledger);
  await end;
};

/** The same question from two devices at once: it is asked once. */
const twice: Scene = async (person) => {
  const { account, end } = person.ask({ app: person.random.pick(apps) });
  if (person.random.chance(0.5)) await sleep(person.random.whole(0, 2_000));
  const again = person.device().follow(stream(account.question), person.reader(account, 'second device'));
  await Promise.all([end, again, askAndWait(person, account)]);
};

/** Two questions to one conversation, which answers one after the other. */
const queued: Scene = async (person) => {
  const app = person.random.pick(['assistant', 'researcher', 'concierge'] as const);
  let conversationId: string | null = null;
  const opening = person.ask({ app }, (event) => (conversationId = event.conversationId ?? conversationId));
  await opening.end;
  if (conversationId === null) return person.ledger.count('conversations that did not come to be');
  const first = person.ask({ app, conversationId });
  await first.started;
  const second = person.ask({ app, conversationId });
  person.ledger.pairs.push([first.account, second.account]);
  return Promise.all([first.end, second.end]);
};

const byMutation: Scene = async (person) => {
  await askAndWait(person, person.open({ app: person.random.pick(apps) }));
};

async function askAndWait({ url, user, ledger }: Person, account: Account): Promise<void> {
  const operation = mutation(account.question, 20_000);
  for (let complete = false; !complete;) {
    const { asked } = await request<Asked>(url, user, operation, ledger);
    ledger.name(account, asked.run.id);
    ({ complete } = asked);
    if (
      complete &&
      asked.run.status === 'SUCCEEDED' &&
      asked.answer !== undefined &&
      asked.answer !== account.question.expected
    )
      ledger.violate('wrong answer', account, `“${asked.answer}” from the mutation`);
  }
}

/** Much text at once, to several readers, some of whom dawdle. */
const flood: Scene = async (person) => {
  const { account, started, end } = person.ask({ app: person.random.pick(apps), flood: true });
  const { runId } = await started;
  const readers: readonly Reader[] = [1, 2].map((one) => person.reader(account, `flooded ${one}`, { merges: true }));
  await Promise.all([end, ...readers.map((reader) => person.device().follow(events(runId, null), reader))]);
};

/** Somebody else's run is not there. */
const stolen: Scene = async (person) => {
  const { started, end } = person.ask({ app: 'assistant' });
  const { runId } = await started;
  const thief = person.thief();
  const [reader, socket] = [person.reader(thief.account, 'thief'), thief.socket];
  const refused = socket.follow(events(runId, null), reader).then(
    () => person.ledger.violate('stolen', thief.account, `${runId} could be read by ${thief.account.question.viewer}`),
    (error: unknown) => {
      if (!(error instanceof Refused && error.code === 'NOT_FOUND')) throw error;
      person.ledger.count('thefts refused');
    },
  );
  await Promise.all([refused, end]);
};

/** Some more often than others. */
export const scenes: readonly Scene[] = [
  plain,
  plain,
  plain,
  watched,
  watched,
  watched,
  byEventSource,
  byEventSource,
  stopped,
  stopped,
  twice,
  twice,
  queued,
  queued,
  byMutation,
  flood,
  stolen,
];
