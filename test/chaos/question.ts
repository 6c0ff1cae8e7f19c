import type { Random } from './random.ts';

/** Apps of the stand-in, one of each kind whose answers Dify's records give back. */
export const apps = ['assistant', 'researcher', 'concierge', 'summarize'] as const;
export type AppName = (typeof apps)[number];

/** What this app says besides what it is told to say. */
const signatures: Readonly<Record<AppName, string>> = {
  assistant: '',
  researcher: '',
  concierge: '\n\n— Your concierge',
  summarize: '',
};

/** A question, and the one right answer to it: in each piece stands whose it is and where it belongs. */
export interface Question {
  readonly number: number;
  readonly viewer: string;
  readonly key: string;
  readonly app: AppName;
  readonly query: string;
  readonly expected: string;
  /** How long Dify takes at least, in ms. */
  readonly leastMs: number;
  readonly conversationId: string | null;
}

export interface QuestionOptions {
  readonly app: AppName;
  readonly viewer: string;
  readonly conversationId?: string;
  /** A long text, all at once. */
  readonly flood?: boolean;
}

const spice = ['', '', '', '', 'ü', '–', '漢', '👍🏽', '😀', 'é', '\u2028', '"\\', '<b>'];

export function newQuestion(number: number, random: Random, options: QuestionOptions): Question {
  const { app, viewer, conversationId = null, flood = false } = options;
  const count = flood ? random.whole(300, 700) : random.whole(20, 75);
  const words = Array.from({ length: count }, (_, index) => `${number}.${index}${random.pick(spice)}`);
  // Dify stores answers without white space at their end.
  const text = `${words.join(' ')} end`;
  return {
    number,
    viewer,
    key: `key-${number}`,
    app,
    query: `${flood ? '!fast ' : ''}!echo ${text}`,
    expected: text + signatures[app],
    leastMs: flood ? 0 : 300 + 40 * count,
    conversationId,
  };
}

/** The number of the question that a text to Dify holds. */
export function numberIn(text: string): number | null {
  const [, digits] = /!echo (\d+)\.0/.exec(text) ?? [];
  return digits === undefined ? null : Number(digits);
}
