/** Compares texts on a thread of its own: one question, one answer. */
import { diffOf, patchOf, type TextDiff } from './text-diff.js';

export interface DiffQuestion {
  path: string;
  before: string | undefined;
  after: string | undefined;
  /** The patch is wanted, not what is shown. */
  patch: boolean;
}

export type DiffAnswer = TextDiff | string | undefined;

addEventListener('message', ({ data: { path, before, after, patch } }: MessageEvent<DiffQuestion>) =>
  self.postMessage(patch ? patchOf(path, before, after) : diffOf(before ?? '', after ?? '')),
);
