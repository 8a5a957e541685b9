/** A request's path and query, as strict as Docker's router is. */
import { invalid } from '../base/errors.js';

const badEscape = /%(?![0-9a-f]{2}).{0,2}/i;

export const isBadlyEscaped = (path: string): boolean => badEscape.test(path);

/** The path without empty and dotted segments; a client that sent another is told to use this one. */
export function cleanPath(path: string): string {
  if (!/\/\/|\/\.|\/%2e/i.test(path)) return path;
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const segment of segments) {
    const plain = segment.replace(/%2e/gi, '.');
    if (plain === '..') kept.pop();
    else if (plain !== '' && plain !== '.') kept.push(segment);
  }
  const end = kept.length > 0 && segments.at(-1) === '' ? '/' : '';
  return `/${kept.join('/')}${end}`;
}

export function queryOf(search: string): URLSearchParams {
  const [wrong] = badEscape.exec(search) ?? [];
  if (wrong !== undefined) throw invalid(`invalid URL escape ${JSON.stringify(wrong)}`);
  if (search.includes(';')) throw invalid('invalid semicolon separator in query');
  return new URLSearchParams(search);
}
