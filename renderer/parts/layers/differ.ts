import { diffOf, patchOf, type TextDiff } from './text-diff.js';
import type { DiffAnswer, DiffQuestion } from './diff-worker.js';

/** Characters on both sides that are compared faster than a thread begins. */
const SHORT = 20_000;

/** What two texts differ by; long ones are compared on a thread of their own, so that the window goes on. Undefined: too much to be found out in time. */
export async function compared(before: string, after: string): Promise<TextDiff | undefined> {
  if (before.length + after.length < SHORT) return diffOf(before, after);
  return (await asked({ path: '', before, after, patch: false })) as TextDiff | undefined;
}

/** The same as a patch, for `git apply`. */
export async function patched(path: string, before: string | undefined, after: string | undefined): Promise<string> {
  if ((before ?? '').length + (after ?? '').length < SHORT) return patchOf(path, before, after);
  return (await asked({ path, before, after, patch: true })) as string;
}

function asked(question: DiffQuestion): Promise<DiffAnswer> {
  const worker = new Worker(new URL('./diff-worker.ts', import.meta.url), { type: 'module' });
  return new Promise<DiffAnswer>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<DiffAnswer>) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(question);
  }).finally(() => worker.terminate());
}
