import { GatewayError } from '../errors.ts';
import type { RunFile } from '../runs/run-event.ts';
import type { Uploaded } from '../runs/uploads.ts';
import type { FilePlace } from '../runs/run-file.ts';
import { FileType, fileTypeOf } from './ask.ts';
import { builder, type FileValue } from './builder.ts';
import { appNamed, type Context } from './context.ts';
import { publicUrl } from './public-url.ts';
import { fromSeconds } from './scalars.ts';

builder.scalarType('File', {
  description: 'A file part of a GraphQL multipart request: over HTTP only.',
  serialize: () => {
    throw new TypeError('A File is never sent.');
  },
  parseValue: (value) => {
    if (isFile(value)) return value;
    throw new GatewayError('BAD_USER_INPUT', 'A File comes as a part of a GraphQL multipart request.');
  },
});

/** By its shape: the server's own class need not be the global one. */
function isFile(value: unknown): value is FileValue {
  return typeof value === 'object' && value !== null && 'stream' in value && 'name' in value && 'size' in value;
}

/** A file, and where it was seen: that is how it is found again. */
export interface ShownFile {
  readonly file: RunFile;
  readonly place: FilePlace;
}

export const MessageFile = builder.objectRef<ShownFile>('MessageFile').implement({
  fields: (t) => ({
    id: t.id({ resolve: ({ file }) => file.id }),
    type: t.field({ type: FileType, resolve: ({ file }) => fileTypeOf(file.type) }),
    name: t.string({
      nullable: true,
      resolve: async (shown, _, context) => shown.file.name ?? (await uploadOf(shown, context))?.name,
    }),
    mimeType: t.string({
      nullable: true,
      resolve: async (shown, _, context) => shown.file.mimeType ?? (await uploadOf(shown, context))?.mimeType,
    }),
    size: t.int({
      nullable: true,
      description: 'In bytes.',
      resolve: async (shown, _, context) => shown.file.size ?? (await uploadOf(shown, context))?.size,
    }),
    fromUser: t.boolean({
      description: 'True if the user sent it, false if the app made it.',
      resolve: ({ file }) => file.fromUser,
    }),
    url: t.string({
      nullable: true,
      description: [
        'Where to read it, for an hour as a rule, without further credentials: keep it to yourself. A path on this server, unless',
        'the server knows its public address. Of a file that you gave by its URL, that; null when it cannot be read.',
      ].join('\n'),
      resolve: ({ file, place }, _, { files, viewer, urlBase }) => {
        if (file.remote) return file.fromUser ? publicUrl(file.sourceUrl) : null;
        const path = files.address(viewer, file, place);
        return path && urlBase + path;
      },
    }),
  }),
});

/** What is known here of a file that Dify has told nothing of yet. */
async function uploadOf({ file, place }: ShownFile, { uploads, viewer }: Context) {
  return file.uploadId === null ? undefined : uploads.find(viewer, place.app, file.uploadId);
}

const UploadedFile = builder.objectRef<Uploaded>('UploadedFile').implement({
  fields: (t) => ({
    id: t.exposeID('id', { description: 'To refer to it: `upload: { id, type }`. Only you can.' }),
    name: t.exposeString('name'),
    size: t.exposeInt('size', { description: 'In bytes.' }),
    extension: t.exposeString('extension', { nullable: true, description: 'Without the dot.' }),
    mimeType: t.exposeString('mimeType', { nullable: true }),
    type: t.field({ type: FileType, description: 'What to call it in a question.', resolve: ({ type }) => type }),
    createdAt: t.field({ type: 'DateTime', resolve: ({ createdAt }) => fromSeconds(createdAt) ?? Date.now() }),
  }),
});

builder.mutationField('uploadFile', (t) =>
  t.field({
    type: UploadedFile,
    description: [
      'Hand a file to an app, to name it in a question. By GraphQL multipart request, which is held in memory: 25 MB as a rule.',
      '`POST /files/{app}` takes the same file, of any size that the app takes, as it comes.',
    ].join('\n'),
    args: { app: t.arg.id(), file: t.arg({ type: 'File', required: true }) },
    resolve: (_, { app, file }, context) => {
      const { served } = appNamed(context, app);
      return context.uploads.send(context.viewer, served.name, partOf(file), context.signal);
    },
  }),
);

/** A file of a request as it is handed on. */
export function partOf(file: FileValue) {
  return { name: file.name, mimeType: file.type || 'application/octet-stream', size: file.size, body: file.stream() };
}
