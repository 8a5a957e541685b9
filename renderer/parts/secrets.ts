/** What sounds like a secret is covered until it is asked for. */
const variable = /pass|secret|token|key|credential|pwd/i;
/** Names in documents: `DetachKeys` is none. */
const field =
  /pass(?:word|wd|phrase)|secret|token|credential|api_?key|access_?key|private_?key|(?:^|[_.-])(?:key|pass|pwd)(?:$|[_.-])/i;
/** An address with a password in it: `postgres://app:hunter2@db/shop`. */
const address = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i;

/** Whether a variable's value should be covered. */
export const isSecretVariable = (name: string, value: string): boolean =>
  value !== '' && (variable.test(name) || address.test(value));

/** `NAME=value`, taken apart. */
export function splitVariable(text: string): [name: string, value: string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

export const cover = '••••••';

/** A string of a document with what should not be seen covered; undefined where there is nothing to cover. `path`: the names that lead to it. */
export function covered(path: readonly string[], value: string): string | undefined {
  if (value === '') return undefined;
  if (path.at(-2) === 'Env') {
    const [name, inside] = splitVariable(value);
    return isSecretVariable(name, inside) ? `${name}=${cover}` : undefined;
  }
  return field.test(path.at(-1) ?? '') || address.test(value) ? cover : undefined;
}

/** A whole document with its secrets covered. */
export function withCover(document: unknown, path: readonly string[] = []): unknown {
  if (typeof document === 'string') return covered(path, document) ?? document;
  if (Array.isArray(document)) return document.map((value, index) => withCover(value, [...path, String(index)]));
  if (document === null || typeof document !== 'object') return document;
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [name, withCover(value, [...path, name])]));
}

/** Whether something in it would be covered. */
export const holdsSecret = (document: unknown, path: readonly string[]): boolean =>
  JSON.stringify(withCover(document, path)) !== JSON.stringify(document);
