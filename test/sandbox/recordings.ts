import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, type Json } from './client.ts';

/** Streams and replies of a real Dify 1.12.1. */
export const folder = fileURLToPath(new URL('../fixtures/dify/1.12.1', import.meta.url));

export interface Recording {
  readonly name: string;
  readonly request: { readonly method: string; readonly path: string; readonly body: unknown };
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly reads: readonly (readonly [number, number])[];
  readonly clientCut: boolean;
  readonly body: string;
}

export function recording(name: string): Recording {
  const meta = JSON.parse(readFileSync(join(folder, `${name}.meta.json`), 'utf8')) as Omit<Recording, 'name'> & {
    body: string | null;
  };
  const path = name.split('/')[0] ?? '';
  return { ...meta, name, body: meta.body === null ? '' : readFileSync(join(folder, path, meta.body), 'utf8') };
}

export const recordedStreams = () =>
  globSync('*/*.sse', { cwd: folder })
    .map((file) => file.slice(0, -'.sse'.length))
    .toSorted();

export const framesOf = (body: string): Json[] =>
  body
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: '))
    .flatMap((frame) => {
      try {
        return [parse(frame)];
      } catch {
        return []; // the recording's client went away in the middle of a frame
      }
    });

const traces = fileURLToPath(new URL('../fixtures/dify/traces', import.meta.url));

/** The events of a stream that was composed from the source of Dify 1.16.0, not recorded. */
export const trace = (name: string) => framesOf(readFileSync(join(traces, `${name}.sse`), 'utf8'));

export const traceNames = () =>
  globSync('*.sse', { cwd: traces })
    .map((file) => file.slice(0, -'.sse'.length))
    .toSorted();
