/** The `filters` parameter, in both ways that clients write it. */
import type { Filters } from '../contract/filters.js';
import { invalid } from '../base/errors.js';

/** Reads and checks the filters of a request. `known` are the keys that this list has. */
export function filtersOf(query: URLSearchParams, known: readonly string[]): Filters {
  const filters = anyFiltersOf(query);
  for (const key of Object.keys(filters)) if (!known.includes(key)) throw invalid(`Invalid filter '${key}'`);
  return filters;
}

/** The filters of a prune: of two moments nobody could say which one is meant. */
export function pruneFiltersOf(query: URLSearchParams, known: readonly string[]): Filters {
  const filters = filtersOf(query, known);
  if ((filters['until'] ?? []).length > 1) throw invalid('more than one until filter specified');
  return filters;
}

/** `{"key":{"value":true}}`, where the key alone counts, and `{"key":["value"]}` from clients older than API 1.22. */
export function anyFiltersOf(query: URLSearchParams): Filters {
  const text = query.get('filters');
  if (!text) return {};
  let value: unknown;
  try {
    value = JSON.parse(text) ?? {};
  } catch {
    throw invalid('Invalid filter: the filters parameter is not JSON');
  }
  if (!isObject(value)) throw invalid('Invalid filter: the filters parameter is not a JSON object');
  return Object.fromEntries(
    Object.entries(value).map(([key, values]) => {
      if (Array.isArray(values)) return [key, values.map(String)];
      if (isObject(values)) return [key, Object.keys(values)];
      throw invalid(`Invalid filter '${key}': it needs a list of values`);
    }),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
