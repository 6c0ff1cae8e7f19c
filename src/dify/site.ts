import { id, text, type Json } from './coerce.ts';

/** `GET /site` (§1.29, since Dify 1.4): how Dify's own web app shows this app. Empty texts are null. */
export interface SiteRecord {
  readonly title: string;
  readonly description: string | null;
  readonly chatColorTheme: string | null;
  readonly chatColorThemeInverted: boolean;
  /** `emoji`, `image`, `link`; an open set. */
  readonly iconType: string | null;
  /** The emoji, or the image's id. */
  readonly icon: string | null;
  readonly iconBackground: string | null;
  /** Signed by Dify and short-lived. */
  readonly iconUrl: string | null;
  readonly copyright: string | null;
  readonly privacyPolicy: string | null;
  readonly customDisclaimer: string | null;
  /** Since Dify 1.16. */
  readonly inputPlaceholder: string | null;
  readonly defaultLanguage: string | null;
  readonly showWorkflowSteps: boolean;
  readonly useIconAsAnswerIcon: boolean;
}

/** Null if this cannot be a site: every one has a title. */
export function parseSite(from: Json): SiteRecord | null {
  if (typeof from['title'] !== 'string') return null;
  return {
    title: text(from['title']),
    description: id(from['description']),
    chatColorTheme: id(from['chat_color_theme']),
    chatColorThemeInverted: from['chat_color_theme_inverted'] === true,
    iconType: id(from['icon_type']),
    icon: id(from['icon']),
    iconBackground: id(from['icon_background']),
    iconUrl: id(from['icon_url']),
    copyright: id(from['copyright']),
    privacyPolicy: id(from['privacy_policy']),
    customDisclaimer: id(from['custom_disclaimer']),
    inputPlaceholder: id(from['input_placeholder']),
    defaultLanguage: id(from['default_language']),
    showWorkflowSteps: from['show_workflow_steps'] === true,
    useIconAsAnswerIcon: from['use_icon_as_answer_icon'] === true,
  };
}
