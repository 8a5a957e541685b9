/** A line of a document's tree. */
export interface JsonNode {
  /** As jq writes it; also its key. */
  path: string;
  names: readonly string[];
  name: string;
  depth: number;
  value: unknown;
  /** How many are inside; undefined for a value that has no inside. */
  count: number | undefined;
  open: boolean;
}

const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;

const step = (parent: string, name: string, listed: boolean): string =>
  listed
    ? `${parent || '.'}[${name}]`
    : plainName.test(name)
      ? `${parent}.${name}`
      : `${parent || '.'}[${JSON.stringify(name)}]`;

const isInside = (value: unknown): value is object => value !== null && typeof value === 'object';

/**
 * The lines of a document as they are opened: `toggled` holds the paths that are not as they would be by their depth. A search leaves what it finds and
 * the way to it, all opened.
 */
export function jsonNodes(
  document: object,
  toggled: ReadonlySet<string>,
  finds?: (text: string) => boolean,
): JsonNode[] {
  const nodes: JsonNode[] = [];
  const walk = (value: object, parent: string, names: readonly string[], depth: number, wanted: boolean): boolean => {
    let any = false;
    for (const [name, child] of Object.entries(value)) {
      const path = step(parent, name, Array.isArray(value));
      const inner = [...names, name];
      const count = isInside(child) ? Object.keys(child).length : undefined;
      const found = finds !== undefined && (finds(name) || (!isInside(child) && finds(String(child))));
      const open = count !== undefined && count > 0 && (finds !== undefined || toggled.has(path) !== depth < 1);
      const place = nodes.length;
      nodes.push({ path, names: inner, name, depth, value: child, count, open });
      const below = open && isInside(child) && walk(child, path, inner, depth + 1, wanted || found);
      if (finds === undefined || wanted || found || below) any = true;
      else nodes.length = place;
    }
    return any;
  };
  walk(document, '', [], 0, false);
  return nodes;
}
