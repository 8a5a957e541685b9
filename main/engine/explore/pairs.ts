import type { LayerStep, StepPair } from '../../contract/layers.js';

/** Which steps of two images stand for each other: in order, none twice, as alike as can be. */
export function pairsOf(before: readonly LayerStep[], after: readonly LayerStep[]): StepPair[] {
  const keys = [before.map(keyOf), after.map(keyOf)] as const;
  const width = after.length + 1;
  // The best that can be had of what follows either step.
  const best = new Float64Array((before.length + 1) * width);
  const likeness = (i: number, j: number) => likenessOf(keys[0][i] as Key, keys[1][j] as Key);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const alike = likeness(i, j);
      const paired = alike > 0 ? alike + (best[(i + 1) * width + j + 1] as number) : 0;
      best[i * width + j] = Math.max(paired, best[(i + 1) * width + j] as number, best[i * width + j + 1] as number);
    }
  }
  const pairs: StepPair[] = [];
  for (let i = 0, j = 0; i < before.length && j < after.length;) {
    const here = best[i * width + j] as number;
    const alike = likeness(i, j);
    if (alike > 0 && here === alike + (best[(i + 1) * width + j + 1] as number)) {
      pairs.push({ Before: i++, After: j++, Same: alike >= SAME });
    } else if (here === best[(i + 1) * width + j]) i++;
    else j++;
  }
  return pairs;
}

interface Key {
  /** What it is in itself; '' where only its words say. */
  content: string;
  command: string;
  words: string[];
}

const SAME = 100;

function keyOf({ Command, Layer }: LayerStep): Key {
  return { content: Layer ? Layer.DiffId : Command, command: Command, words: Command.split(' ') };
}

function likenessOf(one: Key, other: Key): number {
  if (one.content !== '' && one.content === other.content) return SAME + (one.command === other.command ? 1 : 0);
  if (one.command === '' || other.command === '') return 0;
  if (one.command === other.command) return 20;
  if (one.words[0] !== other.words[0]) return 0;
  let same = 0;
  while (same < 6 && one.words[same] !== undefined && one.words[same] === other.words[same]) same++;
  return same;
}
