/** The name that was probably meant by a mistyped one: one slip away, two if it is long, or the same but for case and dashes. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  return known
    .map((name) => ({ name, slips: slipsBetween(plain(written), plain(name)) }))
    .filter(({ name, slips }) => slips <= (name.length > 6 ? 2 : 1))
    .sort((a, b) => a.slips - b.slips)[0]?.name;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

/** How many letters must be put in, left out or changed (Levenshtein); letters in another order are one slip. */
function slipsBetween(from: string, to: string): number {
  if (from !== to && [...from].sort().join() === [...to].sort().join()) return 1;
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const changed = row[column - 1]! + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(changed, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
