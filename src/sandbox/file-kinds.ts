/** What Dify tells files apart by: their extension. */
export type FileKind = 'image' | 'document' | 'audio' | 'video';

const extensions: Readonly<Record<Exclude<FileKind, 'document'>, readonly string[]>> = {
  image: ['jpg', 'jpeg', 'png', 'webp', 'gif', 'svg'],
  video: ['mp4', 'mov', 'mpeg', 'webm'],
  audio: ['mp3', 'm4a', 'wav', 'amr', 'mpga'],
};

/** The largest upload of each kind, in MB; `/parameters` tells them. */
export const sizeLimits: Readonly<Record<FileKind, number>> = { image: 10, video: 100, audio: 50, document: 15 };

/** The extension of a file name: lower case, without the dot. */
export const extensionOf = (name: string) => /\.([^.\s/\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';

/** The kind of a file by its extension; whatever is nothing else is a document. */
export function kindOf(extension: string): FileKind {
  for (const kind of ['image', 'video', 'audio'] as const) if (extensions[kind].includes(extension)) return kind;
  return 'document';
}

const types: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  svg: 'image/svg+xml',
  mp4: 'video/mp4',
  mp3: 'audio/mpeg',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  html: 'text/html',
};

/** A likely MIME type for an extension. */
export const typeOf = (extension: string) => types[extension] ?? 'application/octet-stream';
