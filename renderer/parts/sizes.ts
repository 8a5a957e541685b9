/** `512m`, `1.5g`, `64MiB`: bytes, or undefined when it is no size. */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) return undefined;
  const power = 'bkmgt'.indexOf((match[2] ?? '').toLowerCase() || 'b');
  return Math.round(Number(match[1]) * 1024 ** power);
}

const units = ['b', 'k', 'm', 'g', 't'];

/** Bytes as `--memory` takes them, in the largest unit that leaves a whole number. */
export function sizeText(count: number): string {
  if (count <= 0) return '';
  let value = count;
  let unit = 0;
  while (value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value}${units[unit]}`;
}

/** The least that the engine limits a container's memory to, in bytes. */
export const smallestMemory = 6 * 1024 * 1024;

const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** `30s`, `1m30s`, `500ms`: nanoseconds, or undefined when it is no time. */
export function parseTime(text: string): number | undefined {
  const parts = text.trim().match(/\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)/g);
  if (!parts || parts.join('') !== text.trim()) return undefined;
  return parts.reduce((sum, part) => sum + parseFloat(part) * (UNITS[part.replace(/^[\d.]+/, '')] ?? 0), 0);
}

/** The same the other way: `1m30s`. */
export function timeText(nanoseconds: number): string {
  let left = nanoseconds;
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms', 'us', 'ns']) {
    const size = UNITS[unit] ?? 1;
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  return text;
}
