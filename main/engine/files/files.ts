import { EngineError } from '../../base/errors.js';
import type { Containers, HeldFiles } from '../containers/index.js';
import type { Helper } from '../helper/index.js';
import { changeConfig, type Images } from '../images/index.js';
import { committedImage, mergeConfig, writtenIn, type CommitRequest } from './commit.js';
import { Archives } from './archives.js';
import { containerFiles } from './container-files.js';
import { either, lent, orGiveBack, type Keeper } from './held.js';

export interface FilesOptions {
  helper: Pick<Helper, 'archiveStat' | 'archiveRead' | 'archiveWrite' | 'export' | 'changes' | 'pack' | 'usage'>;
  containers: Pick<Containers, 'hold' | 'pause' | 'unpause' | 'announce'>;
  images: Pick<Images, 'derive'>;
}

/** One of `GET /containers/{id}/changes`; 0: changed, 1: added, 2: deleted. */
export interface FileChange {
  Path: string;
  Kind: 0 | 1 | 2;
}

type Bytes = AsyncIterable<Uint8Array>;

const KINDS = new Map<string, FileChange['Kind']>([
  ['C', 0],
  ['A', 1],
  ['D', 2],
]);

/** The files of containers: copied out and in, compared with their image, exported, made an image of. */
export class Files extends Archives<HeldFiles> {
  readonly #options: FilesOptions;
  readonly #keeper: Keeper<HeldFiles>;

  constructor(options: FilesOptions) {
    const keeper = containerFiles(options.containers);
    super(options.helper, keeper);
    this.#options = options;
    this.#keeper = keeper;
  }

  /** How a container differs from its image, directories before what is in them. */
  async changes(reference: string): Promise<AsyncIterable<FileChange>> {
    const held = await this.#options.containers.hold(reference);
    return lent(held, parseChanges(await orGiveBack(this.#keeper, held, this.#options.helper.changes(held.overlay))));
  }

  /** The whole root file system as a tar, without the content of volumes. */
  async export(reference: string, signal: AbortSignal): Promise<Bytes> {
    const held = await this.#options.containers.hold(reference);
    const tar = await orGiveBack(
      this.#keeper,
      held,
      this.#options.helper.export(held.place, either(signal, held.signal)),
    );
    this.#options.containers.announce(held.record.id, 'export');
    return lent(held, tar);
  }

  /** Makes an image of a container as it is, and returns its id. */
  async commit(request: CommitRequest): Promise<string> {
    const { containers, images } = this.#options;
    const held = await containers.hold(request.container);
    const { record } = held;
    try {
      const config = mergeConfig(changeConfig(request.config ?? record.config, request.changes), record.config);
      const { id, reference } = await images.derive(record.image.id, {
        layer: this.#layerOf(held, request.pause),
        size: await writtenIn(held.overlay, async (path) => (await this.#options.helper.usage(path)).bytes),
        describe: (parent, diffId) => committedImage({ parent, diffId, config, record, request }),
        ...(request.repo && { name: { repository: request.repo, tag: request.tag } }),
      });
      containers.announce(record.id, 'commit', { comment: request.comment, imageID: id, imageRef: reference });
      return id;
    } finally {
      held[Symbol.dispose]();
    }
  }

  /** What the container has changed, as a layer. Unless asked not to, its processes stand still while it is read. */
  async *#layerOf({ record, running, overlay }: HeldFiles, pause: boolean): AsyncGenerator<Uint8Array> {
    const { containers, helper } = this.#options;
    const paused = pause && running && !record.paused && (await this.#pause(record.id));
    try {
      yield* await helper.pack(overlay);
    } finally {
      if (paused) await containers.unpause(record.id).catch(() => undefined); // it may have been killed meanwhile
    }
  }

  async #pause(id: string): Promise<boolean> {
    try {
      await this.#options.containers.pause(id);
      return true;
    } catch (error) {
      // It ended, or was paused by somebody else, just now: it stands still either way.
      if (error instanceof EngineError && error.kind === 'conflict') return false;
      throw error;
    }
  }
}

/** A letter and a path for each, ended by a NUL; see the protocol's `changes`. */
async function* parseChanges(bytes: Bytes): AsyncGenerator<FileChange> {
  let rest = Buffer.alloc(0);
  for await (const chunk of bytes) {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const Kind = KINDS.get(String.fromCharCode(rest[0] as number)) ?? 0;
      yield { Path: rest.toString('utf8', 1, end), Kind };
      rest = rest.subarray(end + 1);
    }
  }
}
