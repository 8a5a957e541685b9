import { invalid } from '../../base/errors.js';
import type { Filters } from '../../contract/filters.js';
import type { VolumeRecord } from './record.js';

type Test = (record: VolumeRecord) => boolean;

/** `dangling`, `driver`, `label`, `name` of `GET /volumes`. */
export function volumeFilter(filters: Filters, used: (name: string) => boolean): Test {
  const dangling = truthOf(filters, 'dangling');
  const names = (filters['name'] ?? []).map(patternOf);
  const drivers = filters['driver'] ?? [];
  return (record) =>
    (dangling === undefined || dangling !== used(record.name)) &&
    (names.length === 0 || names.some((name) => name(record.name))) &&
    (drivers.length === 0 || drivers.includes('local')) &&
    labelled(filters, record);
}

/** `label`, `label!` and `all` of `POST /volumes/prune`. What was made with options of its own is taken by its name alone, as with dockerd. */
export function pruneFilter(filters: Filters): Test {
  const all = truthOf(filters, 'all') ?? false;
  const plain = ({ options }: VolumeRecord) => Object.keys(options ?? {}).length === 0;
  return (record) => (all || record.anonymous) && plain(record) && labelled(filters, record);
}

function labelled(filters: Filters, { labels }: VolumeRecord): boolean {
  const has = (wish: string): boolean => {
    const [, key = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(wish) ?? [];
    const found = labels?.[key];
    return found !== undefined && (value === undefined || found === value);
  };
  return (filters['label'] ?? []).every(has) && !(filters['label!'] ?? []).some(has);
}

function truthOf(filters: Filters, key: string): boolean | undefined {
  const values = filters[key];
  if (!values?.length) return undefined;
  const truths = values.map((value) => {
    if (['1', 'true'].includes(value.toLowerCase())) return true;
    if (['0', 'false'].includes(value.toLowerCase())) return false;
    throw invalid(`invalid filter '${key}=[${values.join(' ')}]'`);
  });
  if (new Set(truths).size > 1) throw invalid(`invalid filter '${key}=[${values.join(' ')}]'`);
  return truths[0];
}

/** As Docker looks for it: anywhere in the name, as a regular expression where it is one. */
function patternOf(text: string): (name: string) => boolean {
  try {
    const expression = new RegExp(text);
    return (name) => expression.test(name);
  } catch {
    return (name) => name.includes(text);
  }
}
