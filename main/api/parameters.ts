/** Query parameters as Docker reads them. */
import { invalid } from '../base/errors.js';

/** Everything but an empty value, `0`, `no`, `false` and `none` is true. */
export const flag = (query: URLSearchParams, name: string, absent = false): boolean => {
  const value = query.get(name);
  return value === null ? absent : !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
};

export function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^[+-]?\d{1,15}$/.test(value)) throw invalid(`invalid value for ${name}: "${value}" is not a whole number`);
  return Number(value);
}

export const text = (query: URLSearchParams, name: string): string | undefined => query.get(name) || undefined;

/** A moment as `seconds` or `seconds.fraction`, in Unix nanoseconds. Zero is none. */
export function nanoseconds(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '' || value === '0') return undefined;
  const match = /^(-?\d{1,12})(?:\.(\d{1,9}))?$/.exec(value);
  if (!match) throw invalid(`invalid value for ${name}: "${value}" is not a time in seconds`);
  return Number(match[1]) * 1e9 + Number((match[2] ?? '').padEnd(9, '0'));
}
