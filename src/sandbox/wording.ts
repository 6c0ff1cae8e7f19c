/** A text on one line, at most `length` characters long. */
export function shortened(text: string, length: number): string {
  const characters = [...text.trim().replaceAll(/\s+/g, ' ')];
  if (characters.length <= length) return characters.join('');
  return `${characters
    .slice(0, length - 1)
    .join('')
    .trimEnd()}…`;
}

/** Paragraphs, without the empty ones. */
export const paragraphs = (...parts: readonly string[]) => parts.filter((part) => part !== '').join('\n\n');
