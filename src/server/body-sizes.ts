import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { isMultipart } from './file-map.ts';
import { HEAR_MS } from './routes.ts';

/** Bodies with files in them may be larger than others; Yoga knows one limit for all. */
export function bodySizes(documentBytes: number, uploadBytes: number): Plugin {
  return {
    onRequestParse: ({ request, requestParser, setRequestParser, fetchAPI }) => {
      const limit = isMultipart(request.headers.get('content-type')) ? uploadBytes : documentBytes;
      if (Number(request.headers.get('content-length') ?? 0) > limit) throw bodyTooLarge();
      if (!requestParser) return;
      // Chunked: there is no telling before it is read.
      const isOpen = !request.headers.has('content-length');
      const whole = async (given: Request) => {
        if (!isOpen || !given.body) return given;
        const { url, method, headers } = given;
        const body = await bytesOf(given.body as unknown as AsyncIterable<Uint8Array>, limit);
        return new fetchAPI.Request(url, { method, headers, body });
      };
      setRequestParser((given) => parsed(async () => requestParser(await whole(given))));
    },
  };
}

/** What is thrown while a request is read is about what the client sent. */
async function parsed<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof GraphQLError) throw error;
    throw new GraphQLError('The request could not be read: its query, variables or map are not what they should be');
  }
}

async function bytesOf(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  const coming = body[Symbol.asyncIterator]();
  let size = 0;
  for (let next = await coming.next(); !next.done; next = await coming.next()) {
    size += next.value.byteLength;
    if (size > limit) {
      hearOut(coming).catch(() => {});
      throw bodyTooLarge();
    }
    pieces.push(next.value);
  }
  return Buffer.concat(pieces);
}

/** Listens for a while to what still comes: a client that is cut off while it sends does not hear why. */
async function hearOut(coming: AsyncIterator<Uint8Array>): Promise<void> {
  const until = performance.now() + HEAR_MS;
  while (performance.now() < until) if ((await coming.next()).done) return;
  await coming.return?.();
}

function bodyTooLarge(): GraphQLError {
  return new GraphQLError('The request body is too large', { extensions: { http: { status: 413 } } });
}
