import type { TFunction } from 'i18next';
import type { DiskPart } from '../../parts/disk-parts.js';

/** What a part is called where it has no name of its own. */
export function nameOfPart(t: TFunction, { kind, name, sharers }: DiskPart): string {
  const [first = '', ...more] = sharers ?? [];
  if (kind === 'shared') return t('disk.sharedBy', { name: first, count: more.length });
  if (kind === 'log') return t('disk.logOf', { name: name ?? '' });
  return name ?? t(`disk.kind.${kind}`);
}

/** A share of the whole, as people say it. */
export function percent(part: number, whole: number): string {
  const share = whole > 0 ? (part / whole) * 100 : 0;
  return share > 0 && share < 1 ? '<1 %' : `${Math.round(share)} %`;
}
