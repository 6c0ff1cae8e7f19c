import { shortened } from './wording.ts';

/** A very short story about anything. */
export function story(wish: string): string {
  const about = shortened(wish.replace(/^(tell me )?(a story )?(about )?/i, ''), 60) || 'a bridge';
  return (
    `Once upon a time there was ${/^(an?|the)\b/i.test(about) ? about : `“${about}”`}. ` +
    'Every morning the river said “Guten Morgen!”, and nobody answered. One day somebody did. ' +
    'From then on they talked until the lamps were lit. 🌉 The end.'
  );
}
