/** What a token is for: `repository:library/debian:pull,push`, `registry:catalog:*`. */
export type Scope = string;

export type Actions = 'pull' | 'pull,push';

export const repositoryScope = (path: string, actions: Actions): Scope => `repository:${path}:${actions}`;

export const CATALOG: Scope = 'registry:catalog:*';

/** Each resource once, with all that is wanted of it; in an order that is the same for the same wish. */
export function joined(...scopes: Scope[]): Scope[] {
  const wanted = new Map<string, Set<string>>();
  for (const scope of scopes) {
    // The name in the middle may hold a port: only the last part is the actions.
    const [, resource, actions] = /^([^\s:]+:[^\s]+):([^\s:]+)$/.exec(scope) ?? [];
    if (resource === undefined || actions === undefined) continue;
    const set = wanted.get(resource) ?? new Set();
    wanted.set(resource, set);
    for (const action of actions.split(',')) set.add(action);
  }
  return [...wanted].map(([resource, actions]) => `${resource}:${[...actions].sort().join(',')}`).sort();
}
