import type { Memory } from './memory.ts';
import { shortened } from './wording.ts';

/** What the thinker mumbles before it answers. */
export function thoughtsOn(question: string, memory: Memory): string {
  const words = question
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '');
  const longest = words.toSorted((one, other) => other.length - one.length)[0] ?? 'silence';
  return [
    `The question has ${words.length} word${words.length === 1 ? '' : 's'}. The weightiest seems to be “${longest}”.`,
    memory.length === 0
      ? 'Nothing was said before, so I start from nothing.'
      : `We have spoken ${memory.length} time${memory.length === 1 ? '' : 's'} before; first came “${memory[0] ?? ''}”.`,
    'A careful answer is better than a quick one.',
  ].join('\n');
}

/** What it says when it has thought. */
export function thinkerAnswer(question: string): string {
  return (
    `Having thought about it: “${shortened(question, 80)}” deserves a short answer. ` +
    'I would begin with what is known, leave out what is not, and **say so**. That is all a sandbox can honestly tell you. 🤔'
  );
}
