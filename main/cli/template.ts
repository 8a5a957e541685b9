/** The part of Go's templates that people use with `--format`: `{{.Field.Path}}` and `{{json .Field}}`, with `\t` and `\n`. */

export type Fields = Record<string, unknown>;

export function render(template: string, fields: Fields): string {
  return unescape(template).replace(/\{\{-?\s*(.*?)\s*-?\}\}/g, (_, expression: string) =>
    evaluate(expression, fields),
  );
}

/** The names in a template, in order: the headers of `table {{.ID}}\t{{.Image}}`. */
export const columnsOf = (template: string): string[] =>
  unescape(template)
    .split('\t')
    .map((column) => /\.([\w.]+)/.exec(column)?.[1] ?? column);

const unescape = (template: string) => template.replaceAll('\\t', '\t').replaceAll('\\n', '\n');

function evaluate(expression: string, fields: Fields): string {
  const match = /^(?:(json|println|upper|lower)\s+)?(\.[\w.]*)$/.exec(expression);
  if (!match) throw new Error(`template parsing error: {{${expression}}} is more than this command line understands`);
  const [, call, path = '.'] = match;
  const value = path
    .split('.')
    .filter(Boolean)
    .reduce<unknown>((inner, name) => step(inner, name, path), fields);
  if (call === 'json') return JSON.stringify(value);
  const text = inGo(value);
  return call === 'upper'
    ? text.toUpperCase()
    : call === 'lower'
      ? text.toLowerCase()
      : call === 'println'
        ? `${text}\n`
        : text;
}

function step(value: unknown, name: string, path: string): unknown {
  if (typeof value === 'object' && value !== null && name in value) return (value as Fields)[name];
  throw new Error(`template: can't evaluate field ${name} in ${path}`);
}

/** How Go prints a value. */
function inGo(value: unknown): string {
  if (value === null || value === undefined) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(inGo).join(' ')}]`;
  if (typeof value === 'object')
    return `map[${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => `${key}:${inGo(inner)}`)
      .join(' ')}]`;
  return String(value as string | number | boolean);
}
