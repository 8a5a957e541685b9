import { invalid } from '../../base/errors.js';
import { familiarName, parseReference, withDefaultTag, type Reference } from '../registry/index.js';

/** The name that an image is given: a repository, with its tag in it or beside it. That beside it counts. */
export function newName(repository: string, tag: string, refusal: string): Reference {
  const { tag: own, digest, ...name } = parseReference(repository);
  if (digest) throw invalid(refusal);
  if (familiarName(name) === 'sha256')
    throw invalid('refusing to create an ambiguous tag using digest algorithm as name');
  if (tag && !/^\w[\w.-]{0,127}$/.test(tag)) throw invalid('invalid tag format');
  const chosen = tag || own;
  return withDefaultTag(chosen ? { ...name, tag: chosen } : name);
}
