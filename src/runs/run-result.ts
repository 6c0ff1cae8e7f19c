import type { MessageRecord } from '../dify/records.ts';
import type { WireFile, WireUsage } from '../dify/wire-event.ts';
import type { WorkflowRunRecord } from '../dify/workflow-run.ts';
import type { Citation, RunFile, Usage } from './run-event.ts';
import { runFile } from './run-file.ts';
import { tokensOnly, usageOf } from './usage.ts';

/** What a run comes to besides its text: figures, sources, outputs, and files, each of which is told once. */
export class RunResult {
  usage: Usage | null = null;
  citations: readonly Citation[] = [];
  outputs: Readonly<Record<string, unknown>> | null = null;
  readonly #files = new Set<string>();
  readonly #produced: (file: RunFile) => void;

  constructor(produced: (file: RunFile) => void) {
    this.#produced = produced;
  }

  /** As a run that another process has written so far has them. */
  resume(files: readonly RunFile[]): void {
    for (const { id } of files) this.#files.add(id);
  }

  file(file: RunFile): void {
    if (this.#files.has(file.id)) return;
    this.#files.add(file.id);
    this.#produced(file);
  }

  files(files: readonly WireFile[]): void {
    for (const file of files) if (file.id !== null) this.file(runFile(file.id, file));
  }

  /** Without figures of its own, those of the graph stand. */
  answered(usage: WireUsage | null, citations: readonly Citation[]): void {
    if (usage) this.usage = usageOf(usage);
    this.citations = citations;
  }

  finished(outputs: Readonly<Record<string, unknown>> | null, totalTokens: number, elapsed: number | null): void {
    this.outputs = outputs;
    this.usage ??= tokensOnly(totalTokens, { latencySeconds: elapsed });
  }

  /** What Dify's records tell more of. `isGraph`: where its stream told files, it did under other ids. */
  recorded(run: WorkflowRunRecord | null, message: MessageRecord | null, isGraph: boolean): void {
    if (run) {
      this.outputs = run.outputs;
      this.usage ??= tokensOnly(run.totalTokens ?? 0, { latencySeconds: run.elapsedTime, source: 'RUN_RECORD' });
    }
    if (!message) return;
    if (!isGraph || this.#files.size === 0) this.files(message.files.filter(({ belongsTo }) => belongsTo !== 'user'));
    if (message.citations.length > 0) this.citations = message.citations;
    if (message.usage?.totalTokens) this.usage = usageOf(message.usage, 'RUN_RECORD');
  }
}
