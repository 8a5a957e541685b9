import { ApiError } from '../../main/client/index.js';
import type { Handed, TransferMessage } from '../../main/contract/bridge.js';
import type { Progress } from '../../main/contract/images.js';
import type { VolumeProgress } from '../../main/contract/volume-data.js';
import { fileDesk } from '../ui/desktop.js';

/** How it ended, where that was no failure. `pathless`: what was dropped is no file on this machine's disk. */
export type TransferEnd = Extract<TransferMessage, { type: 'done' | 'cancelled' | 'too-large' }> | { type: 'pathless' };

interface Hears {
  progress?(bytes: number, total?: number): void;
  line?(line: Progress): void;
  stage?(stage: VolumeProgress): void;
}

/** An archive of this machine: dropped or picked in the window, or named by its path (`at`). */
export type Archive = File | { at: string; name: string; size: number };

/** What the app is told of it. */
export const handedOf = (archive: Archive): Handed => ('at' in archive ? archive.at : archive);

let lastId = 0;
const waiting = new Map<number, (message: TransferMessage) => void>();
let listening = false;

/** One transfer past the window, from its first word to its last. */
export function begin(start: (id: number) => boolean | void, hears: Hears = {}) {
  if (!listening) fileDesk().on((message) => waiting.get(message.id)?.(message));
  listening = true;
  const id = (lastId += 1);
  const end = new Promise<TransferEnd>((resolve, reject) => {
    waiting.set(id, (message) => {
      if (message.type === 'progress') return hears.progress?.(message.bytes, message.total);
      if (message.type === 'line') return hears.line?.(message.line);
      if (message.type === 'stage') return hears.stage?.(message.stage);
      waiting.delete(id);
      if (message.type === 'error') reject(new ApiError(message.kind, message.message));
      else resolve(message);
    });
    if (start(id) === false) {
      waiting.delete(id);
      resolve({ type: 'pathless' });
    }
  });
  return { id, end };
}
