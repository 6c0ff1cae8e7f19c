import { say, type Draft } from './draft.ts';
import type { FormDefinition, Submission } from './forms.ts';
import type { Graph } from './graph.ts';
import { askPerson } from './human-input.ts';
import { runNode } from './node.ts';
import { shortened } from './wording.ts';

/** Whether a guest wants something that a person has to confirm. */
export const wantsToBook = (question: string) =>
  /\b(book|reserve|reservation|buchen|reservieren)\b|予約|预订/iu.test(question);

/** Asks a person to confirm a booking, and tells the guest what came of it. `!twice` asks for the payment, too. */
export async function book(graph: Graph, draft: Draft): Promise<void> {
  const { turn } = graph;
  const wish = shortened(turn.magic.text, 80);
  let answer = await askPerson(graph, bookingForm(wish));
  if (answer?.action.id === 'confirm' && turn.magic.words.has('!twice')) {
    const payment = await askPerson(graph, paymentForm);
    answer = payment && { ...payment, values: { ...answer.values, ...payment.values } };
  }
  const confirmed = answer?.action.id === 'confirm';
  await runNode(graph, { id: 'confirmed', type: 'if-else', title: 'Confirmed?' }, () => ({
    inputs: {
      conditions: [{ actual_value: answer?.action.id ?? '', expected_value: 'confirm', comparison_operator: 'is' }],
    },
    outputs: { result: confirmed, selected_case_id: confirmed ? 'confirmed' : 'false' },
  }));
  await say(graph, draft, `\n\n${sentenceOn(answer)}`, ['booking', 'answer']);
}

const actions = [
  { id: 'confirm', title: 'Confirm', button_style: 'primary' },
  { id: 'cancel', title: 'Cancel', button_style: 'default' },
] as const;

const bookingForm = (wish: string): FormDefinition => ({
  nodeId: 'booking',
  nodeTitle: 'Confirm the booking',
  content: `A guest asks: “${wish}”\n\nIn the name of {{#$output.name#}}, room: {{#$output.room#}}`,
  inputs: [
    { output_variable_name: 'name', type: 'paragraph', default: { type: 'constant', selector: [], value: 'Guest' } },
    {
      output_variable_name: 'room',
      type: 'select',
      option_source: { type: 'constant', selector: [], value: ['single', 'double', 'suite'] },
    },
  ],
  actions,
  defaults: { name: 'Guest' },
});

const paymentForm: FormDefinition = {
  nodeId: 'payment',
  nodeTitle: 'Payment',
  content: 'How will it be paid? {{#$output.payment#}}',
  inputs: [
    {
      output_variable_name: 'payment',
      type: 'select',
      option_source: { type: 'constant', selector: [], value: ['card', 'invoice'] },
    },
  ],
  actions,
  defaults: {},
};

function sentenceOn(answer: Submission | undefined): string {
  if (answer === undefined) return 'Nobody could confirm it in time, I am sorry.';
  if (answer.action.id !== 'confirm') return 'The booking was not confirmed, I am sorry.';
  const { name, room, payment } = answer.values as Readonly<Record<string, string | undefined>>;
  const paid = payment === undefined ? '' : `, paid by ${payment}`;
  return `It is booked: **${room}**, in the name of ${name}${paid}. 🗝️`;
}
