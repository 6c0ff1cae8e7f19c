import { draftOf } from './apps.ts';
import type { App } from './app.ts';
import { notFound, refusal } from './errors.ts';
import { isUuid } from './ids.ts';

/** The version of a graph that a request asks for by its id; the newest without one (§1.6). */
export function versionFor(app: App, wanted: unknown, path: string): string {
  if (typeof wanted !== 'string' || wanted === '') return app.workflowId;
  if (!isUuid(wanted)) {
    throw refusal(400, 'bad_request', `Invalid workflow_id format: '${wanted}'. Please provide a valid UUID.`);
  }
  if (wanted === draftOf(app)) {
    throw refusal(
      400,
      'bad_request',
      `Cannot use draft workflow version. Workflow ID: ${wanted}. Please use a published version or leave workflow_id empty.`,
    );
  }
  if (!app.versions.includes(wanted)) throw notFound(`Workflow not found with id: ${wanted}`, path);
  return wanted;
}
