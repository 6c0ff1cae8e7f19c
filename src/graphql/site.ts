import type { SiteRecord } from '../dify/site.ts';
import type { ToolIcon } from '../dify/tool-icons.ts';
import { App, toldBy } from './app.ts';
import { builder } from './builder.ts';
import { publicUrl } from './public-url.ts';

const AppSite = builder.objectRef<SiteRecord>('AppSite').implement({
  description: 'How Dify’s own web app shows an app.',
  fields: (t) => ({
    title: t.exposeString('title'),
    iconType: t.exposeString('iconType', { nullable: true, description: 'emoji, image, link … as in Dify.' }),
    icon: t.string({
      nullable: true,
      description: 'The emoji, or the id of the image.',
      resolve: ({ icon }) => (icon?.includes('/') ? publicUrl(icon) : icon),
    }),
    iconBackground: t.exposeString('iconBackground', { nullable: true }),
    iconUrl: t.string({
      nullable: true,
      description: 'Only if it is public: addresses that Dify has signed are not passed on.',
      resolve: ({ iconUrl }) => publicUrl(iconUrl),
    }),
    description: t.exposeString('description', { nullable: true }),
    copyright: t.exposeString('copyright', { nullable: true }),
    privacyPolicy: t.exposeString('privacyPolicy', { nullable: true }),
    defaultLanguage: t.exposeString('defaultLanguage', { nullable: true }),
  }),
});

builder.objectFields(App, (t) => ({
  site: t.field({
    type: AppSite,
    nullable: true,
    description: 'Null when it has none, before Dify 1.4, and while Dify cannot be asked.',
    resolve: (app, _, context) => toldBy(app, context, (dify) => dify.site()),
  }),
  toolIcons: t.field({
    type: 'JSON',
    nullable: true,
    description:
      'Icons of its tools by name: a public URL, or `{ content, background }`, an emoji on a colour. Null while Dify cannot be asked.',
    resolve: async (app, _, context) => {
      const meta = await toldBy(app, context, (dify) => dify.meta());
      return meta && Object.fromEntries(meta.toolIcons.flatMap(entryOf));
    },
  }),
}));

function entryOf({ tool, url, emoji: content, background }: ToolIcon): readonly (readonly [string, unknown])[] {
  const icon = content === null ? publicUrl(url) : { content, background };
  return icon === null ? [] : [[tool, icon]];
}
