import { randomUUID } from 'node:crypto';
import type { Citation } from './house-guide.ts';
import type { Message, Variable } from './message.ts';
import type { NodeResult } from './node.ts';
import type { Turn } from './turn.ts';

const declared = [
  { name: 'questions', type: 'number', description: 'How many questions the guest has asked', value: 0 },
  { name: 'last_question', type: 'string', description: 'What the guest asked last', value: '' },
  { name: 'guest', type: 'object', description: 'What is known of the guest', value: { name: null, vip: false } },
  { name: 'topics', type: 'array[string]', description: 'What the guest has asked about', value: [] },
] as const;

/** What the assigner node of the concierge does: it keeps count, and the last question. */
export function remember(turn: Turn, message: Message, citations: readonly Citation[]): NodeResult {
  const variables = message.conversation?.variables ?? [];
  if (variables.length === 0) variables.push(...declared.map((one, index) => fresh(one, turn.world.now() + index)));
  const updates = variables.map((variable) => {
    variable.value = nextValue(variable, message, citations);
    variable.updatedAt = turn.world.now();
    return {
      name: variable.name,
      selector: ['conversation', variable.name],
      value_type: variable.type,
      new_value: variable.value,
    };
  });
  const values = Object.fromEntries(variables.map(({ name, value }) => [name, value]));
  return {
    inputs: { title: 'Remember', version: '2', items: assignments },
    processData: { ...values, __updated_variables: updates },
  };
}

/** How the variables of a conversation change with a question. */
function nextValue({ name, value }: Variable, { query, inputs }: Message, citations: readonly Citation[]): unknown {
  if (name === 'questions') return Number(value) + 1;
  if (name === 'last_question') return query;
  if (name === 'guest') return { ...(value as object), ...(inputs['guest'] ? { name: inputs['guest'] } : {}) };
  const topics = citations.map((citation) => citation.document_name.replace(/\.md$/, ''));
  return [...new Set([...(value as readonly string[]), ...topics])];
}

const assignments = [
  { variable_selector: ['conversation', 'questions'], input_type: 'constant', operation: '+=', value: 1 },
  {
    variable_selector: ['conversation', 'last_question'],
    input_type: 'variable',
    operation: 'over-write',
    value: ['sys', 'query'],
  },
  {
    variable_selector: ['conversation', 'guest'],
    input_type: 'variable',
    operation: 'over-write',
    value: ['start', 'guest'],
  },
  {
    variable_selector: ['conversation', 'topics'],
    input_type: 'variable',
    operation: 'extend',
    value: ['guide', 'result'],
  },
];

const fresh = (declaration: (typeof declared)[number], now: number): Variable => ({
  ...declaration,
  id: randomUUID(),
  createdAt: now,
  updatedAt: now,
});
