/** One row of a table: a value of each round for each subject, in the order of the rounds. */
export interface Row {
  /** By which goals and the chart find it in its table. */
  readonly key: string;
  readonly label: string;
  readonly values: Values;
  /** What the others are compared with: the first. */
  readonly base?: string;
  /** Values that say how it went, and are not to be compared. */
  readonly plain?: boolean;
}

export type Values = Readonly<Record<string, readonly number[]>>;

export interface Table {
  readonly key: string;
  readonly title: string;
  readonly rows: readonly Row[];
  /** What is to be known of it. */
  readonly notes?: readonly string[];
}

export function rowOf(tables: readonly Table[], table: string, row: string): Row | undefined {
  return tables.find(({ key }) => key === table)?.rows.find(({ key }) => key === row);
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

export function median(values: readonly number[]): number {
  const negative = values.map((value) => -value);
  return (quantile(values, 0.5) - quantile(negative, 0.5)) / 2;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Of the medians, and between which values it lies from round to round; null where one was not measured. */
export function ratio(values: Values, subject: string, base: string): Spread | null {
  const [above, below] = [values[subject], values[base]];
  if (!above?.length || !below?.length) return null;
  const each = above.slice(0, below.length).map((value, round) => value / (below[round] ?? Number.NaN));
  return { median: median(above) / median(below), least: Math.min(...each), most: Math.max(...each) };
}

/** Three figures are more than such a measurement has. */
export function short(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

function withSpread({ median: middle, least, most }: Spread): string {
  if (least === most) return short(middle);
  return `${short(middle)} (${short(least)}–${short(most)})`;
}

function cells(row: Row, subject: string, values: readonly number[]): readonly string[] {
  const all = { median: median(values), least: Math.min(...values), most: Math.max(...values) };
  const bases = row.plain ? [] : [row.base ?? Object.keys(row.values)[0] ?? '', 'gateway'];
  const ratios = [...new Set(bases)].flatMap((base) => {
    const compared =
      base === subject || (base === 'gateway' && subject === 'relay') ? null : ratio(row.values, subject, base);
    return compared ? [`${withSpread(compared)} × ${base}`] : [];
  });
  return [`    ${subject}`, withSpread(all), ...ratios];
}

export function print({ title, rows, notes = [] }: Table): string {
  const lines = rows.flatMap((row) => {
    const subjects = Object.entries(row.values).filter(([, values]) => values.length > 0);
    return [`  ${row.label}`, ...subjects.map(([subject, values]) => layOut(cells(row, subject, values)))];
  });
  return [title, ...lines, ...notes.map((note) => `  ${note}`)].join('\n');
}

function layOut([subject = '', value = '', ...ratios]: readonly string[]): string {
  return `${subject.padEnd(20)}${value.padStart(22)}   ${ratios.map((text) => text.padEnd(32)).join('')}`.trimEnd();
}
