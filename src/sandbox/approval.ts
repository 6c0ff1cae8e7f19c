import { piecesFor } from './answers.ts';
import type { FormDefinition, Submission } from './forms.ts';
import type { Graph } from './graph.ts';
import { askPerson } from './human-input.ts';
import { runNode } from './node.ts';
import { openWorkflow, startNode } from './open-workflow.ts';
import { write } from './text-node.ts';
import type { Turn } from './turn.ts';
import { shortened } from './wording.ts';

const actions = [
  { id: 'approve', title: 'Approve', button_style: 'primary' },
  { id: 'reject', title: 'Reject', button_style: 'default' },
] as const;

/** The approval workflow: draft → a person decides (`!twice`: two of them) → what the decision means → end. */
export async function approval(turn: Turn, inputs: Readonly<Record<string, unknown>>): Promise<Graph> {
  const graph = openWorkflow(turn, inputs);
  await graph.execute(async () => {
    await startNode(graph);
    const prompts = [{ role: 'user' as const, text: `Write a short message about: ${turn.magic.text}` }];
    const pieces = piecesFor(turn.magic, draftAbout);
    const thought = 'Short and friendly, and then somebody has to look at it.';
    const draft = await write(graph, { id: 'draft', title: 'Draft' }, { prompts, pieces, thought });
    let answer = await askPerson(graph, reviewForm(turn, draft));
    if (answer?.action.id === 'approve' && turn.magic.words.has('!twice')) {
      const second = await askPerson(graph, secondForm(answer));
      answer = second && { ...second, values: { ...answer.values, ...second.values } };
    }
    const decision = answer?.action.id ?? 'timeout';
    await runNode(graph, { id: 'decision', type: 'if-else', title: 'Approved?' }, () => ({
      inputs: { conditions: [{ actual_value: decision, expected_value: 'approve', comparison_operator: 'is' }] },
      outputs: { result: decision === 'approve', selected_case_id: decision === 'approve' ? 'approved' : 'false' },
    }));
    const text = textAfter(draft, answer);
    await runNode(graph, { id: 'text', type: 'template-transform', title: 'Text' }, () => ({
      inputs: { draft, decision },
      outputs: { output: text },
    }));
    const outputs = { decision, text, ...answer?.values };
    await runNode(graph, { id: 'end', type: 'end', title: 'End' }, () => ({ inputs: outputs, outputs }));
    return outputs;
  });
  return graph;
}

const draftAbout = (topic: string) =>
  `Dear all,\n\na word on “${shortened(topic, 80)}”: it is going well, and there will be cake. 🍰\n\nViele Grüße`;

/** The form has a comment that begins as the draft, a choice, and from 1.15 on room for a file. */
function reviewForm(turn: Turn, draft: string): FormDefinition {
  const comment = { output_variable_name: 'comment', type: 'paragraph' } as const;
  const channel = { output_variable_name: 'channel', type: 'select' } as const;
  const attachment = { output_variable_name: 'attachment', type: 'file' } as const;
  return {
    nodeId: 'review',
    nodeTitle: 'Review',
    content: `Please look at this draft:\n\n${draft}\n\n{{#$output.comment#}}\n\nSend it by {{#$output.channel#}}`,
    inputs: [
      { ...comment, default: { type: 'variable', selector: ['draft', 'text'], value: '' } },
      { ...channel, option_source: { type: 'constant', selector: [], value: ['mail', 'post'] } },
      ...(turn.world.features.formFiles
        ? [
            {
              ...attachment,
              allowed_file_types: ['image', 'document'],
              allowed_file_extensions: [],
              allowed_file_upload_methods: ['local_file', 'remote_url'],
            },
          ]
        : []),
    ],
    actions,
    defaults: { comment: draft },
  };
}

/** The form for a second opinion: nothing to fill in but a reason. */
const secondForm = ({ values }: Submission): FormDefinition => ({
  nodeId: 'second-review',
  nodeTitle: 'Second review',
  content: `The first reader says: ${values['comment'] as string}\n\nAnd you?\n\n{{#$output.reason#}}`,
  inputs: [
    { output_variable_name: 'reason', type: 'paragraph', default: { type: 'constant', selector: [], value: 'Fine.' } },
  ],
  actions,
  defaults: { reason: 'Fine.' },
});

function textAfter(draft: string, answer: Submission | undefined): string {
  if (answer === undefined) return 'Nobody decided in time, so nothing was sent.';
  if (answer.action.id === 'reject') return 'The draft was rejected, so nothing was sent.';
  return (answer.values['comment'] as string | undefined) ?? draft;
}
