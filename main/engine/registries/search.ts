import { invalid, unavailable } from '../../base/errors.js';
import type { Filters } from '../../contract/filters.js';
import type { SearchResult } from '../../contract/registries.js';
import { basic, checkedHost, DEFAULT_DOMAIN, type Registry, type RegistryAuth } from '../registry/index.js';

export interface SearchRequest {
  /** `debian`, `registry.lan:5000/debian`. */
  term: string;
  limit?: number | undefined;
  filters: Filters;
}

const HUB_INDEX = 'https://index.docker.io';
const USUAL_LIMIT = 25;
const MOST = 100;

/** Asks Docker Hub's search, or that of the registry before the first slash, and narrows what it finds. */
export async function search(
  registry: Registry,
  { term, limit = USUAL_LIMIT, filters }: SearchRequest,
  auth: RegistryAuth | undefined,
  signal?: AbortSignal,
): Promise<SearchResult[]> {
  const passes = filterOf(filters);
  if (limit < 1 || limit > MOST) throw invalid(`Limit ${limit} is outside the range of [1, ${MOST}]`);
  if (/^https?:\/\//.test(term))
    throw invalid(`invalid repository name: repository name (${term}) should not have a scheme`);
  const { host, wanted } = splitTerm(term);
  const bases =
    host === DEFAULT_DOMAIN
      ? [HUB_INDEX]
      : [`https://${host}`, ...(registry.isInsecure(host) ? [`http://${host}`] : [])];
  const query = new URLSearchParams({ q: wanted, n: String(limit) });
  const response = await first(bases, async (base) => {
    const url = new URL(`/v1/search?${query.toString()}`, base);
    const answer = await registry.open(url, { signal });
    if (answer.status !== 401) return answer;
    const login = auth?.username ? auth : await registry.loginFor(host);
    if (!login?.username) return answer;
    answer.discard();
    return registry.open(url, { headers: { Authorization: basic(login) }, signal });
  });
  if (response.status !== 200) {
    response.discard();
    throw unavailable(`the search of ${host} answered with status ${response.status}: ${why(response.status, host)}`);
  }
  return resultsIn(await response.bytes(), host).filter(passes);
}

/** An insecure registry may speak TLS or not. */
async function first<Answer>(bases: string[], ask: (base: string) => Promise<Answer>): Promise<Answer> {
  const [base = '', ...more] = bases;
  return more.length === 0 ? ask(base) : ask(base).catch(() => first(more, ask));
}

function why(status: number, host: string): string {
  if (status === 401 || status === 403) return 'log in first (docker login)';
  if (status === 404) return `${host} offers no search; look through its repositories instead`;
  return 'try again later';
}

/** As dockerd reads it: what stands before the first slash is a host where it looks like one. */
function splitTerm(term: string): { host: string; wanted: string } {
  const slash = term.indexOf('/');
  const first = term.slice(0, Math.max(0, slash));
  const isHost = slash > 0 && (/[.:]/.test(first) || first === 'localhost');
  const host = isHost ? checkedHost(first) : DEFAULT_DOMAIN;
  const wanted = isHost ? term.slice(slash + 1) : term;
  return { host, wanted: host === DEFAULT_DOMAIN ? wanted.replace(/^library\//, '') : wanted };
}

function resultsIn(bytes: Buffer, host: string): SearchResult[] {
  let results: unknown;
  try {
    results = (JSON.parse(bytes.toString('utf8')) as { results?: unknown } | null)?.results;
  } catch {
    throw unavailable(`the search of ${host} sent something that is not JSON: try again later`);
  }
  return (Array.isArray(results) ? (results as Record<string, unknown>[]) : []).map((result) => ({
    star_count: Number(result['star_count'] ?? 0),
    is_official: result['is_official'] === true,
    name: String(result['name'] ?? ''),
    is_automated: result['is_automated'] === true,
    description: String(result['description'] ?? ''),
  }));
}

/** `is-official`, `is-automated`, `stars`: what a result must be. */
function filterOf(filters: Filters): (result: SearchResult) => boolean {
  const yesOrNo = (name: string): boolean | undefined => {
    const values = filters[name];
    if (values === undefined) return undefined;
    const [only] = values;
    if (values.length !== 1 || (only !== 'true' && only !== 'false')) throw refused(name, values);
    return only === 'true';
  };
  const official = yesOrNo('is-official');
  const automated = yesOrNo('is-automated');
  const stars = (filters['stars'] ?? []).map((value, _, values) => {
    if (!/^[+-]?\d{1,9}$/.test(value)) throw refused('stars', values);
    return Number(value);
  });
  return (result) =>
    (official === undefined || result.is_official === official) &&
    (automated === undefined || result.is_automated === automated) &&
    stars.every((least) => result.star_count >= least);
}

const refused = (name: string, values: readonly string[]) => invalid(`invalid filter '${name}=[${values.join(' ')}]'`);
