import { EngineError, invalid, notFound } from '../../base/errors.js';
import type { ContainerSummary } from '../../contract/containers.js';
import { momentOf } from '../../base/moments.js';
import type { Filters } from '../../contract/filters.js';
import type { Container } from './container.js';

const KNOWN =
  'ancestor before exited expose health id is-task isolation label name network publish since status volume'.split(' ');
const STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
const HEALTH = ['none', 'starting', 'healthy', 'unhealthy'];

export interface FilterContext {
  /** The container that `before` and `since` name; throws not-found. */
  find(reference: string): Container;
  /** The image ids that an `ancestor` names: the image itself and what was built on it. */
  imagesOf(reference: string): ReadonlySet<string>;
  /** The networks it is on, by name. */
  networksOf(container: Container): Record<string, { NetworkID: string }>;
  /** As the list shows them. */
  portsOf(container: Container): ContainerSummary['Ports'];
}

/** The test that `GET /containers/json` applies to each container. */
export function containerFilter(filters: Filters, context: FilterContext): (container: Container) => boolean {
  for (const key of Object.keys(filters)) if (!KNOWN.includes(key)) throw invalid(`Invalid filter '${key}'`);
  const tests = Object.entries(filters).flatMap(([key, values]) =>
    values.length > 0 ? [testOf(key, values, context)] : [],
  );
  return (container) => tests.every((test) => test(container));
}

function testOf(key: string, values: readonly string[], context: FilterContext): (container: Container) => boolean {
  const any =
    (matches: (container: Container, value: string) => boolean) =>
    (container: Container): boolean =>
      values.some((value) => matches(container, value));
  switch (key) {
    case 'id':
      return any(({ id }, value) => id.startsWith(value) || searches(value, id));
    case 'name':
      return any(({ record: { name } }, value) => searches(value, `/${name}`) || searches(value, name));
    case 'label':
      return ({ record }) => values.every((value) => hasLabel(record.config.Labels, value));
    case 'status':
      checkWords(key, values, STATUSES);
      return any(({ status }, value) => status === value);
    case 'exited': {
      const codes = values.map((value) => {
        if (!/^-?\d+$/.test(value)) throw invalid(`strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
        return Number(value);
      });
      return ({ status, record }) => (status === 'exited' || status === 'dead') && codes.includes(record.exitCode);
    }
    case 'ancestor': {
      const images = values.map((value) => context.imagesOf(value));
      return ({ record }) => images.some((ids) => ids.has(record.image.id));
    }
    case 'before': {
      const limits = values.map((value) => createdOf(value, context));
      return ({ record }) => limits.every((limit) => record.created < limit);
    }
    case 'since': {
      const limits = values.map((value) => createdOf(value, context));
      return ({ record }) => limits.every((limit) => record.created > limit);
    }
    case 'network':
      return any(
        (container, value) =>
          container.record.network === value ||
          Object.entries(context.networksOf(container)).some(
            ([name, { NetworkID }]) => name === value || NetworkID.startsWith(value),
          ),
      );
    case 'volume':
      return any(({ record }, value) =>
        record.mounts.some(({ Name, Source, Destination }) => [Name, Source, Destination].includes(value)),
      );
    case 'expose':
    case 'publish': {
      const ranges = values.map((value) => portRange(key, value));
      const field = key === 'expose' ? 'PrivatePort' : 'PublicPort';
      return (container) =>
        context.portsOf(container).some((port) => ranges.some((range) => range(port[field], port.Type)));
    }
    case 'health':
      checkWords(key, values, HEALTH);
      return any(({ record }, value) => (record.health?.Status ?? 'none') === value);
    case 'isolation': // a word for Windows
      return () => true;
    default: {
      // is-task: nothing of ours belongs to a swarm
      const wanted = values.map((value) => {
        if (!/^(0|1|t|f|true|false)$/i.test(value)) throw invalid(`Invalid filter '${key}=[${value}]'`);
        return /^(1|t|true)$/i.test(value);
      });
      return () => wanted.includes(false);
    }
  }
}

function createdOf(reference: string, { find }: FilterContext): string {
  try {
    return find(reference).record.created;
  } catch (error) {
    throw error instanceof EngineError && error.kind === 'not-found'
      ? notFound(`no such container ${reference}`, { cause: error })
      : error;
  }
}

function checkWords(key: string, values: readonly string[], known: readonly string[]): void {
  for (const value of values)
    if (!known.includes(value)) throw invalid(`Unrecognised filter value for ${key}: ${value}`);
}

/** `80`, `80/udp`, `8000-8100/tcp`. */
function portRange(key: string, value: string): (port: number | undefined, type: string) => boolean {
  if (value.includes(':')) throw invalid(`filter for '${key}' should not contain ':': ${value}`);
  const [, first, last = first, type = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(value) ?? [];
  if (first === undefined) throw invalid(`error while looking up for ${key} ${value}: ${badPort(value)}`);
  return (port, protocol) =>
    port !== undefined && port >= Number(first) && port <= Number(last) && protocol === type.toLowerCase();
}

const badPort = (value: string): string =>
  `strconv.ParseUint: parsing ${JSON.stringify(value.replace(/\/.*/, ''))}: invalid syntax`;

/** `label`, `label!` and `until` of `POST /containers/prune`. */
export function pruneFilter(filters: Filters): (container: Container) => boolean {
  for (const key of Object.keys(filters)) {
    if (!['label', 'label!', 'until'].includes(key)) throw invalid(`invalid filter '${key}'`);
  }
  const until = filters['until']?.map(momentOf);
  return ({ record }) =>
    (filters['label'] ?? []).every((value) => hasLabel(record.config.Labels, value)) &&
    !(filters['label!'] ?? []).some((value) => hasLabel(record.config.Labels, value)) &&
    (until ?? []).every((limit) => Date.parse(record.created) < limit);
}

/** `key` or `key=value`. */
function hasLabel(labels: Record<string, string>, wanted: string): boolean {
  const at = wanted.indexOf('=');
  if (at < 0) return wanted in labels;
  return labels[wanted.slice(0, at)] === wanted.slice(at + 1);
}

function searches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false; // as dockerd: what is no pattern matches nothing
  }
}
