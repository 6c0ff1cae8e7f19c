import type { App, AppDefinition } from './app.ts';
import { definitions } from './app-list.ts';
import { fixedId } from './ids.ts';
import type { Features } from './versions.ts';

/** The graphs that were published a second time. */
const revised: readonly string[] = ['concierge', 'summarize'];

function versionsOf({ name, mode }: AppDefinition): string[] {
  if (mode !== 'workflow' && mode !== 'advanced-chat') return [];
  return [name, ...(revised.includes(name) ? [`${name}/first`] : [])].map((version) => fixedId(`workflow/${version}`));
}

/** All apps. Their keys are `app-sandbox-NAME`. */
const apps: readonly App[] = definitions.map((definition) => ({
  ...definition,
  id: fixedId(`app/${definition.name}`),
  workflowId: fixedId(`workflow/${definition.name}`),
  versions: versionsOf(definition),
  key: `app-sandbox-${definition.name}`,
}));

/** The apps that a sandbox with these features serves. */
export const appsOf = (features: Features): App[] => apps.filter(({ needs }) => needs === undefined || features[needs]);

/** The id of the version of an app's graph that is still being edited. */
export const draftOf = (app: App) => fixedId(`workflow/${app.name}/draft`);
