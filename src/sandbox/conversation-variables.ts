import { randomUUID } from 'node:crypto';
import type { Message, Variable } from './message.ts';
import type { NodeResult } from './node.ts';
import type { Turn } from './turn.ts';

const declared = [
  { name: 'questions', type: 'number', description: 'How many questions the guest has asked', value: 0 },
  { name: 'last_question', type: 'string', description: 'What the guest asked last', value: '' },
] as const;

/** What the assigner node of the concierge does: it keeps count, and the last question. */
export function remember(turn: Turn, message: Message): NodeResult {
  const variables = message.conversation?.variables ?? [];
  if (variables.length === 0) variables.push(...declared.map((one, index) => fresh(one, turn.world.now() + index)));
  const updates = variables.map((variable) => {
    variable.value = variable.name === 'questions' ? Number(variable.value) + 1 : message.query;
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

const assignments = [
  { variable_selector: ['conversation', 'questions'], input_type: 'constant', operation: '+=', value: 1 },
  {
    variable_selector: ['conversation', 'last_question'],
    input_type: 'variable',
    operation: 'over-write',
    value: ['sys', 'query'],
  },
];

const fresh = (declaration: (typeof declared)[number], now: number): Variable => ({
  ...declaration,
  id: randomUUID(),
  createdAt: now,
  updatedAt: now,
});
