import { columnsOf, render, type Fields } from './template.js';

/** Columns as Go's tabwriter sets them for docker: at least 10 wide, three spaces between, the last one as long as it is. */
export function table(rows: string[][], least = 10): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? least, [...cell].length + 3)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - [...cell].length),
        )
        .join(''),
    )
    .map((line) => `${line}\n`)
    .join('');
}

export interface Listing {
  /** Field → header, of the usual table. */
  columns: Record<string, string>;
  /** Headers of fields that only a format names. */
  headers?: Record<string, string>;
  rows: Fields[];
  /** What `--quiet` prints of a row. */
  quietField: string;
}

/** A list the way the person asked for it: a table, ids alone, JSON lines, or a format of their own. */
export function listing(
  { columns, headers = {}, rows, quietField }: Listing,
  options: { quiet?: boolean; format?: string },
): string {
  const { quiet, format } = options;
  if (quiet && !format) return rows.map((row) => `${row[quietField] as string}\n`).join('');
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (format && !format.startsWith('table')) return rows.map((row) => `${render(format, row)}\n`).join('');
  const template =
    format?.slice('table'.length).trim() ||
    Object.keys(columns)
      .map((name) => `{{.${name}}}`)
      .join('\t');
  const all = { ...headers, ...columns };
  const head = columnsOf(template).map((name) => all[name] ?? name.replaceAll('.', ' ').toUpperCase());
  return table([head, ...rows.map((row) => render(template, row).split('\t'))]);
}
