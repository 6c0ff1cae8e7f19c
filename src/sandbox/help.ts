import { magicWords } from './magic-words.ts';

/** Whether somebody asks for nothing but help: every app that talks then answers with `helpText`. */
export const asksForHelp = (question: string) => /^\s*(help|\?|hilfe)\W*$/i.test(question);

/** What the sandbox can do, and all magic words. */
export const helpText = () =>
  [
    '**What I can do** 🧰\n',
    'I am a stand-in for a model, so I know little beyond this sandbox. Ask the assistant *What is this sandbox?*, ' +
      '*How do I connect a real Dify?*, *Show me markdown* or ask anything and I will quote you.\n',
    'Put a magic word anywhere in your question and something goes wrong, on purpose:\n',
    ...Object.entries(magicWords).map(([word, meaning]) => `- \`${word}\` ${meaning}`),
  ].join('\n');
