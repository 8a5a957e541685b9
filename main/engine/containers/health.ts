import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalid } from '../../base/errors.js';
import type { Health, HealthConfig } from '../../contract/containers.js';
import type { HealthProbe } from '../helper/index.js';
import type { FullConfig } from './record.js';

const MS = 1_000_000;
const DEFAULTS = { Interval: 30_000 * MS, Timeout: 30_000 * MS, StartPeriod: 0, StartInterval: 5_000 * MS, Retries: 3 };
const SHELL = ['/bin/sh', '-c'];

/** Docker's merge: what the request leaves open, the image fills. */
export function mergeHealthcheck(own?: HealthConfig | null, image?: HealthConfig | null): HealthConfig | undefined {
  if (!own || !image) return own ?? image ?? undefined;
  return {
    ...own,
    Test: own.Test?.length ? own.Test : (image.Test ?? []),
    Interval: own.Interval || (image.Interval ?? 0),
    Timeout: own.Timeout || (image.Timeout ?? 0),
    StartPeriod: own.StartPeriod || (image.StartPeriod ?? 0),
    StartInterval: own.StartInterval || (image.StartInterval ?? 0),
    Retries: own.Retries || (image.Retries ?? 0),
  };
}

export function checkHealthcheck(check: HealthConfig | undefined): void {
  for (const key of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const time = check?.[key] ?? 0;
    if (time !== 0 && time < MS) throw invalid(`${key} in Healthcheck cannot be less than 1ms`);
  }
  if ((check?.Retries ?? 0) < 0) throw invalid('Retries in Healthcheck cannot be negative');
}

/** What the monitor is to run, and when; null: nothing. */
export function healthProbe({ Healthcheck: check, Shell }: FullConfig): HealthProbe | null {
  const [kind, ...words] = check?.Test ?? [];
  if ((kind !== 'CMD' && kind !== 'CMD-SHELL') || words.length === 0) return null;
  const argv = kind === 'CMD' ? words : [...(Shell?.length ? Shell : SHELL), ...words];
  const milliseconds = (key: Exclude<keyof typeof DEFAULTS, 'Retries'>): number =>
    Math.ceil((check?.[key] || DEFAULTS[key]) / MS);
  return {
    argv,
    intervalMs: milliseconds('Interval'),
    timeoutMs: milliseconds('Timeout'),
    startPeriodMs: milliseconds('StartPeriod'),
    startIntervalMs: milliseconds('StartInterval'),
    retries: check?.Retries || DEFAULTS.Retries,
  };
}

/** How it is before the first probe has come to an end. */
export const startingHealth = (): Health => ({ Status: 'starting', FailingStreak: 0, Log: [] });

/** What the monitor has written down of its probes; undefined where it is gone. */
export async function readHealth(stateDir: string): Promise<Health | undefined> {
  try {
    return JSON.parse(await readFile(join(stateDir, 'health.json'), 'utf8')) as Health;
  } catch {
    return undefined;
  }
}

/** As `docker ps` has it behind the time it is up. */
export const healthInWords = (health: Health | undefined): string =>
  health ? ` (${health.Status === 'starting' ? 'health: starting' : health.Status})` : '';
