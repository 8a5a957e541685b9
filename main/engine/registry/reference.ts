import { invalid } from '../../base/errors.js';

/** What an image is called: Docker's grammar, with its defaults filled in. */
export interface Reference {
  /** `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** `library/debian`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: string;
}

export const DEFAULT_DOMAIN = 'docker.io';
export const DEFAULT_TAG = 'latest';
/** What docker's clients call Docker Hub. */
export const HUB_SERVER = 'https://index.docker.io/v1/';

const component = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domainPattern = new RegExp(`^(?:${component}(?:\\.${component})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const pathComponent = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/** Reads `debian`, `debian:12`, `localhost:5000/a/b@sha256:…`. The tag stays undefined where none is written. */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const beforeDigest = at < 0 ? text : text.slice(0, at);
  const colon = beforeDigest.lastIndexOf(':');
  const tagged = colon > beforeDigest.lastIndexOf('/');
  const tag = tagged ? beforeDigest.slice(colon + 1) : undefined;
  const name = tagged ? beforeDigest.slice(0, colon) : beforeDigest;
  const { domain, path } = splitName(name);

  if (/[A-Z]/.test(path)) throw invalid('invalid reference format: repository name must be lowercase');
  const wellFormed =
    domainPattern.test(domain) &&
    path.split('/').every((part) => pathComponent.test(part)) &&
    (tag === undefined || tagPattern.test(tag)) &&
    (digest === undefined || digestPattern.test(digest));
  if (!wellFormed) throw invalid('invalid reference format');
  if (domain.length + 1 + path.length > 255) {
    throw invalid('repository name must not be more than 255 characters');
  }
  if (digest !== undefined && !/^sha256:[a-f0-9]{64}$/.test(digest)) {
    if (!digest.startsWith('sha256:')) throw invalid('unsupported digest algorithm');
    throw invalid(`invalid checksum digest ${digest.length === 71 ? 'format' : 'length'}`);
  }
  return { domain, path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** A bare name means its `latest`. */
export const withDefaultTag = (reference: Reference): Reference =>
  reference.tag || reference.digest ? reference : { ...reference, tag: DEFAULT_TAG };

/** `docker.io/library/debian`: the same for every way to write it. */
export const repositoryOf = ({ domain, path }: Reference): string => `${domain}/${path}`;

/** `debian`, `localhost:5000/x`: as people write it. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== DEFAULT_DOMAIN) return `${domain}/${path}`;
  return /^library\/[^/]+$/.test(path) ? path.slice('library/'.length) : path;
}

export const familiar = (reference: Reference): string => familiarName(reference) + suffix(reference);

/** The key under which a reference is stored; `parseReference` reads it back. */
export const canonical = (reference: Reference): string => repositoryOf(reference) + suffix(reference);

function suffix({ tag, digest }: Reference): string {
  return (tag ? `:${tag}` : '') + (digest ? `@${digest}` : '');
}

function splitName(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const hasDomain = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = !hasDomain || first === 'index.docker.io' ? DEFAULT_DOMAIN : first;
  const path = hasDomain ? name.slice(slash + 1) : name;
  return { domain, path: domain === DEFAULT_DOMAIN && !path.includes('/') ? `library/${path}` : path };
}

const hubs = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** The host that a client means by a server's address (`https://index.docker.io/v1/`, `ghcr.io`, `http://localhost:5000`); undefined: none. */
export function serverHost(address: string): string | undefined {
  const host = address
    .trim()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/s, '');
  if (host === '' && address.trim() === '') return DEFAULT_DOMAIN;
  if (!domainPattern.test(host)) return undefined;
  return hubs.includes(host) ? DEFAULT_DOMAIN : host;
}

/** The same, refused where it is none. */
export function checkedHost(address: string): string {
  const host = serverHost(address);
  if (host !== undefined) return host;
  throw invalid(`${JSON.stringify(address)} is no registry: name it by its host, as in registry.example.com:5000`);
}
