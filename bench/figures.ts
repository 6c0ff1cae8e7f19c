/** One row of a table: a value of each round for both, in the order of the rounds. */
export interface Row {
  readonly label: string;
  readonly relay: readonly number[];
  readonly gateway: readonly number[];
  /** Values that say how it went, and are not to be compared. */
  readonly plain?: boolean;
}

export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

function median(values: readonly number[]): number {
  return (
    (quantile(values, 0.5) +
      -quantile(
        values.map((value) => -value),
        0.5,
      )) /
    2
  );
}

/** Of the medians, and in brackets between which values it lies from round to round. */
function ratio({ relay, gateway }: Row): string {
  const each = gateway.map((value, round) => value / (relay[round] ?? Number.NaN));
  return withSpread(median(gateway) / median(relay), each);
}

function withSpread(middle: number, values: readonly number[]): string {
  return `${short(middle)} (${short(Math.min(...values))}–${short(Math.max(...values))})`;
}

/** Three figures are more than such a measurement has. */
function short(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

export function print({ title, rows }: Table): string {
  const head = ['', 'relay', 'gateway', 'gateway ÷ relay'];
  const lines = rows.map((row) => [
    row.label,
    withSpread(median(row.relay), row.relay),
    withSpread(median(row.gateway), row.gateway),
    row.plain ? '' : ratio(row),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]?.length ?? 0)));
  const text = [head, ...lines].map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
  return [title, ...text].join('\n  ');
}
