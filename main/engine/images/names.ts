import { invalid } from '../../base/errors.js';
import { isDigest } from '../content/index.js';
import { familiarName, parseReference, withDefaultTag, type Reference } from '../registry/index.js';

const TAG = /^\w[\w.-]{0,127}$/;

/** What is to be pulled: a tag or a digest beside the name counts, and with none at all every tag is meant, also where the name still has the colon. */
export function pulledName(image: string, tag = ''): Reference {
  const reference = parseReference(image.replace(/:$/, ''));
  if (!tag) return reference;
  const { domain, path } = reference;
  if (isDigest(tag)) return { domain, path, digest: tag };
  if (!TAG.test(tag)) throw invalid('invalid tag format');
  return { domain, path, tag };
}

/** The name that an image is given: a repository, with its tag in it or beside it. That beside it counts. */
export function newName(repository: string, tag: string, refusal: string): Reference {
  const { tag: own, digest, ...name } = parseReference(repository);
  if (digest) throw invalid(refusal);
  if (familiarName(name) === 'sha256')
    throw invalid('refusing to create an ambiguous tag using digest algorithm as name');
  if (tag && !TAG.test(tag)) throw invalid('invalid tag format');
  const chosen = tag || own;
  return withDefaultTag(chosen ? { ...name, tag: chosen } : name);
}
