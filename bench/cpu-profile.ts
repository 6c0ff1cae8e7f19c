/** What `node --cpu-prof` writes: a tree of calls, and which of them each sample met. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** In µs, between one sample and the next. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** A function where it was called, with everything that it called. */
export interface Frame {
  readonly name: string;
  /** `src/runs/pump.ts:12` */
  readonly place: string;
  /** In µs. */
  self: number;
  total: number;
  readonly children: Map<string, Frame>;
}

/** The calls as a tree, the time in which nothing ran left out. */
export function fold({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const self = new Map<number, number>();
  for (const [at, id] of samples.entries()) self.set(id, (self.get(id) ?? 0) + (timeDeltas[at] ?? 0));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const add = (parent: Frame, node: ProfileNode): void => {
    const frame = childOf(parent, node);
    frame.self += self.get(node.id) ?? 0;
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child && !isApart(child)) add(frame, child);
    }
  };
  const top: Frame = { name: '', place: '', self: 0, total: 0, children: new Map() };
  if (nodes[0]) add(top, nodes[0]);
  sum(top);
  return top.children.values().next().value ?? top;
}

/** Nothing ran, or the profiler did. */
function isApart({ callFrame: { functionName, url } }: ProfileNode): boolean {
  return functionName === '(idle)' || url === 'node:inspector';
}

function childOf(parent: Frame, { callFrame }: ProfileNode): Frame {
  const name = callFrame.functionName || '(anonymous)';
  const place = placeOf(callFrame);
  const key = `${name} ${place}`;
  const known = parent.children.get(key);
  if (known) return known;
  const frame: Frame = { name, place, self: 0, total: 0, children: new Map() };
  parent.children.set(key, frame);
  return frame;
}

const root = new URL('..', import.meta.url).href;

function placeOf({ url, lineNumber }: ProfileNode['callFrame']): string {
  const path = url.replace(root, '').replace(/^.*\/node_modules\//, 'node_modules/');
  return path === '' ? '' : `${path}:${lineNumber + 1}`;
}

function sum(frame: Frame): number {
  frame.total = frame.self;
  for (const child of frame.children.values()) frame.total += sum(child);
  return frame.total;
}

/** Functions by the time they took without those that they called, most first; `part` of all. */
export function selfTimes(frame: Frame): readonly { name: string; place: string; part: number }[] {
  const times = new Map<string, { name: string; place: string; part: number }>();
  const visit = ({ name, place, self, children }: Frame): void => {
    const key = `${name} ${place}`;
    const known = times.get(key) ?? { name, place, part: 0 };
    known.part += self / frame.total;
    times.set(key, known);
    for (const child of children.values()) visit(child);
  };
  visit(frame);
  return [...times.values()].toSorted((a, b) => b.part - a.part);
}
