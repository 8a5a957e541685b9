import type { TFunction } from 'i18next';

const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes as docker prints them: powers of a thousand, three digits that matter. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${units[unit]}`;
}

/** `96 / 157 MB`: both in the unit of the whole. */
export function bytesOf(current: number, total: number): string {
  const [, unit = 'B'] = bytes(total).split(' ');
  const divisor = 1000 ** units.indexOf(unit);
  const digits = unit === 'B' || total / divisor >= 100 ? 0 : 1;
  return `${(current / divisor).toFixed(digits)} / ${(total / divisor).toFixed(digits)} ${unit}`;
}

/** A span of time in its largest unit: `4 min`, `2 h`, `6 d`. */
export function span(t: TFunction, milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return t('time.seconds', { count: seconds });
  if (seconds < 3600) return t('time.minutes', { count: Math.floor(seconds / 60) });
  if (seconds < 48 * 3600) return t('time.hours', { count: Math.floor(seconds / 3600) });
  if (seconds < 60 * 86400) return t('time.days', { count: Math.floor(seconds / 86400) });
  return t('time.months', { count: Math.floor(seconds / (30 * 86400)) });
}

export const ago = (t: TFunction, milliseconds: number): string =>
  milliseconds < 5000 ? t('time.now') : t('time.ago', { span: span(t, milliseconds) });

/** Twelve characters are what people read of an id. */
export const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

/** What a container's image is called; its ID in short where that name is gone. */
export const imageName = (image: string): string => (image.startsWith('sha256:') ? shortId(image) : image);
