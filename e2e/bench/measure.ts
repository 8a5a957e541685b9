/** Interleaved measuring: one sample of each in turn, medians, ratios, targets. Times in milliseconds. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import path from 'node:path';

export interface Contender<T> {
  name: string;
  subject: T;
}

export interface Row {
  measure: string;
  unit: string;
  /** In the order of the other lists; the first is ours. */
  names: string[];
  samples: number;
  medians: number[];
  p95: number[];
  /** Our median divided by each peer's. */
  ratios: number[];
  /** What is held against the target: the ratio to the first peer or, without a peer, our median. */
  value: number;
  /** At most this. */
  target?: number;
  met: boolean;
}

export interface Goal {
  /** Our median must be at most this times the second contender's; or, without a peer, at most this. */
  target?: number;
  unit?: string;
}

export const rows: Row[] = [];

/** Measures whose names have this in them are taken, the others passed over. */
let wanted = '';
export const only = (part: string): void => void (wanted = part.toLowerCase());
export const isWanted = (measure: string): boolean => measure.toLowerCase().includes(wanted);

/** Takes `n` samples of each contender in turn (after one unmeasured round), each after `before`, and notes a row. Ours comes first. */
export async function compare<T>(
  measure: string,
  contenders: Contender<T>[],
  sample: (subject: T) => Promise<number>,
  { n = 20, before, ...goal }: Goal & { n?: number; before?: () => Promise<unknown> } = {},
): Promise<void> {
  if (!isWanted(measure)) return;
  const samples = contenders.map(() => [] as number[]);
  for (let round = -1; round < n; round++)
    for (const [index, { subject }] of contenders.entries()) {
      await before?.();
      const value = await sample(subject);
      if (round >= 0) samples[index]!.push(value);
    }
  note(
    measure,
    contenders.map(({ name }) => name),
    samples,
    goal,
  );
}

/** Notes samples taken elsewhere. */
export function note(measure: string, names: string[], samples: number[][], { target, unit = 'ms' }: Goal = {}): void {
  if (!isWanted(measure)) return;
  const medians = samples.map((each) => quantile(each, 0.5));
  const ratios = medians.slice(1).map((each) => medians[0]! / each);
  const value = ratios[0] ?? medians[0]!;
  const row: Row = {
    measure,
    unit,
    names,
    samples: samples[0]!.length,
    medians,
    p95: samples.map((each) => quantile(each, 0.95)),
    ratios,
    value,
    ...(target !== undefined && { target }),
    met: target === undefined || value <= target,
  };
  rows.push(row);
  console.log(describe(row));
}

/** Notes one number of ours. */
export const noteOne = (measure: string, value: number, goal: Goal): void =>
  note(measure, ['slipway'], [[value]], goal);

export const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
  const from = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - from) / 1e6;
};

export function describe({ measure, unit, names, samples, medians, p95, ratios, value, target, met }: Row): string {
  const figures = names
    .map((name, index) => {
      const spread = samples > 1 ? ` (p95 ${round(p95[index]!)})` : '';
      return `${name} ${round(medians[index]!)}${spread} ${unit}`;
    })
    .join(' · ');
  const against = ratios.map((ratio, index) => `${round(ratio)} of ${names[index + 1]}`).join(', ');
  const limit = `target ≤ ${round(target ?? 0)}${ratios.length > 0 ? ` of ${names[1]}` : ` ${unit}`}`;
  const goal = target === undefined ? '' : met ? ` ✔ ${limit}` : ` ✖ ${limit}, missed by ${missed(value, target)}`;
  return `${measure}: ${figures}${against ? ` → ${against}` : ''}${goal}`;
}

/** By how much of the target, where that can be said. */
const missed = (value: number, target: number): string =>
  target === 0 ? round(value) : `${round(((value - target) / target) * 100)} %`;

/** The figures for programs: what was measured, where and when. */
export async function writeRows(file: string): Promise<void> {
  const machine = {
    processors: cpus().length,
    model: cpus()[0]?.model ?? '',
    memory: totalmem(),
    kernel: release(),
    node: process.version,
  };
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ date: new Date().toISOString(), machine, rows }, undefined, 2)}\n`);
}

export function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
}

const round = (value: number) => {
  const size = Math.abs(value);
  return size >= 100
    ? value.toFixed(0)
    : size >= 10
      ? value.toFixed(1)
      : size >= 0.1 || size === 0
        ? value.toFixed(2)
        : value.toFixed(3);
};
