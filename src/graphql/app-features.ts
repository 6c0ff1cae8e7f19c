import type { AppFeatures as Features } from '../dify/parameters.ts';
import { App } from './app.ts';
import { FileType, fileTypeOf } from './ask.ts';
import { builder } from './builder.ts';
import { appNamed } from './context.ts';

const FileUploadFeature = builder.objectRef<Features>('FileUploadFeature').implement({
  description: 'The files that may go with a question.',
  fields: (t) => ({
    types: t.field({
      type: [FileType],
      description: 'CUSTOM means those with an extension of `extensions`.',
      resolve: ({ fileUpload }) => fileUpload.types.map(fileTypeOf),
    }),
    extensions: t.stringList({ resolve: ({ fileUpload }) => [...fileUpload.extensions] }),
    numberLimit: t.int({
      nullable: true,
      description: 'Files with one question.',
      resolve: ({ fileUpload }) => fileUpload.numberLimit,
    }),
    sizeLimitsMb: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The largest file of each kind, in MB: `{ document, image, audio, video }`.',
      resolve: ({ sizeLimitsMb }) => sizeLimitsMb,
    }),
  }),
});

const AppFeatures = builder.objectRef<Features>('AppFeatures').implement({
  description: 'What an app can do, as it is set up in Dify.',
  fields: (t) => ({
    fileUpload: t.field({
      type: FileUploadFeature,
      nullable: true,
      description: 'Null when questions cannot bring files.',
      resolve: (features) => (features.fileUpload.enabled ? features : null),
    }),
    speechToText: t.exposeBoolean('speechToText'),
    textToSpeech: t.boolean({ resolve: ({ textToSpeech }) => textToSpeech.enabled }),
    suggestedQuestionsAfterAnswer: t.exposeBoolean('suggestedQuestionsAfterAnswer', {
      description: 'Messages have `suggestedQuestions`.',
    }),
    citations: t.exposeBoolean('citations'),
    annotationReply: t.exposeBoolean('annotationReply', { description: 'Annotations answer what is like them.' }),
  }),
});

builder.objectFields(App, (t) => ({
  features: t.field({
    type: AppFeatures,
    resolve: async ({ name }, _, context) => (await appNamed(context, name).dify.parameters()).features,
  }),
}));
