import { median, rowOf, short, type Table } from './figures.ts';
import { line, text } from './svg.ts';

const streams = [10, 100, 1_000, 5_000];
/** By subject, how the style sheet calls its line. */
const lines = { relay: 'other', gateway: 'own' } as const;
const height = 110;

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** What an event costs with more and more streams, in µs: how even the lines are is what they show. Nothing, where little was measured. */
export function drawCurve(tables: readonly Table[], mode: string, { x, y, width }: Place): readonly string[] {
  const costs = (subject: string) =>
    streams.flatMap((count, index) => {
      const values = rowOf(tables, `${mode}-${count}`, 'cpu')?.values[subject];
      return values?.length
        ? [{ at: x + 20 + (index * (width - 60)) / (streams.length - 1), cost: median(values) }]
        : [];
    });
  const known = Object.entries(lines).map(([subject, kind]) => ({ kind, points: costs(subject) }));
  const all = known.flatMap(({ points }) => points);
  if (all.length < 2 * streams.length) return [];
  const most = Math.max(...all.map(({ cost }) => cost));
  const level = (cost: number) => y + 36 + height * (1 - cost / most);
  const labels = streams.map((count, index) =>
    text(known[0]?.points[index]?.at ?? x, y + height + 56, count.toLocaleString('en'), 'text-anchor="middle"'),
  );
  return [
    text(x, y + 12, `CPU per event with 10 to 5,000 streams, ${mode}, µs`, 'class="title"'),
    line([[x, level(0)] as const, [x + width - 10, level(0)] as const], 'axis'),
    ...labels,
    ...known.flatMap(({ kind, points }) => [
      line(
        points.map(({ at, cost }) => [at, level(cost)] as const),
        kind,
      ),
      ...points.map(({ at, cost }) =>
        text(at, level(cost) + (kind === 'own' ? -6 : 15), short(cost), `class="${kind}" text-anchor="middle"`),
      ),
    ]),
  ];
}

export const curveHeight = height + 68;
