import type { GraphiQLOptions } from 'graphql-yoga';
import type { Examples } from './graphiql/examples.ts';
import { freshTabsScript } from './graphiql/fresh-tabs.ts';
import { newNonce, pagePolicy, withNonce } from './graphiql/policy.ts';
import { tabs } from './graphiql/tabs.ts';
import { uploadScript, uploadStyle } from './graphiql/upload-button.ts';

export interface GraphiqlPage {
  options(request: Request): Promise<GraphiQLOptions>;
  render(options: GraphiQLOptions): Promise<string>;
  /** What the page that this request was answered with may do; undefined for what was answered otherwise. */
  policy(request: Request): string | undefined;
}

/**
 * GraphiQL from this server alone: nothing is loaded from elsewhere. Its 9 MB are read when somebody opens the page. `headers`: what
 * it sends with every operation, until somebody changes it there.
 */
export function graphiqlPage(
  examples: (request: Request) => Promise<Examples>,
  headers: Readonly<Record<string, string>>,
): GraphiqlPage {
  const shown = JSON.stringify(headers, null, 2);
  const script = `<script>${uploadScript(headers)}</script>`;
  const nonces = new WeakMap<object, string>();
  return {
    options: async (request) => ({
      ...marked(request),
      title: 'dify-graphql',
      subscriptionsProtocol: 'WS',
      defaultTabs: tabs(await examples(request)).map((query) => ({ query, headers: shown })),
      headers: shown,
      defaultHeaders: shown,
      shouldPersistHeaders: true,
    }),
    render: async ({ nonce, ...options }: GraphiQLOptions & { readonly nonce?: string }) => {
      const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
      const documents = options.defaultTabs?.flatMap(({ query }) => query ?? []) ?? [];
      const ours = `${OURS}${script}<script>${freshTabsScript(documents)}</script>`;
      return withNonce(renderGraphiQL(options), ours, nonce ?? '');
    },
    policy(request) {
      const nonce = nonces.get(request);
      return nonce && pagePolicy(nonce);
    },
  };

  /** Yoga hands on to `render` what is in the options, and nothing else. */
  function marked(request: Request): { readonly nonce: string } {
    const nonce = newNonce();
    nonces.set(request, nonce);
    return { nonce };
  }
}

/** Whom the page speaks for where whoever speaks is believed. */
export const pageUser = 'me';

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

const OURS = `<style>${TABS_STAY}${uploadStyle}</style>`;
