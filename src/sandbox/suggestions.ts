import type { App } from './app.ts';

/** What one might ask next: the app's openers that have not just been asked. */
export function suggestionsFor(app: App, asked: string): string[] {
  const more = ['Thanks!', 'What else can you do?'];
  return [...app.openers, ...more].filter((question) => question !== asked.trim()).slice(0, 3);
}
