import { EngineError, invalid, notFound, unauthorized, unavailable } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { ErrorKind } from '../../contract/error.js';
import { networkCode, type RegistryResponse } from './request.js';

/**
 * What a registry's refusal means to the one who asked. `denied`: known, but not allowed; `unauthorized`: not logged in, or wrongly;
 * `rate-limited`: later, `retryAfter` says when; `missing`: there is no such thing; `unavailable`: the registry is unwell; `refused`: it does not take what it was given.
 */
export type RegistryReason = 'denied' | 'unauthorized' | 'rate-limited' | 'missing' | 'unavailable' | 'refused';

/** A registry's considered answer; failures of the network are plain `unavailable` errors. */
export class RegistryError extends EngineError {
  constructor(
    kind: ErrorKind,
    message: string,
    readonly reason: RegistryReason,
    readonly status: number,
    /** The registry's own word: `NAME_UNKNOWN`, `TOOMANYREQUESTS`; empty where it has none. */
    readonly code = '',
    /** Seconds after which the registry answers again, where it says so. */
    readonly retryAfter?: number,
  ) {
    super(kind, message);
  }
}

const log = createLog('registry');

/** The first error of a registry's document. */
function firstError(bytes: Buffer): { code: string; message: string } {
  try {
    const { errors } = JSON.parse(bytes.toString('utf8')) as { errors?: { code?: unknown; message?: unknown }[] };
    const { code, message } = errors?.[0] ?? {};
    return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '' };
  } catch {
    return { code: '', message: '' };
  }
}

/** Who was asked for what, in people's words. */
export interface Asked {
  /** `debian`, `localhost:5000/x`. */
  repository: string;
  /** `debian:12`: the image or part that was asked for. */
  what: string;
  /** What was to be done there. */
  action: 'pull' | 'push';
}

/** The failure that an answer of 400 or more stands for. */
export async function failureOf(response: RegistryResponse, asked: Asked): Promise<RegistryError> {
  const { status } = response;
  const { code, message } = firstError(await response.bytes().catch(() => Buffer.alloc(0)));
  const said = code ? `${code.toLowerCase().replaceAll('_', ' ')}: ${message}` : '';
  const host = response.url.host;
  const failure = (error: EngineError, reason: RegistryReason, retryAfter?: number) =>
    new RegistryError(error.kind, error.message, reason, status, code, retryAfter);
  switch (status) {
    case 401:
      return deniedOf(asked, said || 'unauthorized: authentication required', status, code);
    case 403:
      return deniedOf(asked, said || 'denied', status, code);
    case 404:
      return failure(notFound(missing(asked, host, code, said)), 'missing');
    case 429:
      return rateLimited(response, message);
    default: {
      const sentence = `the registry ${host} answered with status ${status}${said ? ` (${said})` : ''}`;
      if (status >= 500) return failure(unavailable(`${sentence}: try again later`), 'unavailable');
      return failure(invalid(sentence), 'refused');
    }
  }
}

/** Not allowed, or not known: a registry does not tell these apart, so that nobody learns what is private. */
export function deniedOf({ repository, action }: Asked, said: string, status: number, code = ''): RegistryError {
  const reason = status === 401 ? 'unauthorized' : 'denied';
  const sentence =
    action === 'pull'
      ? `pull access denied for ${repository}, repository does not exist or may require 'docker login': ${said}`
      : `push access denied for ${repository}: ${said}. Log in as somebody who may push there (docker login)`;
  const kind = action === 'pull' ? 'not-found' : reason === 'unauthorized' ? 'unauthorized' : 'forbidden';
  return new RegistryError(kind, sentence, reason, status, code);
}

function missing({ repository, what }: Asked, host: string, code: string, said: string): string {
  if (code === 'NAME_UNKNOWN') return `repository ${repository} not found: ${said}`;
  if (code === 'BLOB_UNKNOWN')
    return `the registry ${host} lacks a part of ${repository} (${what}): push the image again`;
  return `manifest for ${what} not found: ${said || 'manifest unknown: manifest unknown'}`;
}

/** 429, with the numbers that registries send along: Docker Hub's `ratelimit-limit: 100;w=21600`, anybody's `retry-after`. */
function rateLimited({ headers, url }: RegistryResponse, message: string): RegistryError {
  const header = (name: string) => [headers[name] ?? ''].flat()[0] ?? '';
  const [, count, window] = /^(\d{1,9})(?:;w=(\d{1,9}))?/.exec(header('ratelimit-limit')) ?? [];
  const left = /^(\d{1,9})/.exec(header('ratelimit-remaining'))?.[1];
  const retryAfter = secondsOf(header('retry-after'));
  const limit =
    count === undefined
      ? message || `the registry ${url.host} limits how much may be pulled`
      : `the registry ${url.host} allows ${count} pulls${window ? ` in ${duration(Number(window))}` : ''}${left === undefined ? '' : `, ${left === '0' ? 'none is' : `${left} are`} left`}`;
  const wait =
    retryAfter === undefined
      ? window
        ? `Wait up to ${duration(Number(window))}`
        : 'Wait a while'
      : `It answers again in ${duration(retryAfter)}: wait until then`;
  log.debug(`${url.host} answered 429`);
  return new RegistryError(
    'forbidden',
    `toomanyrequests: ${limit}. ${wait}, log in (docker login), or use a mirror (--registry-mirror)`,
    'rate-limited',
    429,
    'TOOMANYREQUESTS',
    retryAfter,
  );
}

/** `Retry-After`: seconds, or a date. */
export function secondsOf(retryAfter: string, now = Date.now()): number | undefined {
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

/** `90` seconds as `2 minutes`: rounded up, so that nobody comes too early. */
function duration(seconds: number): string {
  const units = [
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ] as const;
  const [size, name] = units.find(([each]) => seconds >= each * 2 || (seconds >= each && seconds % each === 0)) ?? [
    1,
    'second',
  ];
  const count = Math.ceil(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

export const isUnauthorized = (error: unknown): error is EngineError =>
  error instanceof EngineError && error.kind === unauthorized('').kind;

/** An insecure registry may speak TLS or not: what does not answer in one is asked in the other. */
export function speaksOtherwise(error: unknown, { insecure, base }: { insecure: boolean; base: URL }): boolean {
  if (!insecure) return false;
  return (
    networkCode(error) !== undefined ||
    (base.protocol === 'http:' && error instanceof RegistryError && error.status === 400)
  );
}
