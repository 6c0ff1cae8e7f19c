import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { encodeCursor, pageByTime, type TimedList } from '../../src/graphql/paging.ts';

/** A row of Dify's, with its time in microseconds. */
interface Row {
  readonly id: string;
  readonly at: number;
}

/** Rows with ids that no order can be read from. */
function rowsAt(...times: readonly number[]): Row[] {
  return times.map((at, index) => ({
    id: `${(index * 7919 + 13).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`,
    at,
  }));
}

/** A list that is cut as Dify cuts it: strictly by time, so that rows that tie with the cursor are on neither side. */
function difyList(rows: readonly Row[], newestFirst: boolean): TimedList<Row> & { asked: number } {
  const sign = newestFirst ? -1 : 1;
  return {
    asked: 0,
    newestFirst,
    id: ({ id }) => id,
    second: ({ at }) => Math.floor(at / 1e6),
    async fetch(anchor, limit) {
      this.asked += 1;
      if (limit < 1 || limit > 100) throw new Error(`Dify refuses a limit of ${limit}`);
      const from = rows.find(({ id }) => id === anchor);
      if (anchor !== null && !from) throw new GatewayError('NOT_FOUND', 'Last Conversation Not Exists.');
      const beyond = (edge: Row) => rows.filter(({ at }) => (at - edge.at) * sign > 0);
      // Rows that tie come in an order of their own each time, as a database has it.
      const items = (from ? beyond(from) : [...rows])
        .toSorted((a, b) => (a.at - b.at) * sign || ((this.asked * a.at) % 2 ? 1 : -1) * (a.id < b.id ? 1 : -1))
        .slice(0, limit);
      const last = items.at(-1);
      return { items, hasMore: last !== undefined && beyond(last).length > 0 };
    },
  };
}

/** All pages, each asked for with the cursor at the end of the one before. */
async function pagesOf(list: TimedList<Row>, size: number): Promise<Row[][]> {
  const pages: Row[][] = [];
  let cursor: string | undefined;
  for (;;) {
    const { edges, more } = await pageByTime(list, size, cursor);
    pages.push(edges.map(({ node }) => node));
    cursor = edges.at(-1)?.cursor;
    if (!more || cursor === undefined) return pages;
  }
}

function expectAll(pages: readonly Row[][], rows: readonly Row[], newestFirst: boolean): void {
  const seen = pages.flat();
  expect(seen.map(({ id }) => id).toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
  const times = seen.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((a, b) => (newestFirst ? b - a : a - b)));
}

const second = 1_760_000_000_000_000;

describe('a list that Dify cuts by time', () => {
  test('comes whole in pages of any size, whatever ties with what', async () => {
    const times = fc.array(
      fc
        .record({ second: fc.nat(3), micro: fc.constantFrom(0, 1, 2, 500_000) })
        .map((at) => second + at.second * 1e6 + at.micro),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 1, max: 45 }), fc.boolean(), async (at, size, newestFirst) => {
        const rows = rowsAt(...at);
        const pages = await pagesOf(difyList(rows, newestFirst), size);
        expectAll(pages, rows, newestFirst);
        for (const page of pages.slice(0, -1)) expect(page).toHaveLength(size);
        if (rows.length > 0) expect(pages.at(-1)).not.toHaveLength(0);
      }),
      { numRuns: 500 },
    );
  });

  test.each([1, 20, 49, 50, 51, 99, 100])(
    'comes whole in pages of %i when a hundred rows share an instant',
    async (size) => {
      const rows = rowsAt(second + 2e6, ...Array<number>(100).fill(second), second - 1, second - 5e6, second - 5e6);
      expectAll(await pagesOf(difyList(rows, true), size), rows, true);
    },
  );

  test.each([1, 20, 99, 100])('comes whole in pages of %i when 350 rows share a second', async (size) => {
    const rows = rowsAt(...Array.from({ length: 350 }, (_, index) => second + index), second + 3e6, second + 3e6);
    expectAll(await pagesOf(difyList(rows, false), size), rows, false);
  });

  test('has full pages of the largest size too', async () => {
    const rows = rowsAt(...Array.from({ length: 250 }, (_, index) => second + Math.floor(index / 7) * 300_000));
    const pages = await pagesOf(difyList(rows, true), 100);
    expect(pages.map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  test('goes on where it was when the row that a cursor hangs on is gone', async () => {
    const rows = rowsAt(...Array.from({ length: 130 }, (_, index) => second - index * 700_000));
    for (const gone of [100, 101, 102, 103, 104]) {
      const all = [...rows];
      const list = difyList(all, true);
      const first = await pageByTime(list, 100, null);
      const middle = await pageByTime(list, 5, first.edges.at(-1)?.cursor);
      all.splice(gone, 1);
      const rest = await pageByTime(list, 100, middle.edges.at(-1)?.cursor);
      const seen = [first, middle, rest].flatMap(({ edges }) => edges.map(({ node }) => node));
      expect(seen).toEqual(rows);
      expect(rest.more).toBe(false);
    }
  });

  test('costs one request a page where no second is crowded', async () => {
    const rows = rowsAt(...Array.from({ length: 290 }, (_, index) => second - index * 1e6));
    for (const size of [99, 27]) {
      const list = difyList(rows, true);
      expect(await pagesOf(list, size)).toHaveLength(Math.ceil(290 / size));
      expect(list.asked).toBe(Math.ceil(290 / size));
    }
  });

  test('is empty when there is nothing', async () => {
    expect(await pageByTime(difyList([], true), 20, null)).toEqual({ edges: [], more: false });
  });

  const id = '0e3cf5a7-31cc-4dd3-8f4e-0a3e7b6f1b6c';
  test.each([
    ['not of base64', 'ü'],
    ['empty', ''],
    ['no list', Buffer.from('{}').toString('base64url')],
    ['an empty list', encodeCursor([])],
    ['a cursor of runs', encodeCursor([1_760_000_000_000, id])],
    ['an anchor that is no id', encodeCursor(['../info', 1_760_000_000, [id]])],
    ['a second that is no number', encodeCursor([null, '1760000000', [id]])],
    ['seen things that are no ids', encodeCursor([null, 1_760_000_000, [{}]])],
  ])('refuses a cursor that did not come from here: %s', async (_, cursor) => {
    const list = difyList(rowsAt(second), true);
    await expect(pageByTime(list, 20, cursor)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(list.asked).toBe(0);
  });
});
