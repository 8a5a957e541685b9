/** Rows of the same name, in the order they came in. */
export interface NamedRows<Row> {
  key: string;
  /** Undefined: what is in no group. */
  name: string | undefined;
  rows: Row[];
}

/** Rows by name, in the order of their names; what has none comes last. */
export function rowsByName<Row>(
  rows: Row[],
  nameOf: (row: Row) => string | undefined,
  compare: (a: string, b: string) => number,
): NamedRows<Row>[] {
  const groups = new Map<string | undefined, Row[]>();
  for (const row of rows) {
    const name = nameOf(row) || undefined;
    const members = groups.get(name);
    if (members) members.push(row);
    else groups.set(name, [row]);
  }
  return [...groups]
    .sort(([a], [b]) => (a === undefined ? 1 : b === undefined ? -1 : compare(a, b)))
    .map(([name, members]) => ({ key: name === undefined ? 'none' : `=${name}`, name, rows: members }));
}
