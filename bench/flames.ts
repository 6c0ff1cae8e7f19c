import type { Frame } from './cpu-profile.ts';

const width = 1_600;
const height = 17;
/** Narrower ones are not drawn. */
const narrowest = 0.6;

/** A flame graph as a picture that needs nothing else: a click on a frame makes it as wide as the picture, one on the ground goes back. */
export function drawFlames(root: Frame, title: string): string {
  const frames: string[] = [];
  let deepest = 0;
  const add = (frame: Frame, start: number, depth: number): void => {
    const size = (frame.total / root.total) * width;
    if (size < narrowest) return;
    deepest = Math.max(deepest, depth);
    frames.push(draw(frame, { start, size, depth, part: frame.total / root.total }));
    let at = start;
    for (const child of [...frame.children.values()].toSorted((a, b) => b.total - a.total)) {
      add(child, at, depth + 1);
      at += (child.total / root.total) * width;
    }
  };
  add(root, 0, 0);
  const tall = (deepest + 1) * height + 30;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${tall}" viewBox="0 0 ${width} ${tall}">
<style>text{font:11px ui-monospace,monospace;pointer-events:none}g{cursor:pointer}rect{stroke:#fff;stroke-width:.5}</style>
<rect width="100%" height="100%" fill="#fff"/><text x="6" y="16">${escape(title)}</text>
${frames.join('\n')}
<script><![CDATA[${zoom}]]></script>
</svg>
`;
}

interface Place {
  readonly start: number;
  readonly size: number;
  readonly depth: number;
  readonly part: number;
}

function draw({ name, place }: Frame, { start, size, depth, part }: Place): string {
  const full = place === '' ? name : `${name} ${place}`;
  const label = escape(full);
  const shown = size > 30 ? escape(full.slice(0, Math.floor(size / 6.7))) : '';
  const y = 24 + depth * height;
  return (
    `<g data-x="${start.toFixed(2)}" data-w="${size.toFixed(2)}"><title>${label}: ${(part * 100).toFixed(2)} %</title>` +
    `<rect x="${start.toFixed(2)}" y="${y}" width="${size.toFixed(2)}" height="${height - 1}" fill="${colourOf(place)}"/>` +
    `<text x="${(start + 3).toFixed(2)}" y="${y + 12}" data-label="${label}">${shown}</text></g>`
  );
}

/** The product's own, its dependencies', Node's, and what has no source. */
function colourOf(place: string): string {
  if (place.startsWith('src/')) return '#f5a55a';
  if (place.includes('node_modules')) return '#8fc28f';
  if (place.startsWith('node:')) return '#9cbbe0';
  return '#d0d0d0';
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

// Runs in the picture.
const zoom = `
const all = [...document.querySelectorAll('g')];
function show(from, size) {
  const scale = ${width} / size;
  for (const one of all) {
    const start = +one.dataset.x, own = +one.dataset.w;
    const x = Math.max(0, (start - from) * scale), w = Math.min(${width}, (start - from + own) * scale) - x;
    one.style.display = w > 0.3 ? '' : 'none';
    const [rect, text] = [one.querySelector('rect'), one.querySelector('text')];
    rect.setAttribute('x', x); rect.setAttribute('width', Math.max(0, w));
    text.setAttribute('x', x + 3);
    text.textContent = w > 30 ? text.dataset.label.slice(0, Math.floor(w / 6.7)) : '';
  }
}
for (const one of all) one.addEventListener('click', () => show(+one.dataset.x, +one.dataset.w));
`;
