import type { PathStat } from '../helper/index.js';

/** Bits of Go's os.FileMode, as Docker's clients read them. */
const KINDS = new Map([
  [0o040000, 2 ** 31], // directory
  [0o120000, 2 ** 27], // symbolic link
  [0o060000, 2 ** 26], // block device
  [0o010000, 2 ** 25], // FIFO
  [0o140000, 2 ** 24], // socket
  [0o020000, 2 ** 26 + 2 ** 21], // character device
]);
const SETUID = 2 ** 23;
const SETGID = 2 ** 22;
const STICKY = 2 ** 20;

/** stat(2)'s mode as Go's. */
export const goMode = (mode: number): number =>
  (mode & 0o777) +
  (KINDS.get(mode & 0o170000) ?? 0) +
  (mode & 0o4000 ? SETUID : 0) +
  (mode & 0o2000 ? SETGID : 0) +
  (mode & 0o1000 ? STICKY : 0);

/** The value of `X-Docker-Container-Path-Stat`. */
export function encodeStat({ name, size, mode, mtime, linkTarget }: PathStat): string {
  const document = { name, size, mode: goMode(mode), mtime: timestamp(mtime), linkTarget };
  return Buffer.from(JSON.stringify(document)).toString('base64');
}

/** RFC 3339 with as many digits as are needed. */
export function timestamp([seconds, nanoseconds]: [number, number]): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length);
  const fraction = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  return `${whole}${fraction && `.${fraction}`}Z`;
}

/**
 * A path of a client as the helper takes it: absolute, without `.` and `..`, with the `/` or `/.` at its end that asks for a directory. `..` goes by the
 * text, before any link is followed, as with Docker.
 */
export function containerPath(given: string): string {
  const parts: string[] = [];
  for (const part of given.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const clean = `/${parts.join('/')}`;
  const end = /(?:^|\/)\.$/.test(given) ? '/.' : given.endsWith('/') ? '/' : '';
  return clean === '/' ? (end === '/.' ? '/.' : '/') : clean + end;
}
