/** Interleaved measuring: one sample of each in turn, medians, ratios, targets. Times in milliseconds. */

export interface Contender<T> {
  name: string;
  subject: T;
}

export interface Row {
  measure: string;
  unit: string;
  /** Median by contender, in the order given; the first is ours. */
  medians: number[];
  p95: number[];
  names: string[];
  /** Our median must be at most this times the second contender's; or, without a peer, at most this. */
  target?: number;
  met: boolean;
}

export const rows: Row[] = [];

/** Takes `n` samples of each contender in turn (after one unmeasured round) and notes a row. Ours comes first. */
export async function compare<T>(
  measure: string,
  contenders: Contender<T>[],
  sample: (subject: T) => Promise<number>,
  { n = 20, target, unit = 'ms' }: { n?: number; target?: number; unit?: string } = {},
): Promise<void> {
  const samples = contenders.map(() => [] as number[]);
  for (let round = -1; round < n; round++)
    for (const [index, { subject }] of contenders.entries()) {
      const value = await sample(subject);
      if (round >= 0) samples[index]!.push(value);
    }
  note(
    measure,
    contenders.map(({ name }) => name),
    samples,
    { target, unit },
  );
}

/** Notes samples taken elsewhere. */
export function note(
  measure: string,
  names: string[],
  samples: number[][],
  { target, unit = 'ms' }: { target?: number; unit?: string } = {},
): void {
  const medians = samples.map((each) => quantile(each, 0.5));
  const p95 = samples.map((each) => quantile(each, 0.95));
  const value = medians.length > 1 ? medians[0]! / medians[1]! : medians[0]!;
  const row = { measure, unit, names, medians, p95, target, met: target === undefined || value <= target };
  rows.push(row);
  console.log(describe(row));
}

export const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
  const from = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - from) / 1e6;
};

export function describe({ measure, unit, names, medians, p95, target, met }: Row): string {
  const figures = names
    .map((name, index) => `${name} ${round(medians[index]!)} (p95 ${round(p95[index]!)}) ${unit}`)
    .join(' · ');
  const ratios = medians
    .slice(1)
    .map((each, index) => `${round(medians[0]! / each)} of ${names[index + 1]}`)
    .join(', ');
  const goal =
    target === undefined
      ? ''
      : ` ${met ? '✔' : '✖'} target ≤ ${target}${medians.length > 1 ? ` of ${names[1]}` : ` ${unit}`}`;
  return `${measure}: ${figures}${ratios ? ` → ${ratios}` : ''}${goal}`;
}

function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
}

const round = (value: number) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
