import type { GraphiQLOptions } from 'graphql-yoga';
import { tabs, type Examples } from './graphiql-tabs.ts';

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
      return renderGraphiQL(options).replace('</head>', `<style>${TABS_STAY}</style></head>`);
    },
  };
}

/** What the page sends with every operation, until somebody changes it there. */
export const pageHeaders: Readonly<Record<string, string>> = { 'x-user': 'me' };
const USER = JSON.stringify(pageHeaders, null, 2);

/** GraphiQL leaves its tabs with an old shift that takes effect while one is pressed: it jumps away, and the first click is lost. */
const TABS_STAY = '.graphiql-tab { transform: none !important }';
