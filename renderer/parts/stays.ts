import type { TFunction } from 'i18next';
import { shortId } from '../ui/format.js';
import { notifyFailed } from '../ui/notify.js';

/** A volume that nobody named is called by the first letters of its name. */
export const called = (name: string): string => (/^[0-9a-f]{64}$/.test(name) ? shortId(name) : name);

/** Says of those that could not be removed which they are and why, where no dialog does: reasons by name. */
export function sayStays(t: TFunction, reasons: Record<string, string>): void {
  const names = Object.keys(reasons);
  const words = [...new Set(Object.values(reasons))].join(' ');
  if (names.length > 0) notifyFailed(t('volumes.remove.failed', { name: names.map(called).join(', ') }), words);
}
