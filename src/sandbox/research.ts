import { calculate } from './calculator.ts';
import { recollection, type Memory } from './memory.ts';
import { paragraphs, shortened } from './wording.ts';

/** One use of a tool by the agent. */
export interface ToolUse {
  readonly tool: 'search' | 'calculator';
  readonly label: string;
  readonly input: Readonly<Record<string, string>>;
  readonly result: string;
}

const encyclopedia: readonly (readonly [RegExp, string])[] = [
  [
    /\bmoon\b|\bmond\b|月/iu,
    'The Moon circles the Earth at about 384,400 km, and moves 3.8 cm further away each year.',
  ],
  [
    /graphql/i,
    'GraphQL is a query language for APIs; its subscriptions carry a stream of results over one connection.',
  ],
  [
    /\bdify\b/i,
    'Dify is an open-source platform for building applications on language models, with an HTTP API for each app.',
  ],
  [
    /\bsse\b|server-sent|stream/i,
    'Server-sent events are lines of text over HTTP: `data:` and a blank line. They were standardised with HTML5.',
  ],
  [/websocket/i, 'WebSocket (RFC 6455, 2011) keeps one TCP connection open for messages in both directions.'],
  [/köln|cologne/iu, 'Köln (Cologne) lies on the Rhine; its cathedral took 632 years to build.'],
  [/東京|tokyo|tōkyō/iu, '東京 (Tōkyō) has about 14 million inhabitants, its metropolitan area 37 million.'],
];

/** What the agent will do for a question: compute what can be computed, and look up the rest. */
export function planFor(question: string): { readonly intention: string; readonly uses: readonly ToolUse[] } {
  const uses: ToolUse[] = [];
  const [, fact] = encyclopedia.find(([when]) => when.test(question)) ?? [];
  const sum = calculate(question);
  if (sum === undefined || fact !== undefined) {
    const query = shortened(question, 60) || 'nothing';
    uses.push({ tool: 'search', label: 'Search', input: { query }, result: fact ?? `No entry for “${query}”.` });
  }
  if (sum !== undefined) {
    const { expression, value } = sum;
    uses.push({ tool: 'calculator', label: 'Calculator', input: { expression }, result: `${expression} = ${value}` });
  }
  const doing = uses.map(({ tool }) => (tool === 'search' ? 'look that up' : 'do the sum')).join(' and ');
  return { intention: `Let me ${doing}.`, uses };
}

/** What the agent says with the results in hand. */
export function conclusion(uses: readonly ToolUse[], question: string, memory: Memory): string {
  const results = uses.map(({ result }) => `- ${result}`).join('\n');
  return paragraphs(
    `On “${shortened(question, 80)}” I found:`,
    results,
    'I used my tools and nothing else. 🔎',
    recollection(memory),
  );
}
