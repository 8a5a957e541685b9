/** Paths inside a container. */

/** What is known of the inside. */
export interface Inside {
  /** The directory that it was dropped on. */
  dropped?: string | undefined;
  workdir?: string | undefined;
  /** Declared in the image. */
  volumes: string[];
  /** Where something is mounted already. */
  taken?: string[] | undefined;
}

export interface PlaceOffer {
  path: string;
  why: 'dropped' | 'workdir' | 'volume';
}

export const joined = (folder: string, name: string): string => `${folder.replace(/\/+$/, '')}/${name}`;

/** Without doubled slashes and dots; undefined: it is no absolute path. */
export function cleanPath(text: string): string | undefined {
  if (!text.startsWith('/') || text.includes('\0')) return undefined;
  const parts: string[] = [];
  for (const part of text.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Why nothing can be mounted at a path. */
export function pathProblem(text: string): 'path' | 'path-root' | undefined {
  const clean = cleanPath(text.trim());
  return clean === undefined ? 'path' : clean === '/' ? 'path-root' : undefined;
}

/** What the picker offers: what the image declares and where its process works first. */
export function placesIn({ dropped, workdir, volumes, taken = [] }: Inside): PlaceOffer[] {
  const offers: PlaceOffer[] = [
    ...(dropped === undefined ? [] : [{ path: dropped, why: 'dropped' } as const]),
    ...volumes.map((path) => ({ path, why: 'volume' }) as const),
    ...(workdir && workdir !== '/' ? [{ path: workdir, why: 'workdir' } as const] : []),
  ];
  return offers.filter(
    ({ path }, at) => !taken.includes(path) && offers.findIndex((other) => other.path === path) === at,
  );
}
