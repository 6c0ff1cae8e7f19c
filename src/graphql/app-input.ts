import type { InputField } from '../dify/parameters.ts';
import { App } from './app.ts';
import { FileType, fileTypeOf } from './ask.ts';
import { builder } from './builder.ts';
import { appNamed } from './context.ts';

const AppInput = builder.objectRef<InputField>('AppInput').implement({
  description: 'A field of the form that an app wants filled in.',
  fields: (t) => ({
    variable: t.exposeString('variable', { description: 'The key in `inputs`.' }),
    label: t.exposeString('label'),
    type: t.exposeString('type', {
      description:
        'text-input, paragraph, select, number, checkbox, file, file-list, json_object, external_data_tool … as in Dify.',
    }),
    required: t.exposeBoolean('required'),
    default: t.field({
      type: 'JSON',
      nullable: true,
      resolve: ({ default: value }) => (value === '' ? null : value),
    }),
    options: t.field({
      type: ['String'],
      nullable: true,
      description: 'What a select lets choose from.',
      resolve: ({ type, options }) => (type === 'select' ? [...options] : null),
    }),
    maxLength: t.exposeInt('maxLength', {
      nullable: true,
      description: 'Characters of a text, files of a file-list.',
    }),
    allowedFileTypes: t.field({
      type: [FileType],
      nullable: true,
      description: 'Of a file or file-list; CUSTOM means those with an extension of `allowedFileExtensions`.',
      resolve: (input) => (takesFiles(input) ? input.allowedFileTypes.map(fileTypeOf) : null),
    }),
    allowedFileExtensions: t.field({
      type: ['String'],
      nullable: true,
      description: 'Of a file or file-list.',
      resolve: (input) => (takesFiles(input) ? [...input.allowedFileExtensions] : null),
    }),
  }),
});

builder.objectFields(App, (t) => ({
  inputs: t.field({
    type: [AppInput],
    description: 'The form that it expects in `inputs`. Questions are checked against it before Dify is asked.',
    resolve: async ({ name }, _, context) => [...(await appNamed(context, name).dify.parameters()).inputs],
  }),
}));

function takesFiles({ type }: InputField): boolean {
  return type === 'file' || type === 'file-list';
}
