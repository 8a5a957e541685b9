import { readFile } from 'node:fs/promises';
import { invalid } from '../../base/errors.js';

let latest = 0n;
const origin = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** Now, as RFC 3339 with nine digits. Never the same twice, so that it orders what was made. */
export function now(): string {
  const wall = BigInt(Date.now()) * 1_000_000n;
  const fine = origin + process.hrtime.bigint();
  const drift = fine > wall ? fine - wall : wall - fine;
  const nanoseconds = drift < 5_000_000_000n ? fine : wall; // the wall clock was set
  latest = nanoseconds > latest ? nanoseconds : latest + 1n;
  return timeOf(latest);
}

/** Unix nanoseconds as RFC 3339 with nine digits. */
export function timeOf(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`;
}

/** `1795475834.5` in the form records and logs have; nothing for no bound. */
export function timeBound(given: string | undefined): string | undefined {
  if (!given || given === '0') return undefined;
  const [, seconds, fraction = ''] = /^(-?\d+)(?:\.(\d{1,9})\d*)?$/.exec(given) ?? [];
  if (seconds === undefined) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(given)}: invalid syntax`);
  return timeOf(BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0')));
}

/** Which boot this is: what ran in another one runs no more. */
export async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
