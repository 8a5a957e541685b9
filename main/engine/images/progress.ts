import type { Progress } from '../../contract/images.js';

/** A report with how far it is: in numbers, and as the bar that old clients print. */
export function moving(id: string, status: string, current: number, total: number): Progress {
  return { status, progressDetail: { current, total }, progress: bar(current, total), id };
}

export const still = (id: string, status: string): Progress => ({ status, progressDetail: {}, id });

/** Lets at most one report through every tenth of a second, and the last one always. */
export function throttled(report: (current: number) => void, total: number): (current: number) => void {
  let next = 0;
  return (current) => {
    const now = Date.now();
    if (now < next && current < total) return;
    next = now + 100;
    report(current);
  };
}

/** `[=====>     ]  1.2MB/3MB`, fifty wide. */
export function bar(current: number, total: number): string {
  if (total <= 0) return `${humanSize(current).padStart(8)}`;
  const done = Math.min(50, Math.floor((current / total) * 50));
  const line = done < 50 ? `${'='.repeat(done)}>${' '.repeat(49 - done)}` : `${'='.repeat(50)}>`;
  return `[${line}] ${humanSize(current).padStart(8)}/${humanSize(total)}`;
}

/** Docker's: decimal units, four significant digits. */
export function humanSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit++;
  }
  return `${Number(bytes.toPrecision(4))}${units[unit]}`;
}
