import type { GraphiQLOptions } from 'graphql-yoga';
import type { Examples } from './graphiql/examples.ts';
import { freshTabsScript } from './graphiql/fresh-tabs.ts';
import { tabs } from './graphiql/tabs.ts';
import { uploadScript, uploadStyle } from './graphiql/upload-button.ts';

export interface GraphiqlPage {
  options(request: Request): Promise<GraphiQLOptions>;
  render(options: GraphiQLOptions): Promise<string>;
}

/** GraphiQL from this server alone: nothing is loaded from elsewhere. Its 9 MB are read when somebody opens the page. */
export function graphiqlPage(examples: (request: Request) => Promise<Examples>): GraphiqlPage {
  return {
    options: async (request) => ({
      title: 'dify-graphql',
      subscriptionsProtocol: 'WS',
      defaultTabs: tabs(await examples(request)).map((query) => ({ query, headers: USER })),
      headers: USER,
      defaultHeaders: USER,
      shouldPersistHeaders: true,
    }),
    render: async (options) => {
      const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
      const documents = options.defaultTabs?.flatMap(({ query }) => query ?? []) ?? [];
      const ours = `${OURS}<script>${freshTabsScript(documents)}</script>`;
      return renderGraphiQL(options).replace('</head>', () => `${ours}</head>`);
    },
  };
}

/** Whom the page speaks for, until somebody changes it there. */
export const pageUser = 'me';

/** What the page sends with every operation. */
export const pageHeaders: Readonly<Record<string, string>> = { 'x-user': pageUser };
const USER = JSON.stringify(pageHeaders, null, 2);

/**
 * GraphiQL leaves its tabs with an old shift that takes effect while one is pressed: it jumps away, and the first click is lost.
 * And each has room for a button that closes it: with that in the open one only, all of ours are in sight.
 */
const TABS_STAY = `
.graphiql-tab { transform: none !important }
.graphiql-tab:not(.graphiql-tab-active) .graphiql-tab-button { padding-right: 8px !important }
.graphiql-tab:not(.graphiql-tab-active) .graphiql-tab-close { display: none !important }
.graphiql-tabs { gap: 4px !important }
.graphiql-logo { white-space: nowrap }
`;

const OURS = `<style>${TABS_STAY}${uploadStyle}</style><script>${uploadScript(pageHeaders)}</script>`;
