import { invalid } from '../../base/errors.js';
import type { Filters } from '../../contract/filters.js';
import { driverOf } from './describe.js';
import type { NetworkRecord } from './record.js';

/** Docker's: `id`, `name` (parts of them), `driver`, `scope`, `type`, `dangling`, `label`. `used`: a container is on it. */
export function networkFilter(filters: Filters, used: (record: NetworkRecord) => boolean) {
  for (const type of filters['type'] ?? [])
    if (type !== 'builtin' && type !== 'custom') throw invalid(`invalid filter: 'type'='${type}'`);
  const passes: Record<string, (record: NetworkRecord, value: string) => boolean> = {
    id: ({ id }, value) => id.includes(value),
    name: ({ name }, value) => name.includes(value),
    driver: (record, value) => driverOf(record) === value,
    scope: (_, value) => value === 'local',
    type: ({ custom }, value) => (value === 'custom') === (custom !== undefined),
    // What every engine has is never left over.
    dangling: (record, value) => /^(1|true)$/i.test(value) === (record.custom !== undefined && !used(record)),
  };
  return (record: NetworkRecord): boolean =>
    Object.entries(filters).every(([key, values]) => {
      if (key === 'label') return values.every((value) => hasLabel(record, value));
      return values.length === 0 || values.some((value) => passes[key]?.(record, value) ?? true);
    });
}

/** `until` is a moment in Unix milliseconds. */
export function pruneFilter(filters: Filters, until: number | undefined): (record: NetworkRecord) => boolean {
  return (record) =>
    (filters['label'] ?? []).every((value) => hasLabel(record, value)) &&
    !(filters['label!'] ?? []).some((value) => hasLabel(record, value)) &&
    (until === undefined || Date.parse(record.created) < until);
}

function hasLabel({ custom }: NetworkRecord, wanted: string): boolean {
  const at = wanted.indexOf('=');
  const [key, value] = at < 0 ? [wanted, undefined] : [wanted.slice(0, at), wanted.slice(at + 1)];
  const found = custom?.labels[key];
  return found !== undefined && (value === undefined || found === value);
}
