/** A page as Dify cuts it: rows with exactly the cursor's value are on neither side of it (§6.2). */
export interface Page<T> {
  readonly rows: readonly T[];
  readonly hasMore: boolean;
}

export interface PageOptions<T> {
  /** What the rows are sorted by; also what the cursor is compared by, strictly. */
  readonly by: (row: T) => number;
  readonly descending: boolean;
  /** The row the page starts after. */
  readonly after: T | undefined;
  readonly limit: number;
}

/** Cuts one page out of all rows. `hasMore` is exact, but for rows with the time of the last one. */
export function pageOf<T>(all: readonly T[], { by, descending, after, limit }: PageOptions<T>): Page<T> {
  const direction = descending ? -1 : 1;
  const beyond = (cursor: T) => (row: T) => (by(row) - by(cursor)) * direction > 0;
  const rows = (after === undefined ? [...all] : all.filter(beyond(after)))
    .toSorted((one, other) => (by(one) - by(other)) * direction)
    .slice(0, limit);
  const last = rows.at(-1);
  return { rows, hasMore: rows.length === limit && last !== undefined && all.some(beyond(last)) };
}
