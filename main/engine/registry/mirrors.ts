import { invalid } from '../../base/errors.js';

export interface Mirror {
  /** As it is written and shown. */
  text: string;
  base: URL;
  /** What stands before a repository's path there: `dockerhub/`. */
  prefix: string;
}

/** `https://mirror.lan`, `https://cache.lan:5000/dockerhub`: where a registry's images can be had instead. */
export function parseMirror(mirror: string): Mirror {
  const url = parseUrl(mirror.trim());
  if (!url || !/^https?:$/.test(url.protocol) || !url.hostname)
    throw invalid(`invalid mirror: ${mirror} is not an http or https URL`);
  if (url.search || url.hash || url.username || url.password)
    throw invalid(`invalid mirror: ${url.origin} must have no user, query or fragment; log in to it instead`);
  const path = url.pathname.replace(/^\/+|\/+$/g, '').replace(/^v2(\/|$)/, '');
  if (path && !/^[a-z0-9]+(?:(?:\.|_|__|-+|\/)[a-z0-9]+)*$/.test(path))
    throw invalid(`invalid mirror: ${path} is not the beginning of a repository's name`);
  return {
    text: path ? `${url.origin}/${path}` : url.origin,
    base: new URL(url.origin),
    prefix: path ? `${path}/` : '',
  };
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
