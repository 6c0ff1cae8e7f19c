import { print } from 'graphql';
import { applyRunEvent, noAnswer, type Answer } from '../../examples/answer.ts';
import * as apollo from '../../examples/apollo.ts';
import { openSocket } from '../../examples/socket.ts';
import * as urql from '../../examples/urql.ts';
import { ActiveRunDocument, RunEventsDocument, type ChatInput } from './operations.generated.ts';

// An application's page: `?client=&url=&app=`, and `&conversation=` where it opens one, or `&run=` without a GraphQL client.

/** What this page uses of a browser. */
declare const document: { getElementById(id: string): { textContent: string; value: string; onclick: () => void } };
declare const location: { readonly search: string };
declare const sessionStorage: { getItem(name: string): string | null; setItem(name: string, text: string): void };
declare const EventSource: new (url: string) => {
  onmessage: (message: { readonly data: string }) => void;
  onerror: () => void;
  readonly readyState: number;
};

const wanted = Object.fromEntries(new URLSearchParams(location.search));
const { url = '', app = null, conversation, run } = wanted;
const user = 'ann';
const element = (id: string) => document.getElementById(id);

function show({ text, status }: Answer): void {
  element('answer').textContent = text;
  element('status').textContent = status;
}

function graphqlClient() {
  // Impatient: a test does not wait for half a minute to see that a network is gone.
  const socket = openSocket(url, user, 1_000);
  if (wanted['client'] === 'urql') {
    const client = urql.openUrql(url, user, socket);
    return {
      socket,
      ask: (question: ChatInput) => urql.ask(client, question, show),
      activeRun: async (variables: { app: string | null; conversationId: string }) =>
        (await client.query(ActiveRunDocument, variables).toPromise()).data?.conversation?.activeRun,
    };
  }
  const client = apollo.openApollo(url, user, socket);
  return {
    socket,
    ask: (question: ChatInput) => apollo.ask(client, question, show),
    activeRun: async (variables: { app: string | null; conversationId: string }) =>
      (await client.query({ query: ActiveRunDocument, variables })).data?.conversation?.activeRun,
  };
}

/** The name of a question outlives the page: asked again under it, the question is its running answer. */
async function openChat(): Promise<void> {
  const { socket, ask, activeRun } = graphqlClient();
  const asked = sessionStorage.getItem('question');
  if (asked !== null) void ask(JSON.parse(asked) as ChatInput);
  element('ask').onclick = () => {
    const question: ChatInput = { app, query: element('question').value, idempotencyKey: crypto.randomUUID() };
    sessionStorage.setItem('question', JSON.stringify(question));
    void ask(question);
  };
  if (conversation === undefined) return;
  const active = await activeRun({ app, conversationId: conversation });
  let answer = noAnswer;
  if (!active) return;
  const variables = { runId: active.id };
  for await (const { data } of socket.iterate({ query: print(RunEventsDocument), variables }))
    show((answer = applyRunEvent(answer, (data as { readonly runEvents: never }).runEvents)));
}

/** No library at all: the browser connects again, and says where it was. */
function openEvents(id: string): void {
  const source = new EventSource(new URL(`/runs/${id}/events`, url).href);
  let text = '';
  source.onmessage = ({ data }) => {
    const event = JSON.parse(data) as Record<string, never>;
    if (event['__typename'] === 'RunAttached' || event['__typename'] === 'TextReplaced') text = event['text'] ?? '';
    if (event['__typename'] === 'TextDelta') text = text.slice(0, event['offset']) + (event['text'] ?? '');
    element('answer').textContent = text;
    if (event['__typename'] === 'RunFinished') element('status').textContent = event['status'] ?? '';
  };
  source.onerror = () => (element('source').textContent = String(source.readyState));
}

let beats = 0;
setInterval(() => (element('beats').textContent = String((beats += 1))), 100);
if (run === undefined) void openChat();
else openEvents(run);
