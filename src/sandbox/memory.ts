import { findMagic } from './magic-words.ts';
import type { Conversation } from './message.ts';
import { shortened } from './wording.ts';

/** What an app remembers when it answers: the questions before this one, oldest first. */
export type Memory = readonly string[];

/** The memory of a conversation whose last message is the question being answered. */
export function memoryOf(conversation: Conversation): Memory {
  return conversation.messages.slice(0, -1).map((message) => findMagic(message.query).text || message.query);
}

/** A sentence that shows the conversation is remembered; empty at its start. */
export function recollection(memory: Memory): string {
  const first = memory[0];
  if (first === undefined) return '';
  return `This is turn ${memory.length + 1} of our conversation. Earlier you asked “${shortened(first, 60)}”.`;
}

/** A title for a conversation, as Dify has a model make one from the first question. */
export function titleOf(question: string): string {
  const text = findMagic(question).text.replaceAll(/[*_`#>“”"]/g, '');
  const title = shortened(text, 40).replace(/[?.!…\s]+$/u, '');
  return title === '' ? 'A new conversation' : title.charAt(0).toUpperCase() + title.slice(1);
}
