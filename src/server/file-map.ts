import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/**
 * A GraphQL multipart request puts files where its variables say `null`, and nothing else anywhere else: otherwise its map could make
 * of one text thousands of variables, and hide them in a file, where nothing counts them.
 */
export function fileMaps(): Plugin {
  return {
    onRequestParse: ({ request, requestParser, setRequestParser }) => {
      if (!requestParser || !isMultipart(request.headers.get('content-type'))) return;
      // Of a request with files in it the form is all that is read.
      const checked = (given: Request) => ({ formData: async () => suited(await given.formData()) }) as Request;
      setRequestParser((given) => requestParser(checked(given)));
    },
  };
}

/** By its `content-type`. */
export function isMultipart(type: string | null | undefined): boolean {
  return type?.toLowerCase().startsWith('multipart/form-data') === true;
}

/** The form, if its map is as it should be. What is no JSON is refused by whoever reads it next. */
function suited(form: FormData): FormData {
  const [operations, map] = [jsonOf(form.get('operations')), jsonOf(form.get('map'))];
  for (const [name, paths] of Object.entries(map ?? {})) {
    const isFile = typeof form.get(name) === 'object' && form.get(name) !== null;
    const isSuited = isFile && Array.isArray(paths) && paths.every((path) => isNull(operations, path));
    if (!isSuited)
      throw new GraphQLError(`map.${name.slice(0, 20)}: name a file, and where the variables have null for it`);
  }
  return form;
}

function jsonOf(field: FormDataEntryValue | null): object | null {
  try {
    return typeof field === 'string' ? Object(JSON.parse(field)) : null;
  } catch {
    return null;
  }
}

/** Whether a path such as `variables.files.0` leads to a null. */
function isNull(operations: unknown, path: unknown): boolean {
  if (typeof path !== 'string' || !path.startsWith('variables.')) return false;
  let value = operations;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Record<string, unknown>)[key];
  }
  return value === null;
}
