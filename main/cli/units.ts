/** Sizes and times in docker's words. */

const steps = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `4.26MB`: powers of 1000, so many significant digits. */
export function humanSize(bytes: number, digits = 3): string {
  let step = 0;
  let size = bytes;
  while (size >= 1000 && step < steps.length - 1) {
    size /= 1000;
    step++;
  }
  return `${Number(size.toPrecision(digits))}${steps[step]}`;
}

/** `About a minute`, `3 hours`, `2 weeks`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 7 * 2) return `${days} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(days / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(days / 365)} years`;
}

export const ago = (unixSeconds: number): string =>
  unixSeconds > 0 ? `${humanDuration(Date.now() - unixSeconds * 1000)} ago` : 'N/A';

const binary: Record<string, number> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `512m`, `1.5g`, `4096`: powers of 1024, as for memory limits. */
export function parseMemory(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) throw new Error(`invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * (binary[(match[2] ?? '').toLowerCase()] ?? 1));
}

const durationUnits: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };

/** A moment for `--since` and `--until`, as the API takes it: Unix seconds, a date, or how long ago (`10m`, `1h30m`). */
export function moment(text: string): string {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  if (/^(\d+(\.\d+)?(h|m|s|ms|us|ns))+$/.test(text)) {
    let seconds = 0;
    for (const [, amount, unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|us|ns|h|m|s)/g))
      seconds += Number(amount) * (durationUnits[unit] ?? 0);
    return (Date.now() / 1000 - seconds).toFixed(9);
  }
  const date = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text);
  if (Number.isNaN(date)) throw new Error(`invalid time: '${text}'`);
  return (date / 1000).toFixed(9);
}
