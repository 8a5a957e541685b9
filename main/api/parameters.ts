/** Query parameters as Docker reads them, refused in its words. */
import { invalid } from '../base/errors.js';

/** Everything but an empty value, `0`, `no`, `false` and `none` is true. */
export const flag = (query: URLSearchParams, name: string, absent = false): boolean => {
  const value = query.get(name);
  return value === null ? absent : !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
};

export function integer(query: URLSearchParams, name: string): number | undefined {
  return query.get(name) ? requiredInteger(query, name) : undefined;
}

export function requiredInteger(query: URLSearchParams, name: string): number {
  const value = query.get(name) ?? '';
  if (!/^[+-]?\d{1,15}$/.test(value)) throw invalid(`strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(value);
}

export const text = (query: URLSearchParams, name: string): string | undefined => query.get(name) || undefined;

/** A moment as `seconds` or `seconds.fraction`, in Unix nanoseconds. Zero is none. */
export function nanoseconds(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '' || value === '0') return undefined;
  const match = /^(-?\d{1,12})(?:\.(\d{1,9}))?$/.exec(value);
  if (!match) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  return Number(match[1]) * 1e9 + Number((match[2] ?? '').padEnd(9, '0'));
}
