import { randomUUID } from 'node:crypto';
import type { AuthConfig } from '../config/auth-config.ts';
import type { DifyApp } from '../dify/dify-app.ts';
import type { InputField } from '../dify/parameters.ts';
import { contextFor, type Context, type Services } from '../graphql/context.ts';
import { isEnded } from '../runs/run-state.ts';
import { runIdOf } from '../runs/question.ts';
import { pageUser } from '../server/graphiql.ts';
import { literal, type ExampleInputs, type Examples, type Yours } from '../server/graphiql/examples.ts';
import { visitOf, type Identify } from '../server/viewer.ts';

/** What GraphiQL's tabs show: apps by what Dify says of them, and what there is already of whoever opens the page. */
export async function examples(
  services: Services,
  identify: Identify,
  header: (name: string) => string | null | undefined,
): Promise<Examples> {
  const identity = await Promise.resolve({ header })
    .then(identify)
    .catch(() => null);
  if (!identity) return nobodyKnows;
  const context = contextFor(services, visitOf(identity, AbortSignal.timeout(PAGE_MS)));
  const { dify, apps, defaultApp } = context;
  const names = [defaultApp, ...apps.map(({ name }) => name).filter((name) => name !== defaultApp)];
  const [known, yours] = await Promise.all([
    Promise.all(names.flatMap((name) => dify.app(name) ?? []).map(described)),
    yoursOf(context),
  ]);
  const first = (fits: (app: Described) => boolean) => known.find(fits);
  const name = (app: Described | undefined) => app?.name ?? null;
  const isChat = ({ mode }: Described) => mode !== 'workflow' && mode !== 'completion';
  const isWorkflow = ({ mode }: Described) => mode === 'workflow';
  const takesTexts = ({ form }: Described) => !form.some(({ required, type }) => required && type.startsWith('file'));
  return {
    chat: name(first(isChat)),
    chatflow: name(first(({ mode }) => mode === 'advanced-chat')),
    workflow: inputsOf(first((app) => isWorkflow(app) && takesTexts(app)) ?? first(isWorkflow)),
    completion: inputsOf(first(({ mode }) => mode === 'completion')),
    // Nothing tells what asks a person before it does: known of the demo's own app only.
    approval: inputsOf(first((app) => isWorkflow(app) && app.name === 'approval')),
    speaker: name(first(({ speaks }) => speaks)),
    narrator: name(first((app) => isChat(app) && app.autoPlays)),
    fileTaker: name(first((app) => isChat(app) && app.takesFiles)),
    yours,
  };
}

interface Described {
  readonly name: string;
  readonly mode: string;
  readonly form: readonly InputField[];
  readonly speaks: boolean;
  readonly autoPlays: boolean;
  readonly takesFiles: boolean;
}

/** What cannot be asked now is taken for a plain chat app. */
async function described(app: DifyApp): Promise<Described> {
  const [info, parameters] = await Promise.all([
    app.info().catch(() => undefined),
    app.parameters().catch(() => undefined),
  ]);
  const features = parameters?.features;
  return {
    name: app.name,
    mode: info?.mode ?? 'chat',
    form: parameters?.inputs ?? [],
    speaks: features?.textToSpeech.enabled ?? false,
    autoPlays: parameters?.autoPlay ?? false,
    takesFiles: features?.fileUpload.enabled ?? false,
  };
}

/** Inputs that fit what the form requires, as far as it tells. */
function inputsOf(app: Described | undefined): ExampleInputs | null {
  if (!app) return null;
  const filled = app.form.filter(isAskedFor).map((field) => `${field.variable}: ${valueOf(field)}`);
  return { app: app.name, inputs: `{ ${filled.join(', ')} }` };
}

function isAskedFor({ required, variable }: InputField): boolean {
  return required && /^[A-Za-z_]\w*$/.test(variable);
}

function valueOf({ type, variable, label, options }: InputField): string {
  if (type === 'number') return '1';
  if (type === 'checkbox') return 'true';
  if (type === 'select') return literal(options[0] ?? '');
  if (type === 'json_object') return '{}';
  if (type === 'file' || type === 'file-list') return 'null';
  return literal(TEXTS[variable] ?? label);
}

/** For the demo's own apps. */
const TEXTS: Readonly<Record<string, string>> = {
  text: 'GraphQL is a query language for APIs. Subscriptions push results as they happen. A log makes them resumable.',
  product: 'a tent for two',
  topic: 'the summer party',
};

const nobodys: Yours = { isAdmin: false, run: null, answer: null, workflowRun: null, form: null, long: null };

/** How long the page may take, in ms. */
const PAGE_MS = 60_000;

/** For whom nothing may be named: a page that is opened has no credentials yet. */
const nobodyKnows: Examples = {
  chat: 'the name of an app',
  chatflow: null,
  workflow: null,
  completion: null,
  approval: null,
  speaker: null,
  narrator: null,
  fileTaker: null,
  yours: nobodys,
};

/** Of whoever the page will speak for. */
async function yoursOf({ runs, viewer, scopes }: Context): Promise<Yours> {
  try {
    const states = (await runs.list()).map(({ state }) => state);
    const answer = states.find((state) => state.header.kind === 'CHAT' && state.messageId !== null && isEnded(state));
    const { header, messageId, conversationId } = answer ?? {};
    const workflowRun = states.find((state) => state.header.kind === 'WORKFLOW' && state.workflowRunId !== null);
    const key = randomUUID();
    return {
      isAdmin: scopes.includes('admin'),
      run: states[0]?.header.id ?? null,
      answer:
        header && messageId && conversationId ? { app: header.app, run: header.id, messageId, conversationId } : null,
      workflowRun: workflowRun?.workflowRunId
        ? { app: workflowRun.header.app, recordId: workflowRun.workflowRunId }
        : null,
      form: states.flatMap(({ forms }) => Array.from(forms.keys()))[0] ?? null,
      long: { key, runId: runIdOf(viewer, key) },
    };
  } catch {
    return nobodys;
  }
}

/** What the page sends with every operation, until somebody fills it in. */
export function pageHeadersFor({ jwt, apiKeys, proxy }: AuthConfig): Readonly<Record<string, string>> {
  if (jwt.length > 0 || apiKeys.length > 0) return { authorization: 'Bearer your-token' };
  return proxy ? {} : { 'x-user': pageUser };
}
