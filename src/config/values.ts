import { z } from 'zod';

/** `name:` with nothing after it is as good as not written. */
export function optional<Schema extends z.ZodType>(schema: Schema, fallback?: z.input<Schema>) {
  return z.preprocess((value) => value ?? fallback, schema);
}

/** Numbers and truth values may come as text, because variables do. */
function numeric(schema: z.ZodNumber, fallback: number) {
  const digits = /^\d+(\.\d+)?$/;
  return z.preprocess(
    (value) => (typeof value === 'string' && digits.test(value) ? Number(value) : (value ?? fallback)),
    schema,
  );
}

export function whole(fallback: number, low: number, high: number) {
  const error = `write a whole number from ${low} to ${high}`;
  return numeric(z.int(error).min(low, error).max(high, error), fallback);
}

export function decimal(fallback: number, low: number, high: number) {
  const error = `write a number from ${low} to ${high}`;
  return numeric(z.number(error).min(low, error).max(high, error), fallback);
}

export function truth(fallback: boolean) {
  const written: Readonly<Record<string, boolean>> = { true: true, false: false };
  return z.preprocess(
    (value) => (typeof value === 'string' ? (written[value] ?? value) : (value ?? fallback)),
    z.boolean('write true or false'),
  );
}

/** Longer ones do not fit a timer, which would ring at once. */
export const longestMs = 2_147_483_647;
export const milliseconds = (fallback: number, low = 1) => whole(fallback, low, longestMs);

export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const schema = z.strictObject(shape, 'write its settings as `name: value`, indented below it');
  return z.preprocess((value) => value ?? {}, schema);
}

export const secret = z
  .string('is not a text: put it in quotes')
  .min(32, 'is too short to be one: write 32 random characters or more, or ${NAME} for a variable that holds them');

/** `of`: what to write. */
export function list<Schema extends z.ZodType>(schema: Schema, of: string) {
  return z.array(schema, `write a list: ${of}`);
}
