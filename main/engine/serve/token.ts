import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Shown once, to who began to serve. */
export const newToken = (): string => randomBytes(24).toString('base64url');

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Whether an Authorization header has the token: as Basic's password, whoever it says it is, or as Bearer. */
export function opens(hash: string, authorization: string | undefined): boolean {
  const [, scheme = '', value = ''] = /^(Basic|Bearer) +(\S{1,1024})$/i.exec(authorization ?? '') ?? [];
  const given =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : value;
  return timingSafeEqual(Buffer.from(hashOf(given), 'hex'), Buffer.from(hash, 'hex'));
}
