import type { Json } from './client.ts';

/** The parts of an event whose keys are the app's own; of the model and the retrieval node they are Dify's. */
const free = new Set([
  'inputs',
  'outputs',
  'process_data',
  'tool_labels',
  'iteration_duration_map',
  'extras',
  'reasoning',
  'submitted_data',
]);
const fixed = new Set(['llm', 'knowledge-retrieval']);

/** The ordered keys of an event, nested: `{event,data{id,…},files[{…}]}`. Values do not matter, nor whether they are null. */
export function shapeOf(value: unknown, skip: ReadonlySet<string> = free): string {
  if (Array.isArray(value)) return value.length === 0 ? '' : `[${shapeOf(value[0], skip)}]`;
  if (typeof value !== 'object' || value === null) return '';
  const members = Object.entries(value).map(([key, member]) => (skip.has(key) ? key : key + shapeOf(member, skip)));
  return `{${members.join(',')}}`;
}

/** The shapes of an event by what they are of: its envelope, by family, and its `data`, by kind of node. */
function shapesOf(event: Json): [kind: string, shape: string][] {
  const { event: name, data, metadata } = event;
  const family = 'conversation_id' in event ? 'chat' : 'workflow_run_id' in event ? 'workflow' : 'completion';
  const text = name === 'message_file' && 'answer' in event ? ' with text' : '';
  const envelope = `${family} ${String(name)}${text}`;
  if (typeof data !== 'object' || data === null) return [[envelope, shapeOf(event)]];
  const { node_type: type = '', execution_metadata: cost, ...rest } = data as Json;
  const skip = fixed.has(String(type)) ? new Set(['inputs', 'tool_labels']) : free;
  return [
    [envelope, Object.keys(event).join()],
    [`data of ${String(name)} ${String(type)}`, shapeOf({ node_type: type, ...rest }, skip)],
    // Where in an iteration a node ran is added to whatever it notes.
    ['execution_metadata', shapeOf(cost).replace(/,?iteration_id,iteration_index\}$/, '}')],
    ...(metadata === undefined ? [] : [[`${envelope} metadata`, shapeOf(metadata)] as [string, string]]),
  ];
}

/** Every shape there is of each kind. */
export function shapesByKind(events: readonly Json[]): Map<string, Set<string>> {
  const shapes = new Map<string, Set<string>>();
  for (const [kind, shape] of events.flatMap(shapesOf)) shapes.set(kind, (shapes.get(kind) ?? new Set()).add(shape));
  return shapes;
}

/** The shapes that are not among the known ones of their kind; kinds that `unknown` names may have any. */
export function unlike(
  events: readonly Json[],
  known: ReadonlyMap<string, ReadonlySet<string>>,
  unknown: ReadonlySet<string>,
) {
  const found = events.flatMap(shapesOf).flatMap(([kind, shape]) => {
    const shapes = known.get(kind);
    if (shapes === undefined && unknown.has(kind)) return [];
    return shapes?.has(shape) === true ? [] : [`${kind} ${shape}`];
  });
  return [...new Set(found)];
}
