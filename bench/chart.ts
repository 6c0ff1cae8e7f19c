import { readFileSync, writeFileSync } from 'node:fs';
import { curveHeight, drawCurve } from './curve.ts';
import { type Row, ratio, rowOf, short, type Table } from './figures.ts';
import { text } from './svg.ts';

// The main ratios of the last full run as a picture for the README: `npm run bench -- --peers`, then `npm run bench:chart`.

/** What main.ts leaves. */
interface Report {
  readonly date: string;
  readonly machine: { readonly node: string; readonly processor: string; readonly loadBefore: string };
  readonly tables: readonly Table[];
}

/** A group of bars: what each costs beside the relay. */
interface Panel {
  readonly title: string;
  readonly table: string;
  readonly row: string;
  readonly base: string;
}

const panels: readonly Panel[] = [
  { title: 'CPU per event, 100 streams, flood', table: 'flood-100', row: 'cpu', base: 'relay' },
  { title: 'CPU per event, 100 streams, 20 a second each', table: 'paced-100', row: 'cpu', base: 'relay' },
  { title: 'CPU per event, 1,000 streams', table: 'paced-1000', row: 'cpu', base: 'relay' },
  { title: 'Latency of an event, p50', table: 'latency', row: 'p50', base: 'relay' },
  { title: 'Time to the first text, p50', table: 'first', row: 'p50', base: 'relay' },
  { title: 'Memory in use for an active stream, of 5,000', table: 'active-5000', row: 'used', base: 'relay' },
  { title: 'CPU per delivery, 1,000 watchers of one run', table: 'fan-out-1000', row: 'cpu', base: 'relay' },
];

const names: Readonly<Record<string, string>> = {
  relay: 'relay without GraphQL',
  gateway: 'dify-graphql',
  yoga: 'GraphQL Yoga',
  apollo: 'Apollo Server',
  mercurius: 'Mercurius',
};
const left = 190;
const width = 760;
const barHeight = 16;
const most = width - left - 130;

/** The main ratios as a picture: a bar for each, the relay's being 1. Only what was measured is drawn. */
function draw({ date, machine, tables }: Report): string {
  const parts: string[] = [];
  let y = 46;
  for (const panel of panels) {
    const row = rowOf(tables, panel.table, panel.row);
    const bars = row ? barsOf(row, panel.base) : [];
    if (bars.length < 2) continue;
    parts.push(text(16, y + 12, panel.title, 'class="title"'));
    y += 22;
    const scale = most / Math.max(...bars.map(({ value }) => value));
    for (const { name, value, spread } of bars) {
      parts.push(text(left - 8, y + 12, names[name] ?? name, 'text-anchor="end"'));
      const size = Math.max(1, value * scale).toFixed(1);
      parts.push(
        `<rect class="${name === 'gateway' ? 'ours' : 'bar'}" x="${left}" y="${y}" width="${size}" height="${barHeight - 3}" rx="2"/>`,
      );
      parts.push(text(left + value * scale + 8, y + 12, spread, 'class="value"'));
      y += barHeight;
    }
    y += 14;
  }
  const curves = ['flood', 'paced'].map((mode, index) =>
    drawCurve(tables, mode, { x: 16 + (index * width) / 2, y, width: width / 2 - 16 }),
  );
  if (curves.some((curve) => curve.length > 0)) y += curveHeight;
  const caption = `÷ relay, less is better. Measured ${date}: ${machine.processor}, node ${machine.node}, load before ${machine.loadBefore}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" role="img">`,
    `<title>What dify-graphql costs beside a relay without GraphQL</title>`,
    `<style>text{font:12px system-ui,sans-serif;fill:#59636e}.title{font-weight:600;fill:#1f2328}.value{fill:#59636e}`,
    `.bar{fill:#afb8c1}.ours{fill:#1f6feb}polyline{fill:none;stroke:#afb8c1;stroke-width:2}polyline.own{stroke:#1f6feb}text.own{fill:#1f6feb}@media(prefers-color-scheme:dark){text,.value{fill:#9198a1}.title{fill:#f0f6fc}.bar{fill:#484f58}}</style>`,
    text(16, 24, caption, ''),
    ...parts,
    ...curves.flat(),
    '</svg>',
    '',
  ].join('\n');
}

function barsOf({ values }: Row, base: string): readonly { name: string; value: number; spread: string }[] {
  return Object.keys(values).flatMap((name) => {
    const found = ratio(values, name, base);
    if (!found) return [];
    const spread = name === base ? '1' : `${short(found.median)} (${short(found.least)}–${short(found.most)})`;
    return [{ name, value: found.median, spread }];
  });
}

const report = new URL('./results/full.json', import.meta.url);
const picture = new URL('./results.svg', import.meta.url);
writeFileSync(picture, draw(JSON.parse(readFileSync(report, 'utf8')) as Report));
