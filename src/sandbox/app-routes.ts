import type { App, FormField } from './app.ts';
import { mostFiles } from './attachments.ts';
import { dateTime } from './clock.ts';
import { refusal } from './errors.ts';
import { sizeLimits } from './file-kinds.ts';
import { json, type Call, type Reply } from './http.ts';
import { fixedId } from './ids.ts';
import { nobody } from './users.ts';
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
export const site = ({ features }: World, { app }: Call): Reply =>
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
    ...(features.newAgent ? { input_placeholder: null } : {}),
  });

/** `GET /end-users/{id}` */
export function endUserDetail(world: World, { app, params }: Call): Reply {
  const user = world.users.find(app.name, params['user'] ?? '');
  if (user === undefined) throw refusal(404, 'end_user_not_found', 'End user not found.');
  return json({
    id: user.id,
    tenant_id: fixedId('tenant'),
    app_id: app.id,
    type: 'service-api',
    external_user_id: user.session,
    name: null,
    is_anonymous: user.session === nobody,
    session_id: user.session,
    created_at: dateTime(user.createdAt),
    updated_at: dateTime(user.createdAt),
  });
}

const off = { enabled: false };

/** `GET /parameters` */
export const parameters = (world: World, { app }: Call): Reply =>
  json({
    opening_statement: app.opening,
    suggested_questions: app.openers,
    suggested_questions_after_answer: { enabled: app.suggestsQuestions },
    speech_to_text: { enabled: app.speaks !== false },
    text_to_speech: {
      enabled: app.speaks !== false,
      voice: app.speaks === false ? '' : 'silence',
      language: app.speaks === false ? '' : 'en-US',
      ...(app.speaks === 'itself' ? { autoPlay: 'enabled' } : {}),
    },
    retriever_resource: { enabled: app.citesSources },
    annotation_reply: annotationReply(world, app),
    more_like_this: off,
    user_input_form: app.form.map(formItem),
    sensitive_word_avoidance: off,
    file_upload: uploadsOf(app),
    system_parameters: {
      image_file_size_limit: sizeLimits.image,
      video_file_size_limit: sizeLimits.video,
      audio_file_size_limit: sizeLimits.audio,
      file_size_limit: sizeLimits.document,
      workflow_file_upload_limit: 10,
    },
  });

function annotationReply(world: World, app: App): object {
  const setting = world.annotations.setting(app.name, world.now());
  if (setting === undefined) return off;
  const { threshold, provider, model } = setting;
  return {
    id: fixedId(`annotation-reply/${app.name}`),
    enabled: true,
    score_threshold: threshold,
    embedding_model: { embedding_provider_name: provider, embedding_model_name: model },
  };
}

const methods = ['local_file', 'remote_url'];

/** Graph apps tell of all kinds of files, easy-UI apps have the part on images beside them (§1.27). */
function uploadsOf({ takesFiles: enabled }: App): object {
  const limits = { number_limits: mostFiles, transfer_methods: methods };
  const image = { enabled, detail: 'high', ...limits };
  if (!enabled) return { enabled, image, ...limits };
  return {
    enabled,
    image,
    ...limits,
    allowed_file_types: ['image', 'document', 'audio', 'video'],
    allowed_file_extensions: [],
    allowed_file_upload_methods: methods,
    fileUploadConfig: {
      file_size_limit: sizeLimits.document,
      image_file_size_limit: sizeLimits.image,
      audio_file_size_limit: sizeLimits.audio,
      video_file_size_limit: sizeLimits.video,
      workflow_file_upload_limit: 10,
    },
  };
}

function formItem(field: FormField): object {
  const { variable, label, required, type } = field;
  const isFile = type === 'file' || type === 'file-list';
  return {
    [type]: {
      variable,
      label,
      type,
      required,
      max_length: field.maxLength ?? null,
      options: field.options ?? [],
      default: field.default ?? '',
      ...(isFile
        ? {
            allowed_file_types: ['image', 'document', 'audio', 'video'],
            allowed_file_extensions: [],
            allowed_file_upload_methods: methods,
          }
        : {}),
      ...(type === 'json_object' ? { json_schema: { type: 'object' } } : {}),
    },
  };
}
