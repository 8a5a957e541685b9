/** An entry of `--volumes-from`: whose mounts, and whether for reading alone. */
export interface Source {
  container: string;
  readOnly: boolean;
}

export const sourceOf = (entry: string): Source => {
  const [container = '', ...modes] = entry.split(':');
  return { container, readOnly: modes.join(':').split(',').includes('ro') };
};

export const entryOf = ({ container, readOnly }: Source): string => (readOnly ? `${container}:ro` : container);

/** A container and whose mounts it has. */
export interface Link {
  /** As the one below names it. */
  entry: string;
  readOnly: boolean;
  id: string | undefined;
  name: string;
  sources: Link[];
}

interface Told {
  id: string;
  name: string;
  sources: string[];
}

/** Longer chains are cut: nobody reads them. */
const DEEPEST = 6;

/** Follows `--volumes-from` from container to container; `ask` answers undefined where one is gone. A circle ends where it closes. */
export async function chainOf(
  entries: string[],
  ask: (container: string) => Promise<Told | undefined>,
  above: string[] = [],
): Promise<Link[]> {
  return Promise.all(
    entries.map(async (entry): Promise<Link> => {
      const { container, readOnly } = sourceOf(entry);
      const told = await ask(container);
      if (!told) return { entry, readOnly, id: undefined, name: container, sources: [] };
      const { id, name } = told;
      const further = above.length < DEEPEST && !above.includes(id) ? told.sources : [];
      return { entry, readOnly, id, name, sources: await chainOf(further, ask, [...above, id]) };
    }),
  );
}
