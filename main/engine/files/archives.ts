import type { Helper } from '../helper/index.js';
import { checkedPath, either, giveBack, lent, named, type Held, type Keeper } from './held.js';
import { containerPath, encodeStat } from './path-stat.js';

type Bytes = AsyncIterable<Uint8Array>;

/** What is kept somewhere, copied out and in as tars. */
export class Archives<Files extends Held> {
  readonly #helper: Pick<Helper, 'archiveStat' | 'archiveRead' | 'archiveWrite'>;
  readonly #keeper: Keeper<Files>;

  constructor(helper: Pick<Helper, 'archiveStat' | 'archiveRead' | 'archiveWrite'>, keeper: Keeper<Files>) {
    this.#helper = helper;
    this.#keeper = keeper;
  }

  /** What a path names, as the value of `X-Docker-Container-Path-Stat`. A link at its end is not followed. */
  async stat(reference: string, path: string): Promise<string> {
    const wanted = containerPath(checkedPath(path));
    const held = await this.#keeper.hold(reference);
    const looking = this.#helper.archiveStat(held.place, wanted);
    const { stat, gone } = await named(this.#keeper, held, { reference, path }, looking);
    giveBack(held, gone);
    return encodeStat(stat);
  }

  /** What a path names, as a tar. */
  async read(reference: string, path: string, signal: AbortSignal): Promise<{ stat: string; tar: Bytes }> {
    const wanted = containerPath(checkedPath(path));
    const held = await this.#keeper.hold(reference);
    const reading = this.#helper.archiveRead(held.place, wanted, either(signal, held.signal));
    const { stat, tar } = await named(this.#keeper, held, { reference, path }, reading);
    this.#keeper.announce?.(held, 'archive-path');
    return { stat: encodeStat(stat), tar: lent(held, tar) };
  }

  /** Extracts a tar into a directory. */
  async write(
    reference: string,
    request: { path: string; noOverwriteDirNonDir: boolean; copyUIDGID: boolean },
    body: Bytes,
    signal: AbortSignal,
  ): Promise<void> {
    const path = containerPath(checkedPath(request.path));
    const held = await this.#keeper.hold(reference);
    const user = (request.copyUIDGID && this.#keeper.userOf?.(held)) || null;
    const write = async () => {
      using _ = held.writing();
      return await this.#helper.archiveWrite(
        held.place,
        { path, keepKinds: request.noOverwriteDirNonDir, user },
        { body, signal: either(signal, held.signal) },
      );
    };
    const { gone } = await named(this.#keeper, held, { reference, path: request.path }, write());
    giveBack(held, gone);
    this.#keeper.announce?.(held, 'extract-to-dir');
  }
}
