import { createHash } from 'node:crypto';
import { invalid } from '../../base/errors.js';

const sha256 = /^sha256:[a-f0-9]{64}$/;

export const isDigest = (text: unknown): text is string => typeof text === 'string' && sha256.test(text);

/** A digest from outside, checked before it becomes a path. */
export function checkedDigest(text: unknown): string {
  if (isDigest(text)) return text;
  throw invalid(
    `invalid digest ${JSON.stringify(text)}: only sha256 with 64 lower-case hexadecimal digits is supported`,
  );
}

export const digestOf = (bytes: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
