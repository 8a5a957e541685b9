import { stat } from 'node:fs/promises';
import { codeOf } from '../../base/errors.js';
import type { PathKind } from '../../contract/check.js';

/** How long a file system may take to answer. */
const PATIENCE_MS = 1000;
/** A dead one never does: it must not take every thread that reads files. */
const MOST_WAITING = 2;

/** What is at paths of this machine. */
export class Paths {
  /** Those whose answer is overdue or under way. */
  readonly #waiting = new Map<string, Promise<PathKind>>();

  /** One after the other: whoever asks has many fields and no hurry. */
  async kindsOf(paths: readonly string[], signal?: AbortSignal): Promise<PathKind[]> {
    const kinds: PathKind[] = [];
    for (const path of paths) {
      signal?.throwIfAborted();
      kinds.push(await this.#kindOf(path));
    }
    return kinds;
  }

  async #kindOf(path: string): Promise<PathKind> {
    let answer = this.#waiting.get(path);
    if (!answer) {
      if (this.#waiting.size >= MOST_WAITING) return 'unanswered';
      answer = look(path).finally(() => this.#waiting.delete(path));
      this.#waiting.set(path, answer);
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<PathKind>((resolve) => (timer = setTimeout(() => resolve('unanswered'), PATIENCE_MS)));
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }
}

async function look(path: string): Promise<PathKind> {
  try {
    const found = await stat(path);
    if (found.isFile()) return 'file';
    if (found.isDirectory()) return 'directory';
    if (found.isSocket()) return 'socket';
    return found.isBlockDevice() || found.isCharacterDevice() ? 'device' : 'other';
  } catch (error) {
    return /^(?:ENOENT|ENOTDIR)$/.test(codeOf(error) ?? '') ? 'missing' : 'unreadable';
  }
}
