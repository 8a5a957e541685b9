/** Image references (the distribution project's grammar, with Docker's short names). */
export interface Reference {
  /** `docker.io`, `localhost:5000`. */
  registry: string;
  /** `library/debian`. */
  repository: string;
  tag?: string;
  digest?: string;
}

const host = /^(?:localhost|(?:[a-zA-Z0-9-]+\.)+[a-zA-Z0-9-]+|\[[0-9a-fA-F:]+\]|[a-zA-Z0-9-]+(?=:))(?::\d{1,5})?$/;
const part = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[\w][\w.-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** `docker.io`, `localhost:5000`: what can stand before an image's name. */
export const isRegistryHost = (text: string): boolean => host.test(text);

export function parseReference(text: string): Reference | undefined {
  let rest = text.trim();
  const at = rest.indexOf('@');
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  if (at >= 0) rest = rest.slice(0, at);
  const colon = rest.lastIndexOf(':');
  const tag = colon > rest.lastIndexOf('/') ? rest.slice(colon + 1) : undefined;
  if (tag !== undefined) rest = rest.slice(0, colon);
  const [first = '', ...others] = rest.split('/');
  const named = others.length > 0 && host.test(first);
  const path = named ? others : [first, ...others];
  if (!path.every((one) => part.test(one))) return undefined;
  if (tag !== undefined && !tagPattern.test(tag)) return undefined;
  if (digest !== undefined && !digestPattern.test(digest)) return undefined;
  const registry = named ? first : 'docker.io';
  return {
    registry,
    repository: registry === 'docker.io' && path.length === 1 ? `library/${path[0]}` : path.join('/'),
    tag: tag ?? (digest === undefined ? 'latest' : undefined),
    digest,
  };
}

/** Why a text is no reference, where one can tell. */
export function referenceProblem(text: string): 'missing' | 'uppercase' | 'invalid' | undefined {
  if (text.trim() === '') return 'missing';
  // A local image id, or the beginning of one, is accepted where an image is meant.
  if (parseReference(text) || /^(sha256:)?[0-9a-f]{12,64}$/.test(text.trim())) return undefined;
  return parseReference(text.toLowerCase()) ? 'uppercase' : 'invalid';
}

/** As the engine's list shows it: the tag filled in. */
export function familiar(text: string): string {
  const reference = parseReference(text);
  if (!reference || reference.digest !== undefined) return text.trim();
  return /:[\w.-]+$/.test(text.trim().split('/').at(-1) ?? '') ? text.trim() : `${text.trim()}:latest`;
}
