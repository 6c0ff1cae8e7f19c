/**
 * Words that provoke a fault or an odd reply when they stand in a question, or in any text input of a workflow.
 * `help` prints this table. A word may take an argument after a colon: `!slow:3`.
 */
export const magicWords = {
  '!error': 'breaks the answer off with an `error` event (`rate_limit_error`, 429)',
  '!cut': 'resets the connection in the middle of the answer',
  '!silence': 'falls silent in the middle: not even pings, but the connection stays open',
  '!slow': 'waits 25 s before the first piece, with pings; `!slow:3` waits 3 s',
  '!refuse': 'answers HTTP 400 `provider_quota_exceeded`',
  '!500': 'answers HTTP 500',
  '!502': 'answers HTTP 502 with the HTML page of a proxy',
  '!long': 'answers with 2,000 pieces; `!long:50` with 50',
  '!fast': 'answers as fast as the connection takes it',
  '!echo': 'answers with exactly the text that follows: `!echo Grüße 👋`',
  '!think': 'thinks the text that follows (`<think>…</think>`), then answers',
  '!replace': 'replaces the answer at its end, as output moderation does',
  '!noend': 'says everything, then sends pings for ever, also after a stop',
  '!tts': 'reads the answer aloud: `tts_message` events',
  '!file': 'sends an image; chat and completion apps then send their text as `message_file` too, as Dify does',
  '!picture': 'puts a picture into the text, as Markdown with an address that Dify has signed (apps that talk)',
  '!fail': 'makes a node, and with it the run, fail (chatflow and workflow)',
  '!unknown': 'puts an event that no Dify knows into the answer',
  '!replay': 'replays a recorded stream with its timing: `!replay:chat/01-stream`',
  '!twice':
    'asks a person two times, one after the other (approval, and bookings with the concierge; from Dify 1.14 on)',
  '!formtimeout': 'gives the person 1 s to answer; `!formtimeout:3` gives 3 s',
  '!mailform': 'asks the person by mail only: the form has no token, so nobody can answer it here',
} as const;

export type MagicWord = keyof typeof magicWords;

/** The magic in a text, and the text without it. */
export interface Magic {
  readonly words: ReadonlyMap<MagicWord, string>;
  readonly text: string;
}

/** Finds the magic words of a text. `!echo` and `!think` take all that follows them, other words included. */
export function findMagic(text: string): Magic {
  const words = new Map<MagicWord, string>();
  let left = text.replace(
    /(^|\s)!(echo|think)(?:\s([^]*))?$/,
    (_, before: string, word: string, rest: string | undefined) => {
      words.set(`!${word as 'echo' | 'think'}`, rest ?? '');
      return before;
    },
  );
  left = left.replaceAll(
    /(^|\s)(![a-z0-9]+)(?::(\S+))?(?=\s|$)/g,
    (all, before: string, word: string, argument?: string) => {
      if (!isMagic(word)) return all;
      words.set(word, argument ?? '');
      return before;
    },
  );
  return { words, text: words.size === 0 ? text : left.replaceAll(/ {2,}/g, ' ').trim() };
}

/** The number given to a word, or the default it has without one. */
export function amount(magic: Magic, word: MagicWord, usual: number): number | undefined {
  const argument = magic.words.get(word);
  if (argument === undefined) return undefined;
  const given = Number.parseFloat(argument);
  return Number.isFinite(given) && given >= 0 ? given : usual;
}

function isMagic(word: string): word is MagicWord {
  return Object.hasOwn(magicWords, word);
}
