/**
 * GraphiQL keeps the tabs of the last visit. Those that nobody has changed since become what is served now: with keys that have
 * not been used, and ids of what was asked meanwhile. Runs before GraphiQL does, which looks for the tab that was open by what
 * stood in it last: without that it would add an empty one.
 */
export const freshTabsScript = (documents: readonly string[]) => `
try {
  const [stored, ours] = ['graphiql:tabState', 'dify-graphql:tabs'];
  const served = ${JSON.stringify(documents).replaceAll('<', String.raw`\u003c`)};
  const before = JSON.parse(localStorage.getItem(ours) ?? '[]');
  const state = JSON.parse(localStorage.getItem(stored));
  const isUntouched = ({ query }) => before.includes(query);
  const isKnown = !state || before.length === served.length || state.tabs.every(isUntouched);
  if (state && before.length === served.length) {
    for (const tab of state.tabs.filter(isUntouched)) {
      tab.query = served[before.indexOf(tab.query)];
      // It is called by what was run in it last.
      tab.operationName = null;
      tab.title = /^(?:query|mutation|subscription) ([A-Za-z]+)/m.exec(tab.query)?.[1] ?? tab.title;
    }
    localStorage.setItem(stored, JSON.stringify(state));
    const open = state.tabs[state.activeTabIndex];
    for (const part of ['query', 'variables', 'headers']) localStorage.setItem('graphiql:' + part, open[part] ?? '');
  } else if (isKnown) localStorage.removeItem(stored);
  if (isKnown) localStorage.setItem(ours, JSON.stringify(served));
} catch {
  // A browser that stores nothing shows what is served.
}
`;
