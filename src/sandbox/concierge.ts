import type { Citation } from './house-guide.ts';
import { recollection, type Memory } from './memory.ts';
import type { Prompt } from './model-node.ts';
import { paragraphs, shortened } from './wording.ts';

/** What a guest may want, as the classifier of the chatflow sorts it. */
export const classes = [
  { id: '1', name: 'About the house or the city' },
  { id: '2', name: 'Something else' },
] as const;

/** What the front desk knows of a question. */
export interface Knowledge {
  readonly guest: string;
  readonly citations: readonly Citation[];
  readonly memory: Memory;
  readonly sight: string;
  /** Whether the guest wants to book, and a person can be asked about it. */
  readonly booking: boolean;
}

/** The answer of the front desk, resting on the passages found, if any. */
export function conciergeAnswer(
  question: string,
  { guest, citations: found, memory, sight, booking }: Knowledge,
): string {
  const dear = guest === '' ? '' : `, ${guest}`;
  const remembered = recollection(memory);
  if (booking) return paragraphs(sight, `Gladly${dear}! I have to ask the front desk. 🛎️`, remembered);
  if (found.length === 0) {
    if (sight !== '') return paragraphs(sight, 'I will keep it at the front desk for you.', remembered);
    const what = shortened(question, 80) || 'nothing at all';
    return paragraphs(
      `I am afraid our house guide says nothing about “${what}”${dear}. 🙈`,
      'Ask me about **breakfast**, the **Wi-Fi**, check-out, the tram to the airport, the sauna, or what to see in town.',
      remembered,
    );
  }
  const passages = found.map(({ content, position }) => `${content} [${position}]`);
  const [first = '', ...others] = passages;
  return paragraphs(sight, `Of course${dear}! ${first}`, ...others.map((passage) => `Also: ${passage}`), remembered);
}

/** What the model is told: the passages, the last three questions, and this one. */
export function conciergePrompts(question: string, found: readonly Citation[], memory: Memory): Prompt[] {
  const context = found.map(({ content }) => content).join('\n');
  return [
    {
      role: 'system',
      text: `You are the concierge of the Hotel zur Brücke. Answer from the context only.\n\n${context}`,
    },
    ...memory.slice(-3).map((earlier): Prompt => ({ role: 'user', text: earlier })),
    { role: 'user', text: question },
  ];
}
