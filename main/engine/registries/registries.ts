import '../../base/scopes.js';
import { EngineError, invalid, notFound } from '../../base/errors.js';
import type { ImageInspect, ImageSummary } from '../../contract/images.js';
import type {
  AuthAnswer,
  DistributionInspect,
  NewerAnswer,
  Referrer,
  Registry as RegistryEntry,
  RegistryChange,
  RegistryLogin,
  RegistryNames,
  SearchResult,
} from '../../contract/registries.js';
import type { Events } from '../events/index.js';
import {
  CATALOG,
  checkedHost,
  familiarName,
  parseReference,
  parseRegistryAuth,
  RegistryError,
  repositoryOf,
  withDefaultTag,
  type KnownLogin,
  type Reference,
  type Registry,
  type RegistryAuth,
  type RegistryResponse,
} from '../registry/index.js';
import { platformsOf } from './documents.js';
import { isTheSame } from './newer.js';
import { attachedTo } from './referrers.js';
import { search, type SearchRequest } from './search.js';

export type { SearchRequest } from './search.js';

export interface RegistriesOptions {
  registry: Registry;
  images: { list(): ImageSummary[]; inspect(reference: string): ImageInspect };
  events: Pick<Events, 'publish'>;
}

/** What `POST /auth` asks about. */
export type Credentials = { [Key in keyof RegistryAuth | 'serveraddress']?: string | undefined };

export interface Page {
  /** Where the page before ended. */
  last?: string | undefined;
  n?: number | undefined;
}

const PAGE = 100;
const LARGEST_PAGE = 1000;

/** Questions to registries that leave nothing here, and what is known of each: who is logged in, how it is reached. */
export class Registries {
  readonly #registry: Registry;
  readonly #images: RegistriesOptions['images'];
  readonly #events: RegistriesOptions['events'];

  constructor({ registry, images, events }: RegistriesOptions) {
    this.#registry = registry;
    this.#events = events;
    this.#images = images;
  }

  /** Those that are configured, logged in to, or that images came from, by host. */
  async list(): Promise<RegistryEntry[]> {
    const logins = await this.#registry.logins();
    const hosts = new Set([...this.#registry.known(), ...logins.keys(), ...this.#origins()]);
    return Promise.all([...hosts].sort().map((host) => this.#describe(host, logins.get(host))));
  }

  async change(server: string, change: RegistryChange): Promise<RegistryEntry> {
    const host = checkedHost(server);
    await this.#registry.configure(host, change);
    this.#announce(host, 'changed');
    return this.#describe(host, (await this.#registry.logins()).get(host));
  }

  /** Forgets what was set for a registry, and the login that the engine keeps for it. */
  async remove(server: string): Promise<void> {
    const host = checkedHost(server);
    await this.#registry.forget(host);
    const login = (await this.#registry.logins()).get(host);
    if (login && login.kind !== 'docker') await this.#registry.logout(host);
    this.#announce(host, 'removed');
  }

  /** Checks with the registry, then keeps the login. */
  async login(server: string, auth: RegistryAuth, signal?: AbortSignal): Promise<RegistryLogin> {
    const host = checkedHost(server);
    const { kind, helper } = await this.#registry.login(host, auth, signal);
    this.#announce(host, 'login');
    return {
      user: auth.username ?? '',
      credentials: kind === 'helper' ? 'helper' : 'slipway',
      ...(helper !== undefined && { helper }),
    };
  }

  async logout(server: string): Promise<void> {
    const host = checkedHost(server);
    if (!(await this.#registry.logout(host))) throw notFound(`nobody is logged in to ${host}`);
    this.#announce(host, 'logout');
  }

  /** Whether a registry accepts somebody; nothing is kept. In dockerd's words. */
  async auth({ serveraddress = '', ...credentials }: Credentials, signal?: AbortSignal): Promise<AuthAnswer> {
    const entries = Object.entries(credentials).filter(([, value]) => typeof value === 'string' && value !== '');
    const accepted = await this.#registry.check(checkedHost(serveraddress), Object.fromEntries(entries), signal);
    return { Status: 'Login Succeeded', IdentityToken: accepted.identitytoken ?? '' };
  }

  /** What repositories there are, a page at a time. */
  async repositories(server: string, page: Page, signal?: AbortSignal): Promise<RegistryNames> {
    const host = checkedHost(server);
    try {
      const response = await this.#registry.itself(host).request('GET', '/v2/_catalog', {
        scopes: [CATALOG],
        query: pageQuery(page),
        whole: true,
        signal,
      });
      return await namesIn(response, 'repositories');
    } catch (error) {
      if (error instanceof RegistryError && isNotOffered(error)) return { offered: false, names: [] };
      throw error;
    }
  }

  /** What tags a repository has, a page at a time. */
  async tags(server: string, repository: string, page: Page, signal?: AbortSignal): Promise<RegistryNames> {
    const reference = parseReference(`${checkedHost(server)}/${repository}`);
    if (reference.tag || reference.digest) throw invalid('a repository has no tag and no digest in its name');
    const response = await this.#registry
      .repository(reference, undefined, { mirrors: false })
      .request('GET', 'tags/list', { query: pageQuery(page), whole: true, signal });
    return namesIn(response, 'tags');
  }

  /** An image as its registry has it; a mirror's answer counts as much as it does for a pull. */
  async distribution(text: string, header: string | undefined, signal?: AbortSignal): Promise<DistributionInspect> {
    if (/^(sha256:)?[a-f0-9]{64}$/.test(text)) throw invalid('no manifest found for full image ID');
    const reference = withDefaultTag(parseReference(text));
    const repository = this.#registry.repository(reference, parseRegistryAuth(header));
    try {
      const { bytes, digest, mediaType } = await repository.manifest(
        reference.digest ?? (reference.tag as string),
        signal,
      );
      const platforms = await platformsOf(bytes, (config) => repository.document(config, signal));
      return { Descriptor: { mediaType, digest, size: bytes.length }, Platforms: platforms };
    } catch (error) {
      // Who asks here means the registry's own answer: a pull tells less.
      if (error instanceof RegistryError && error.reason === 'unauthorized')
        throw new EngineError('unauthorized', error.message, { cause: error });
      if (error instanceof RegistryError && error.reason === 'denied')
        throw new EngineError('forbidden', error.message, { cause: error });
      throw error;
    }
  }

  search(request: SearchRequest, header: string | undefined, signal?: AbortSignal): Promise<SearchResult[]> {
    return search(this.#registry, request, parseRegistryAuth(header), signal);
  }

  /** Whether an image's name means something else at its registry by now. */
  async newer(text: string, signal?: AbortSignal): Promise<NewerAnswer> {
    const image = this.#images.inspect(text);
    const reference = this.#named(image, text);
    const repository = this.#registry.repository(reference);
    const there = await repository.head(reference.tag as string, signal);
    if (!there) throw notFound(`${familiarName(reference)}:${reference.tag} is not at its registry any more`);
    const mine = digestsIn(image, reference);
    const same = mine.includes(there.digest) || (await isTheSame(repository, there, { mine, image }, signal));
    return { newer: !same, digest: there.digest, current: same && mine.length > 0 ? there.digest : (mine[0] ?? null) };
  }

  /** What the registry keeps about an image: signatures, attestations. Nothing of it is verified. */
  async referrers(text: string, signal?: AbortSignal): Promise<Referrer[]> {
    const image = this.#find(text);
    const reference = image ? this.#named(image, text) : withDefaultTag(parseReference(text));
    const repository = this.#registry.repository(reference);
    const here = image ? digestsIn(image, reference) : [];
    const there =
      here.length > 0 ? undefined : await repository.head(reference.digest ?? (reference.tag as string), signal);
    const subjects = there ? [there.digest] : here;
    if (subjects.length === 0) throw notFound(`${text} is not at its registry`);
    return attachedTo(repository, subjects, image, signal);
  }

  async #describe(host: string, login: KnownLogin | undefined): Promise<RegistryEntry> {
    const { mirrors = [], insecure = false, ca, client, fixed } = await this.#registry.describe(host);
    const byFiles = fixed.ca || fixed.client;
    return {
      host,
      ...(login?.user !== undefined && { user: login.user }),
      credentials: login?.kind ?? null,
      ...(login?.helper !== undefined && { helper: login.helper }),
      mirrors,
      insecure,
      certificates: { ca: ca !== undefined || fixed.ca, client: client !== undefined || fixed.client },
      ...((fixed.mirrors.length > 0 || fixed.insecure || byFiles) && {
        fixed: {
          ...(fixed.mirrors.length > 0 && { mirrors: fixed.mirrors }),
          ...(fixed.insecure && { insecure: true }),
          ...(byFiles && { certificates: { ca: fixed.ca, client: fixed.client } }),
        },
      }),
    };
  }

  #announce(host: string, change: string): void {
    this.#events.publish('daemon', 'registry', host, { name: host, change });
  }

  /** Registries that images came from or went to: those that know them by digest. */
  #origins(): string[] {
    return this.#images
      .list()
      .flatMap(({ RepoDigests }) => RepoDigests)
      .flatMap((name) => {
        const domain = domainOf(name);
        return domain === undefined ? [] : [domain];
      });
  }

  #find(text: string): ImageInspect | undefined {
    try {
      return this.#images.inspect(text);
    } catch {
      return undefined;
    }
  }

  /** The name to ask a registry for: the one given, or of an image that was meant by its id the first it has. */
  #named(image: ImageInspect, text: string): Reference {
    const names = image.RepoTags.map(parseReference);
    const meant = asReference(text);
    const found = names.find((name) => meant && sameName(name, withDefaultTag(meant))) ?? names[0];
    if (meant?.digest) return { ...meant, ...(found && sameRepository(found, meant) && { tag: found.tag ?? '' }) };
    if (!found) throw invalid(`${text} has no name that a registry could be asked for`);
    return found;
  }
}

const sameRepository = (a: Reference, b: Reference): boolean => repositoryOf(a) === repositoryOf(b);
const sameName = (a: Reference, b: Reference): boolean => sameRepository(a, b) && a.tag === b.tag;

/** By which digests an image is known in a repository. */
const digestsIn = ({ RepoDigests }: ImageInspect, reference: Reference): string[] =>
  RepoDigests.map(parseReference).flatMap((name) =>
    sameRepository(name, reference) && name.digest ? [name.digest] : [],
  );

function asReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}

const domainOf = (name: string): string | undefined => asReference(name)?.domain;

const pageQuery = ({ last, n = PAGE }: Page): Record<string, string> => ({
  n: String(Math.min(Math.max(1, n), LARGEST_PAGE)),
  ...(last && { last }),
});

const isNotOffered = ({ reason, status }: RegistryError): boolean =>
  reason === 'unauthorized' || reason === 'denied' || reason === 'missing' || status === 405 || status === 501;

async function namesIn(response: RegistryResponse, field: 'repositories' | 'tags'): Promise<RegistryNames> {
  let document: Record<string, unknown> | null = null;
  try {
    document = JSON.parse((await response.bytes()).toString('utf8')) as Record<string, unknown> | null;
  } catch {
    throw invalid(`the registry ${response.url.host} sent a list that is not JSON`);
  }
  const list = document?.[field];
  const names = Array.isArray(list) ? list.filter((name): name is string => typeof name === 'string') : [];
  const next = nextOf(response);
  return { offered: true, names, ...(next && { next }) };
}

/** `Link: </v2/_catalog?last=x&n=10>; rel="next"`: where the next page begins. */
function nextOf({ headers, url }: RegistryResponse): string | undefined {
  const link = [headers.link ?? ''].flat().join(', ');
  const target = /<([^>]*)>\s*;\s*rel="?next"?/i.exec(link)?.[1];
  if (target === undefined) return undefined;
  try {
    return new URL(target, url).searchParams.get('last') ?? undefined;
  } catch {
    return undefined;
  }
}
