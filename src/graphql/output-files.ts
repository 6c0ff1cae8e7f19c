import type { KeptRun } from '../runs/run-log.ts';
import { NOWHERE, withUrls } from '../runs/text-files.ts';
import type { FilePlace } from '../runs/run-file.ts';
import type { Context } from './context.ts';
import { withoutSignedUrls } from './public-url.ts';

/** A copy of what a run put out, in which files have addresses of this server's; Dify's own are keys, and stay here. */
export function withOwnAddresses<T>(value: T, run: KeptRun, context: Context): T {
  return replaced(value, run, context) as T;
}

function replaced(value: unknown, run: KeptRun, context: Context): unknown {
  if (Array.isArray(value)) return value.map((item) => replaced(item, run, context));
  if (typeof value !== 'object' || value === null) return withoutSignedUrls(value);
  const inner = Object.entries(value).map(([key, item]) => [key, replaced(item, run, context)] as const);
  const copy: Record<string, unknown> = Object.fromEntries(inner);
  // What marks a file anywhere in outputs (§7.4 of service-api).
  return copy['dify_model_identity'] === '__dify__file__' ? { ...copy, ...addressOf(copy, run, context) } : copy;
}

function addressOf(file: Readonly<Record<string, unknown>>, { state }: KeptRun, { files, viewer, urlBase }: Context) {
  if (file['transfer_method'] === 'remote_url') return {};
  const id = file['id'] ?? file['related_id'];
  const known = state.files.find((one) => one.id === id);
  const path = known ? files.address(viewer, known, placeOf(state)) : null;
  return { url: path === null ? withoutSignedUrls(file['url']) : urlBase + path, remote_url: null };
}

/** A copy of what Dify has stored, in whose texts addresses that it has signed are ones of this server's, as far as it finds the files. */
export function withOwnTexts<T>(stored: T, place: FilePlace | null, { files, viewer, urlBase }: Context): T {
  return withUrls(stored, (url) => {
    const path = place && files.textAddress(viewer, url, place);
    return path === null ? NOWHERE : urlBase + path;
  });
}

/** Where the files of a run are found again. */
export function placeOf({ header, conversationId, messageId }: KeptRun['state']) {
  return { app: header.app, runId: header.id, conversationId, messageId };
}
