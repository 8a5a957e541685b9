import type { LayerStep, StepPair } from '../../../main/contract/layers.js';

/** Pixels. */
export interface Card {
  top: number;
  height: number;
}

const GAP = 6;
const LEAST = 34;
const WITH_SIZE = 50;
const MOST = 150;

/** By the logarithm of its size: a base image does not push the rest out of sight, and small ones can still be told apart. */
export function heightOf({ Layer }: LayerStep): number {
  if (!Layer) return LEAST;
  return Math.round(Math.min(MOST, Math.max(WITH_SIZE, LEAST + 14 * Math.log2(1 + Layer.Size / 1e6))));
}

const total = (heights: number[]): number => heights.reduce((sum, height) => sum + height + GAP, -GAP);

/** Stacks stand on one ground. */
export function cardsOf(stacks: readonly (readonly LayerStep[])[]): { cards: Card[][]; height: number } {
  const heights = stacks.map((steps) => steps.map(heightOf));
  const height = Math.max(0, ...heights.map(total));
  return {
    height,
    cards: heights.map((each) => {
      let top = height - total(each);
      return each.map((one) => {
        const card = { top, height: one };
        top += one + GAP;
        return card;
      });
    }),
  };
}

/** From the right edge of one card to the left edge of another. */
export function ribbon(from: Card, to: Card, x: number, width: number): string {
  const middle = x + width / 2;
  const end = x + width;
  return [
    `M${x} ${from.top}C${middle} ${from.top} ${middle} ${to.top} ${end} ${to.top}V${to.top + to.height}`,
    `C${middle} ${to.top + to.height} ${middle} ${from.top + from.height} ${x} ${from.top + from.height}Z`,
  ].join('');
}

export type StepMark = 'same' | 'changed' | 'new' | 'gone';

/** What became of each step, on either side. */
export function marksOf(
  before: readonly LayerStep[],
  after: readonly LayerStep[],
  pairs: readonly StepPair[],
): [StepMark[], StepMark[]] {
  const marks: [StepMark[], StepMark[]] = [before.map(() => 'gone'), after.map(() => 'new')];
  for (const { Before, After, Same } of pairs) marks[0][Before] = marks[1][After] = Same ? 'same' : 'changed';
  return marks;
}

/** The layer that is reached at a step: its own, or the nearest below. */
export function layerAt(steps: readonly LayerStep[], index: number): number | undefined {
  for (let at = index; at < steps.length; at++) {
    const layer = steps[at]?.Layer;
    if (layer) return layer.Number;
  }
  return undefined;
}

/** Where a layer stands among the steps; the topmost when not given, -1 where there is none. */
export const stepOf = (steps: readonly LayerStep[], layer: number | undefined): number =>
  steps.findIndex(({ Layer }) => Layer && (layer === undefined || Layer.Number === layer));

/**
 * Which layers are compared once a step of one side is chosen: up to it, and on the other side up to what stands for it, or for the nearest below that has a counterpart.
 */
export function choose(
  side: 0 | 1,
  index: number,
  stacks: readonly [readonly LayerStep[], readonly LayerStep[]],
  pairs: readonly StepPair[],
): [number | undefined, number | undefined] {
  const key = side === 0 ? 'Before' : 'After';
  const pair = pairs.filter((each) => each[key] >= index).sort((a, b) => a[key] - b[key])[0];
  const own = layerAt(stacks[side], index);
  const other = pair && layerAt(stacks[side === 0 ? 1 : 0], pair[side === 0 ? 'After' : 'Before']);
  return side === 0 ? [own, other] : [other, own];
}
