import { id, isJson, json, type Json, list, number, text, texts, whole } from './coerce.ts';
import { parseJson } from './json.ts';
import type { AppFeatures, AppParameters, FileUpload, InputField } from './parameters.ts';

export function parseParameters(from: Json): AppParameters {
  const features = featuresOf(from);
  return {
    openingStatement: id(from['opening_statement']),
    suggestedQuestions: texts(from['suggested_questions']),
    autoPlay: features.textToSpeech.autoPlay,
    inputs: list(from['user_input_form']).flatMap((item) => field(json(item))),
    features,
  };
}

/** Each item is an object whose only key is the kind, around the field itself. */
function field(item: Json): readonly InputField[] {
  return Object.entries(item).flatMap(([type, value]) => {
    if (!isJson(value) || id(value['variable']) === null) return [];
    const variable = text(value['variable']);
    const schema = value['json_schema'];
    const parsed = typeof schema === 'string' ? parseJson(schema) : schema;
    return {
      type,
      variable,
      label: id(value['label']) ?? variable,
      description: id(value['description']),
      required: value['required'] === true,
      default: value['default'] ?? null,
      options: texts(value['options']),
      maxLength: whole(value['max_length']),
      allowedFileTypes: texts(value['allowed_file_types']),
      allowedFileExtensions: texts(value['allowed_file_extensions']),
      allowedUploadMethods: texts(value['allowed_file_upload_methods']),
      hide: value['hide'] === true,
      jsonSchema: isJson(parsed) ? parsed : null,
    };
  });
}

function featuresOf(from: Json): AppFeatures {
  const isOn = (name: string): boolean => json(from[name])['enabled'] === true;
  const speech = json(from['text_to_speech']);
  const limits = json(from['system_parameters']);
  return {
    fileUpload: fileUpload(json(from['file_upload'])),
    sizeLimitsMb: {
      document: number(limits['file_size_limit']),
      image: number(limits['image_file_size_limit']),
      audio: number(limits['audio_file_size_limit']),
      video: number(limits['video_file_size_limit']),
    },
    workflowFileLimit: whole(limits['workflow_file_upload_limit']),
    speechToText: isOn('speech_to_text'),
    textToSpeech: {
      enabled: isOn('text_to_speech'),
      voice: id(speech['voice']),
      language: id(speech['language']),
      autoPlay: isOn('text_to_speech') && speech['autoPlay'] === 'enabled',
    },
    suggestedQuestionsAfterAnswer: isOn('suggested_questions_after_answer'),
    citations: isOn('retriever_resource'),
    annotationReply: isOn('annotation_reply'),
    moreLikeThis: isOn('more_like_this'),
    sensitiveWordAvoidance: isOn('sensitive_word_avoidance'),
  };
}

/** The console's whole object, or only its older part `image` (§1.36, 14). */
function fileUpload(from: Json): FileUpload {
  const image = json(from['image']);
  if (from['enabled'] === undefined && from['allowed_file_types'] === undefined) {
    const enabled = image['enabled'] === true;
    const methods = texts(image['transfer_methods']);
    const types = Object.keys(image).length === 0 ? [] : ['image'];
    return { enabled, types, extensions: [], methods, numberLimit: whole(image['number_limits']) };
  }
  return {
    enabled: from['enabled'] === true,
    types: texts(from['allowed_file_types']),
    extensions: texts(from['allowed_file_extensions']),
    methods: texts(from['allowed_file_upload_methods'] ?? from['transfer_methods'] ?? image['transfer_methods']),
    numberLimit: whole(from['number_limits'] ?? image['number_limits']),
  };
}
