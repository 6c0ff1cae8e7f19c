import type { App } from './app.ts';
import { assistantAnswer } from './assistant.ts';
import { asksForHelp, helpText } from './help.ts';
import { amount, type Magic } from './magic-words.ts';
import type { Memory } from './memory.ts';
import { countedPieces, crookedPieces, piecesOf } from './pieces.ts';
import { story } from './narrator.ts';
import { thinkerAnswer, thoughtsOn } from './thinker.ts';
import { paragraphs } from './wording.ts';

/** The pieces an app says to a question. `!echo`, `!long` and `!think` have their own; else `compose` writes the answer. */
export function piecesFor(magic: Magic, compose: (question: string) => string): string[] {
  const echo = magic.words.get('!echo');
  if (echo !== undefined) return piecesOf(echo);
  const count = amount(magic, '!long', 2_000);
  if (count !== undefined) return countedPieces(count);
  const thought = magic.words.get('!think');
  const answer = asksForHelp(magic.text) ? helpText() : compose(magic.text);
  return thought === undefined ? piecesOf(answer) : crookedPieces(thinking(thought, answer));
}

/** What a chat app says; `sight` is what it has to say of the files that came along. */
export function chatPieces(app: App, magic: Magic, memory: Memory, sight = ''): string[] {
  if (app.name === 'narrator') return piecesFor(magic, (question) => story(question));
  if (app.name !== 'thinker') {
    return piecesFor(magic, (question) => paragraphs(sight, answerBeside(sight, question, memory)));
  }
  const told = magic.words.has('!think');
  const pieces = piecesFor(magic, (question) =>
    told ? thinkerAnswer(question) : thinking(thoughtsOn(question, memory), thinkerAnswer(question)),
  );
  return magic.words.has('!long') ? pieces : crookedPieces(pieces.join(''));
}

/** Who sends a file without a word wants to hear of the file only. */
const answerBeside = (sight: string, question: string, memory: Memory) =>
  sight !== '' && question.trim() === '' ? '' : assistantAnswer(question, memory);

const thinking = (thought: string, answer: string) => `<think>\n${thought}\n</think>\n\n${answer}`;
