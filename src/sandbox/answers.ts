import type { App } from './apps.ts';
import { amount, magicWords, type Magic } from './magic-words.ts';
import { recollection, type Memory } from './memory.ts';
import { countedPieces, crookedPieces, piecesOf } from './pieces.ts';
import { thoughtsOn } from './thoughts.ts';
import { paragraphs, shortened } from './wording.ts';

/** The pieces an app says to a question. `!echo`, `!long` and `!think` have their own; else `compose` writes the answer. */
export function piecesFor(magic: Magic, compose: (question: string) => string): string[] {
  const echo = magic.words.get('!echo');
  if (echo !== undefined) return piecesOf(echo);
  const count = amount(magic, '!long', 2_000);
  if (count !== undefined) return countedPieces(count);
  const thought = magic.words.get('!think');
  const answer = compose(magic.text);
  return thought === undefined ? piecesOf(answer) : crookedPieces(`<think>\n${thought}\n</think>\n\n${answer}`);
}

/** What a chat app says. */
export function chatPieces(app: App, magic: Magic, memory: Memory): string[] {
  if (app.name !== 'thinker') return piecesFor(magic, (question) => assistantAnswer(question, memory));
  const aloud = piecesFor(
    magic,
    (question) => `<think>\n${thoughtsOn(question, memory)}\n</think>\n\n${thinkerAnswer(question)}`,
  );
  return magic.words.has('!long') ? aloud : crookedPieces(aloud.join(''));
}

const help = () =>
  [
    '**What I can do** 🧰\n',
    'I am a stand-in for a model, so I only talk about this sandbox. Try *What is this sandbox?*, ' +
      '*How do I connect a real Dify?*, *Show me markdown* or ask anything and I will quote you.\n',
    'Put a magic word anywhere in your question and something goes wrong, on purpose:\n',
    ...Object.entries(magicWords).map(([word, meaning]) => `- \`${word}\` ${meaning}`),
  ].join('\n');

const about = [
  'This is a **sandbox**: a small server that speaks HTTP like Dify 1.12, with six apps in it and no model behind them. 📦\n',
  'Everything is made up as we go, but the *wire* is real: the same routes, the same events in the same order, the same errors. ' +
    'So you can build and test a user interface here without an account, and without paying for tokens.\n',
  'Conversations live as long as the process. Say `help` for the magic words.',
].join('\n');

const connect = [
  'To talk to a **real Dify** instead of me:\n',
  '1. In Dify, open your app, go to *API Access* and create a key (`app-…`). One key is one app.',
  '2. Give the gateway the base URL of your Dify, for example `https://api.dify.ai/v1`, and for each app its name and key.',
  '3. Start it again. Your queries stay as they are: only the app names change. 🎉\n',
  'The README shows the settings. Keys stay on the server; no client ever sees one.',
].join('\n');

const markdown = [
  'With pleasure:\n',
  '| Language | Greeting |',
  '| --- | --- |',
  '| Deutsch | Grüß dich |',
  '| 日本語 | こんにちは |',
  '| 中文 | 你好 |\n',
  '```ts\nfor await (const piece of answer) process.stdout.write(piece);\n```\n',
  '> All of it arrives a few characters at a time.',
].join('\n');

const topics: readonly (readonly [RegExp, () => string])[] = [
  [/^\s*(help|\?|hilfe)\W*$/i, help],
  [/\b(connect|real dify|api key|own dify)\b/i, () => connect],
  [/\b(sandbox|who are you|what are you|what is this)\b/i, () => about],
  [/\b(markdown|table|code)\b/i, () => markdown],
  [/^\s*(hi|hello|hey|moin|servus|hallo)\b/i, () => 'Hello! 👋 Nice to see you. Say `help` if you wonder what to ask.'],
  [/\b(thanks|thank you|danke)\b/i, () => 'You are welcome! 🙂'],
  [/[\u3040-\u9fff]/, () => '你好！我只是一个沙盒，没有真正的模型，但每一个字都会像真的一样流过来。'],
  [
    /\b(ich|und|wie|was|warum|bitte)\b/i,
    () => 'Schöne Frage! Ich bin nur ein Übungsgerät ohne Modell, aber die Umlaute kommen heil an: äöüß.',
  ],
];

function assistantAnswer(question: string, memory: Memory): string {
  const [, say] = topics.find(([when]) => when.test(question)) ?? [];
  const said =
    say?.() ??
    `You asked: “${question.trim() || 'nothing at all'}”\n\nA real model would know more; I can only promise that this text ` +
      'reaches you exactly as one from Dify would, piece by piece. Say `help` to see what else I can do.';
  return paragraphs(said, recollection(memory));
}

function thinkerAnswer(question: string): string {
  return (
    `Having thought about it: “${shortened(question, 80)}” deserves a short answer. ` +
    'I would begin with what is known, leave out what is not, and **say so**. That is all a sandbox can honestly tell you. 🤔'
  );
}
