import { recollection, type Memory } from './memory.ts';
import { paragraphs } from './wording.ts';

const about = [
  'This is a **sandbox**: a small server that speaks HTTP like Dify, with an app of each kind in it and no model behind them. 📦\n',
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

const topics: readonly (readonly [RegExp, (question: string) => string])[] = [
  [/\b(connect|real dify|api key|own dify)\b/i, () => connect],
  [/\b(sandbox|who are you|what are you|what is this)\b/i, () => about],
  [/\b(markdown|table|code)\b/i, () => markdown],
  [/^\s*(hi|hello|hey|moin|servus|hallo)\b/i, () => 'Hello! 👋 Nice to see you. Say `help` if you wonder what to ask.'],
  [/\b(thanks|thank you|danke)\b/i, () => 'You are welcome! 🙂'],
  [
    /[\u3040-\u30ff]/,
    (question) =>
      `「${question}」ですね。ここはサンドボックスなので、本物のモデルはいません。 でも文字は一つずつ届きます。`,
  ],
  [
    /[\u3400-\u9fff]/,
    (question) => `你问的是“${question}”。我只是一个沙盒，没有真正的模型，但每一个字都会像真的一样流过来。`,
  ],
  [
    /\b(ich|und|wie|warum|bitte|nicht|ist)\b/i,
    (question) =>
      `„${question}“ – schöne Frage! Ich bin nur ein Übungsgerät ohne Modell, aber die Umlaute kommen heil an: äöüß.`,
  ],
];

/** What the assistant says: something it knows about, or the question itself. */
export function assistantAnswer(question: string, memory: Memory): string {
  const [, say] = topics.find(([when]) => when.test(question)) ?? [];
  const said =
    say?.(question.trim()) ??
    `You asked: “${question.trim() || 'nothing at all'}”\n\nA real model would know more; I can only promise that this text ` +
      'reaches you exactly as one from Dify would, piece by piece. Say `help` to see what else I can do.';
  return paragraphs(said, recollection(memory));
}
