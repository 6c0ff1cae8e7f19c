import { expect } from 'vitest';
import type { ReadEvent, RunReader } from './run-reader.ts';
import type { Told } from './wire-model.ts';

/** What a client that read a run from its first event, and looked at it afterwards, knows of it. */
function shown({ events, ...reader }: RunReader, run: Record<string, unknown>): Omit<Told, 'rawText'> {
  const of = (type: string) => events.filter((event) => event.__typename === type);
  const newest = (all: readonly object[], key: string) => [
    ...new Map(all.map((one) => [(one as Record<string, unknown>)[key], one])).values(),
  ];
  const started = of('RunStarted').at(-1);
  const logs = of('AgentLogged').map(({ id, parentId, logNode: nodeId, label, logStatus: status, logError: error }) => {
    return { id, parentId, nodeId, label, status, error };
  });
  const { status, error, usage } = (reader.finished ?? {}) as unknown as Told;
  return {
    text: reader.text,
    reasoning: reader.reasoning,
    status,
    error,
    ids: {
      conversationId: text(started, 'conversationId'),
      messageId: text(started, 'messageId'),
      taskId: text(started, 'taskId'),
      workflowRunId: text(started, 'workflowRunId'),
    },
    steps: newest(
      of('AgentStepChanged').map(({ step }) => step as object),
      'id',
    ),
    nodes: run['nodes'] as Told['nodes'],
    rounds: of('RoundStarted').map(({ container, round }) => `${String(container)}:${String(round)}`),
    progress: (of('NodeChanged').at(-1)?.['progress'] as object | undefined) ?? {
      started: 0,
      finished: 0,
      failed: 0,
      current: [],
    },
    logs: newest(logs, 'id'),
    files: of('FileProduced').map(({ file }) => file as object),
    audio: of('AudioChunk').map(({ base64 }) => String(base64)),
    citations: (run['message'] as Told | null | undefined)?.citations ?? [],
    usage,
    outputs: run['outputs'] ?? null,
  };
}

function text(event: ReadEvent | undefined, key: string): string | null {
  return (event?.[key] as string | null | undefined) ?? null;
}

/** Its reader kept the contract, and reader, run and model say the same. */
export function expectAsTold(all: Told, reader: RunReader, looked: Record<string, unknown>): void {
  const { rawText, ...model } = withFilesNamed(all, SIGNED) as Told;
  const run = withFilesNamed(looked, OURS) as Record<string, unknown>;
  const isWorkflow = 'workflowRunId' in run;
  expect(reader.faults).toEqual([]);
  expect(reader.jumps).toBe(0);
  expect(reader.events.filter(({ __typename }) => __typename === 'RunFinished')).toHaveLength(1);
  expect(reader.events.at(-1)?.__typename).toBe('RunFinished');
  // A chatflow's outputs are its answer, which has been told.
  const outputs = isWorkflow ? model.outputs : null;
  expect(withFilesNamed(shown(reader, looked), OURS)).toEqual({ ...model, outputs });
  const { text: answer, status, error, usage, nodes, files, steps: agentSteps, citations, ids, progress } = model;
  const reasoning = model.reasoning === '' ? null : model.reasoning;
  const run_ = { status, error, usage, nodes, lastSeq: reader.seq, watchers: 0, answer };
  if (isWorkflow) expect(run).toMatchObject({ ...run_, files, progress, workflowRunId: ids.workflowRunId });
  else expect(run).toMatchObject({ ...run_, reasoning, conversationId: ids.conversationId, messageId: ids.messageId });
  const message = { answer, reasoning, rawAnswer: rawText ?? answer, usage, files, agentSteps, citations };
  if (!isWorkflow) expect(run['message']).toEqual(ids.messageId === null ? null : message);
}

/** Dify signs the addresses of its files for whoever has them: none leaves the gateway, which has addresses of its own. */
const SIGNED =
  /(?:https?:\/\/[\w.:-]+)?\/files\/(?:tools\/)?([0-9a-f-]{36})[\w./-]*\?timestamp=\d+&nonce=\w+&sign=[\w%=-]+/g;
const OURS = /\/files\/[a-z]+\/([0-9a-f-]{36})\?ticket=[\w.-]+/g;

/** A copy in which such addresses, of files and within texts, are the ids of their files. */
function withFilesNamed(value: unknown, address: RegExp): unknown {
  if (typeof value === 'string') return value.replace(address, 'file $1');
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => withFilesNamed(one, address));
  const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withFilesNamed(one, address)]));
  const isOurs = inner['dify_model_identity'] === '__dify__file__' && String(inner['url']).startsWith('file ');
  return isOurs ? { ...inner, remote_url: null } : inner;
}
