import { fixedId } from './ids.ts';

/** One app of the sandbox, and the key that selects it. */
export interface SandboxApp {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Dify's name of the kind of app: `chat`, `agent-chat`, `advanced-chat`, `workflow`, `completion`. */
  readonly mode: string;
  readonly key: string;
}

/** One field of an app's input form. */
export interface FormField {
  readonly type: 'text-input' | 'paragraph' | 'select' | 'number';
  readonly variable: string;
  readonly label: string;
  readonly required: boolean;
  readonly maxLength?: number;
  readonly options?: readonly string[];
  readonly default?: string | number;
}

/** What the sandbox itself knows of an app. */
export interface App extends SandboxApp {
  readonly id: string;
  readonly workflowId: string;
  readonly icon: string;
  readonly form: readonly FormField[];
  readonly opening: string;
  readonly openers: readonly string[];
  /** Whether `/messages/{id}/suggested` answers. */
  readonly suggestsQuestions: boolean;
  readonly citesSources: boolean;
  readonly tools: readonly string[];
}

const plain = { form: [], opening: '', openers: [], suggestsQuestions: false, citesSources: false, tools: [] };

const tones = ['neutral', 'friendly', 'formal'];

const definitions = [
  {
    ...plain,
    name: 'assistant',
    title: 'Assistant',
    description: 'A chatbot that knows this sandbox. Ask it for `help`.',
    mode: 'chat',
    icon: '🤖',
    opening: 'Hello! I am the assistant of this sandbox. Say **help** to see what I can do.',
    openers: ['help', 'What is this sandbox?', 'How do I connect a real Dify?'],
    suggestsQuestions: true,
  },
  {
    ...plain,
    name: 'thinker',
    title: 'Thinker',
    description: 'A chatbot on a model that thinks aloud in <think> tags before it answers.',
    mode: 'chat',
    icon: '🧠',
    opening: 'I think before I speak.',
    openers: ['Why is the sky blue?', '17 * 23'],
  },
  {
    ...plain,
    name: 'researcher',
    title: 'Researcher',
    description: 'An agent that looks things up and calculates before it answers. It only streams.',
    mode: 'agent-chat',
    icon: '🔎',
    opening: 'What shall I look up?',
    openers: ['How far is the moon?', 'What is GraphQL?', '12 * (3 + 4)'],
    tools: ['search', 'calculator'],
  },
  {
    ...plain,
    name: 'concierge',
    title: 'Concierge',
    description: 'A chatflow: the front desk of a small hotel, answering from its house guide with citations.',
    mode: 'advanced-chat',
    icon: '🛎️',
    form: [{ type: 'text-input', variable: 'guest', label: 'Your name', required: false, maxLength: 48 }],
    opening: 'Welcome to the Hotel zur Brücke. What can I do for you?',
    openers: ['When is breakfast?', 'What is the Wi-Fi password?', 'How do I get to the airport?'],
    suggestsQuestions: true,
    citesSources: true,
  },
  {
    ...plain,
    name: 'summarize',
    title: 'Summarize',
    description: 'A workflow that makes a long text short.',
    mode: 'workflow',
    icon: '✂️',
    form: [
      { type: 'paragraph', variable: 'text', label: 'Text', required: true, maxLength: 20_000 },
      { type: 'number', variable: 'sentences', label: 'Sentences', required: false, default: 2 },
      { type: 'select', variable: 'tone', label: 'Tone', required: false, options: tones, default: 'neutral' },
    ],
  },
  {
    ...plain,
    name: 'copywriter',
    title: 'Copywriter',
    description: 'A text generator that writes a few lines about a product.',
    mode: 'completion',
    icon: '✍️',
    form: [
      { type: 'text-input', variable: 'product', label: 'Product', required: true, maxLength: 120 },
      { type: 'select', variable: 'tone', label: 'Tone', required: false, options: tones, default: 'neutral' },
    ],
  },
] as const satisfies readonly Omit<App, 'id' | 'workflowId' | 'key'>[];

/** The apps every sandbox serves. Their keys are `app-sandbox-NAME`. */
export const apps: readonly App[] = definitions.map((definition) => ({
  ...definition,
  id: fixedId(`app/${definition.name}`),
  workflowId: fixedId(`workflow/${definition.name}`),
  key: `app-sandbox-${definition.name}`,
}));

/** Whether it is asked through `/chat-messages`. */
export const isChat = (app: App) => ['chat', 'agent-chat', 'advanced-chat'].includes(app.mode);

/** Whether a graph of nodes runs, so that there is a run to look up. */
export const isGraph = (app: App) => app.mode === 'workflow' || app.mode === 'advanced-chat';
