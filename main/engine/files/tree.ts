import { invalid } from '../../base/errors.js';
import type { FileEntry, FileListing, FileStat } from '../../contract/files.js';
import type { Containers, HeldFiles } from '../containers/index.js';
import type { Helper, SeenFile } from '../helper/index.js';
import { containerFiles } from './container-files.js';
import { checkedPath, either, giveBack, lent, named, type Held, type Keeper } from './held.js';
import { containerPath, timestamp } from './path-stat.js';

type TreeHelper = Pick<Helper, 'fileList' | 'fileRead' | 'fileWrite' | 'fileChange'>;

export interface FileTreeOptions {
  helper: TreeHelper & Pick<Helper, 'fileShells'>;
  containers: Pick<Containers, 'hold' | 'announce'>;
}

/** What is written in one go is kept in memory until it is; anything larger is a tar's business. */
const LARGEST = 16 * 1024 * 1024;
const PAGE = 1000;
const LARGEST_PAGE = 10_000;

type Bytes = AsyncIterable<Uint8Array>;

/** Files that are kept somewhere, one at a time. */
export class FileTree<Files extends Held> {
  readonly #helper: TreeHelper;
  readonly #keeper: Keeper<Files>;

  constructor(helper: TreeHelper, keeper: Keeper<Files>) {
    this.#helper = helper;
    this.#keeper = keeper;
  }

  /** One page of a directory. Of a container only its own layer is looked through for what has changed. */
  async list(
    reference: string,
    { path, limit = PAGE, after }: { path: string; limit?: number | undefined; after?: string | undefined },
  ): Promise<FileListing> {
    if (limit < 1 || limit > LARGEST_PAGE) throw invalid(`bad parameter: limit must be from 1 to ${LARGEST_PAGE}`);
    const directory = await this.with(reference, path, (held, wanted) => {
      const { upper, lower } = held.overlay ?? { upper: null, lower: [] };
      const request = { path: wanted, upper, lower, limit, after: after ?? null };
      return this.#helper.fileList(held.place, request).then((found) => ({ ...found, result: found.directory }));
    });
    return {
      Path: directory.path,
      Entries: directory.entries.map(entryOf),
      ...(directory.more !== undefined && { More: directory.more }),
    };
  }

  /** A file's bytes, from `offset` on, at most `length` of them. */
  async read(
    reference: string,
    { path, offset = 0, length }: { path: string; offset?: number | undefined; length?: number | undefined },
    signal: AbortSignal,
  ): Promise<{ stat: FileStat; bytes: Bytes }> {
    if (offset < 0 || (length ?? 0) < 0) throw invalid('bad parameter: offset and length cannot be negative');
    const wanted = containerPath(checkedPath(path));
    const held = await this.#keeper.hold(reference);
    const request = { path: wanted, offset, ...(length !== undefined && { length }) };
    const reading = this.#helper.fileRead(held.place, request, either(signal, held.signal));
    const { stat, bytes } = await named(this.#keeper, held, { reference, path }, reading);
    return { stat: statOf(stat), bytes: lent(held, bytes) };
  }

  /** The whole content of a file at once; with `version`, only where it is still that one. */
  async write(
    reference: string,
    { path, version }: { path: string; version?: string | undefined },
    body: Bytes,
  ): Promise<FileStat> {
    checkedPath(path);
    const content = await collect(body);
    const seen = await this.with(reference, path, async (held, wanted) => {
      using _ = held.writing();
      const request = { path: wanted, version: version ?? null };
      const { stat, gone } = await this.#helper.fileWrite(held.place, request, content);
      return { result: stat, gone };
    });
    return statOf(seen);
  }

  /** With all that is below it. A link goes, not what it leads to. */
  remove(reference: string, path: string): Promise<void> {
    return this.#change(reference, path, (wanted) => ({ op: 'file-remove', path: plain(wanted) }));
  }

  makeDirectory(reference: string, path: string): Promise<void> {
    return this.#change(reference, path, (wanted) => ({ op: 'file-directory', path: plain(wanted) }));
  }

  rename(reference: string, from: string, to: string): Promise<void> {
    const target = plain(containerPath(checkedPath(to)));
    return this.#change(reference, from, (wanted) => ({ op: 'file-rename', path: plain(wanted), to: target }));
  }

  async #change(
    reference: string,
    path: string,
    changeOf: (path: string) => Parameters<Helper['fileChange']>[1],
  ): Promise<void> {
    await this.with(reference, path, async (held, wanted) => {
      using _ = held.writing();
      const { gone } = await this.#helper.fileChange(held.place, changeOf(wanted));
      return { result: undefined, gone };
    });
  }

  protected async with<Result>(
    reference: string,
    path: string,
    work: (held: Files, path: string) => Promise<{ result: Result; gone: Promise<void> }>,
  ): Promise<Result> {
    const wanted = containerPath(checkedPath(path));
    const held = await this.#keeper.hold(reference);
    const { result, gone } = await named(this.#keeper, held, { reference, path }, work(held, wanted));
    giveBack(held, gone);
    return result;
  }
}

/** The files of containers one at a time, whether they run or not; nothing of the image is run. */
export class ContainerTree extends FileTree<HeldFiles> {
  readonly #helper: FileTreeOptions['helper'];

  constructor({ helper, containers }: FileTreeOptions) {
    super(helper, containerFiles(containers));
    this.#helper = helper;
  }

  /** The shells that a container's image has, for the user it runs as; the first is the user's own. */
  shells(reference: string): Promise<string[]> {
    return this.with(reference, '/', async (held) => {
      const { shells, gone } = await this.#helper.fileShells(held.place, held.record.config.User);
      return { result: shells, gone };
    });
  }
}

/** What is done to a name is done to it whether or not the path asks for a directory. */
const plain = (path: string): string => path.replace(/(?<=.)\/\.?$/, '');

const describe = ({ name, kind, size, mode, uid, gid, mtime }: SeenFile) => ({
  Name: name,
  Kind: kind,
  Size: size,
  Mode: mode,
  Uid: uid,
  Gid: gid,
  Mtime: timestamp(mtime),
});

const entryOf = (seen: SeenFile): FileEntry => ({
  ...describe(seen),
  ...(seen.target !== undefined && { LinkTarget: seen.target }),
  ...(seen.change && { Change: seen.change }),
  ...(seen.mount && { Mount: seen.mount }),
});

const statOf = (seen: SeenFile): FileStat => ({
  ...describe(seen),
  Version: `${seen.mtime[0]}.${String(seen.mtime[1]).padStart(9, '0')}-${seen.size}`,
});

async function collect(body: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > LARGEST)
      throw invalid('a file written this way has at most 16 MiB: put a larger one in a tar, to …/archive');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
