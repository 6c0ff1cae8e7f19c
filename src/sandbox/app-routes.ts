import type { FormField } from './apps.ts';
import { json, type Call, type Reply } from './http.ts';
import type { World } from './world.ts';

/** `GET /v1/`, the only route without a key. */
export const version = (world: World): Reply =>
  json({ welcome: 'Dify OpenAPI', api_version: 'v1', server_version: world.settings.version });

/** `GET /info` */
export const info = (_: World, { app }: Call): Reply =>
  json({ name: app.title, description: app.description, tags: [], mode: app.mode, author_name: 'sandbox' });

/** `GET /meta` */
export const meta = (world: World, { app }: Call): Reply =>
  json({ tool_icons: Object.fromEntries(app.tools.map((tool) => [tool, `${world.origin}/files/icons/${tool}.png`])) });

/** `GET /site` */
export const site = (_: World, { app }: Call): Reply =>
  json({
    title: app.title,
    chat_color_theme: null,
    chat_color_theme_inverted: false,
    icon_type: 'emoji',
    icon: app.icon,
    icon_background: '#E4FBCC',
    icon_url: null,
    description: app.description,
    copyright: null,
    privacy_policy: null,
    custom_disclaimer: '',
    default_language: 'en-US',
    show_workflow_steps: true,
    use_icon_as_answer_icon: false,
  });

const off = { enabled: false };
const uploads = { number_limits: 3, transfer_methods: ['local_file', 'remote_url'] };

/** `GET /parameters` */
export const parameters = (_: World, { app }: Call): Reply =>
  json({
    opening_statement: app.opening,
    suggested_questions: app.openers,
    suggested_questions_after_answer: { enabled: app.suggestsQuestions },
    speech_to_text: off,
    text_to_speech: { enabled: false, voice: '', language: '' },
    retriever_resource: { enabled: app.citesSources },
    annotation_reply: off,
    more_like_this: off,
    user_input_form: app.form.map(formItem),
    sensitive_word_avoidance: off,
    file_upload: { enabled: false, image: { enabled: false, detail: 'high', ...uploads }, ...uploads },
    system_parameters: {
      image_file_size_limit: 10,
      video_file_size_limit: 100,
      audio_file_size_limit: 50,
      file_size_limit: 15,
      workflow_file_upload_limit: 10,
    },
  });

function formItem(field: FormField): object {
  const { variable, label, required } = field;
  return {
    [field.type]: {
      variable,
      label,
      type: field.type,
      required,
      max_length: field.maxLength ?? null,
      options: field.options ?? [],
      default: field.default ?? '',
    },
  };
}
