import { writeFileSync } from 'node:fs';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from './schema.ts';

/** The contract as text, sorted so that a change shows as a change. */
export const printedSchema = `${printSchema(lexicographicSortSchema(schema))}\n`;

if (import.meta.main) writeFileSync(new URL('../../schema/schema.graphql', import.meta.url), printedSchema);
