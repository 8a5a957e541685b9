type Test<Row> = (row: Row) => boolean;

/** Whether something says a part, which is in small letters. */
export const holds = (heap: string, part: string): boolean => heap.toLowerCase().includes(part);

/** A label is a name, or a name and a value: `tier` or `tier=web`. */
export function hasLabel(labels: Record<string, string> | null | undefined, part: string): boolean {
  const [name = '', ...value] = part.split('=');
  return Object.entries(labels ?? {}).some(
    ([key, said]) => holds(key, name) && (value.length === 0 || said.toLowerCase() === value.join('=')),
  );
}

/** Every word has to be found; a word with a known name and a colon only there. Of the chips, one has to be right. */
export function tableFilter<Row, Chip>({
  text,
  word,
  tokens,
  chips,
  isIn,
}: {
  text: string;
  /** Where a word may be found. */
  word(row: Row, part: string): boolean;
  /** What may stand before a colon. */
  tokens: Record<string, (row: Row, part: string) => boolean>;
  chips: ReadonlySet<Chip>;
  isIn(row: Row, chip: Chip): boolean;
}): Test<Row> {
  const tests = text
    .toLowerCase()
    .split(/\s+/)
    .filter((each) => each !== '')
    .map((each): Test<Row> => {
      const [, token = '', part = ''] = /^(\w+):(.*)$/.exec(each) ?? [];
      const known = Object.hasOwn(tokens, token) ? tokens[token] : undefined;
      if (!known) return (row) => word(row, each);
      return part === '' ? () => true : (row) => known(row, part); // it is still being typed
    });
  return (row) => tests.every((fits) => fits(row)) && (chips.size === 0 || [...chips].some((chip) => isIn(row, chip)));
}
