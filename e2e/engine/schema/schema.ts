/** Holds an answer against the published schema of the Engine API 1.47. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../fixtures/engine.js';

interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  required?: string[];
  enum?: unknown[];
  allOf?: Schema[];
  $ref?: string;
  format?: 'dateTime';
  'x-nullable'?: boolean;
}

interface Published {
  /** `GET /containers/json`, every one. */
  routes: string[];
  answers: Record<string, Schema>;
  definitions: Record<string, Schema>;
}

export interface Verdict {
  /** What the schema does not allow: a field it does not know, another type, a value that is none of its words. */
  wrong: string[];
  /** Fields of the schema that the answer leaves out. */
  absent: string[];
}

export interface Judge {
  routes: string[];
  judge(what: string, answer: unknown): Verdict;
}

export async function readSchema(): Promise<Judge> {
  const file = path.join(root, 'e2e/engine/schema/engine-api-1.47.json');
  const { routes, answers, definitions } = JSON.parse(await readFile(file, 'utf8')) as Published;
  const verdictOn = (what: string, answer: unknown): Verdict => {
    const schema = answers[what] ?? definitions[what];
    if (!schema) throw new Error(`the published schema has no answer to ${what}`);
    const verdict: Verdict = { wrong: [], absent: [] };
    judge(answer, schema, what.split(' ').at(-1) ?? what, definitions, verdict);
    return { wrong: [...new Set(verdict.wrong)], absent: [...new Set(verdict.absent)] };
  };
  return { routes, judge: verdictOn };
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function judge(value: unknown, given: Schema, at: string, definitions: Record<string, Schema>, verdict: Verdict): void {
  const schema = resolved(given, definitions);
  const wrong = (what: string) => void verdict.wrong.push(`${at}: ${what}`);
  if (value === null) {
    // Go writes a list or a map that was never made as null, and the schema does not say where.
    const mayBe = schema['x-nullable'] || schema.type === 'array' || schema.type === 'object' || !schema.type;
    if (!mayBe) wrong(`null, not ${schema.type}`);
    return;
  }
  const type = Array.isArray(value) ? 'array' : typeof value;
  const wanted = schema.type === 'integer' ? 'number' : schema.type;
  if (wanted && type !== wanted) return wrong(`${type}, not ${schema.type}`);
  if (schema.type === 'integer' && !Number.isInteger(value)) wrong(`${String(value)} is not whole`);
  const words = schema.enum?.map((word) => JSON.stringify(word));
  if (words && value !== '' && !words.includes(JSON.stringify(value)))
    wrong(`${JSON.stringify(value)} is no word of it`);
  if (schema.format === 'dateTime' && value !== '' && !RFC3339.test(String(value)))
    wrong(`${String(value)} is no date`);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items) for (const each of value) judge(each, items, `${at}[]`, definitions, verdict);
  } else if (type === 'object') {
    judgeFields(value as Record<string, unknown>, schema, at, definitions, verdict);
  }
}

function judgeFields(
  value: Record<string, unknown>,
  schema: Schema,
  at: string,
  definitions: Record<string, Schema>,
  verdict: Verdict,
): void {
  const { properties, additionalProperties } = schema;
  for (const [key, each] of Object.entries(value)) {
    const known = properties?.[key];
    if (known) judge(each, known, `${at}.${key}`, definitions, verdict);
    else if (typeof additionalProperties === 'object')
      judge(each, additionalProperties, `${at}.*`, definitions, verdict);
    else if (properties && !additionalProperties) verdict.wrong.push(`${at}.${key}: not in the schema`);
  }
  for (const key of Object.keys(properties ?? {})) if (!(key in value)) verdict.absent.push(`${at}.${key}`);
}

/** With its references followed and its parts put together. */
function resolved(schema: Schema, definitions: Record<string, Schema>): Schema {
  if (schema.$ref) {
    const { $ref, ...own } = schema;
    const target = definitions[$ref];
    if (!target) throw new Error(`the published schema has no ${$ref}`);
    return resolved({ ...target, ...own }, definitions);
  }
  if (!schema.allOf) return schema;
  const { allOf, ...own } = schema;
  const parts = [...allOf.map((part) => resolved(part, definitions)), own];
  return {
    ...Object.assign({}, ...parts),
    ...(parts.some(({ properties }) => properties) && {
      properties: Object.assign({}, ...parts.map(({ properties }) => properties)) as Record<string, Schema>,
    }),
  } as Schema;
}
