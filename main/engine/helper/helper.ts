import { mkdir, rm, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { invalid, unavailable } from '../../base/errors.js';
import type { VolumeCompression } from '../../contract/volume-data.js';
import { Lost, toItsEnd, type CallOptions } from './call.js';
import type { CompanionName } from './companion.js';
import { Link, type Headless, type LinkOptions } from './link.js';
import { Porter } from './porter.js';
import {
  PROTOCOL,
  type BridgeRequest,
  type Compressed,
  type CompressProgress,
  type CopiedVolume,
  type DefaultRoute,
  type EndpointRemoveRequest,
  type ExecRequest,
  type FilesPlace,
  type HelperHello,
  type LayerDirectory,
  type MountAttachRequest,
  type MountDetachRequest,
  type PackedVolume,
  type PathStat,
  type ReceivedPart,
  type RunRequest,
  type SeenComparison,
  type SeenDifference,
  type SeenDirectory,
  type SeenFile,
  type SeenFind,
  type SeenHolder,
  type SeenLayer,
  type SeenLayerFile,
  type SeenTarget,
  type Started,
  type Unpacked,
  type UnpackProgress,
  type Wire,
} from './protocol.js';
import { wholeParcel, wholeTar } from './tars.js';

type Bytes = AsyncIterable<Uint8Array>;

export interface HelperOptions extends LinkOptions {
  /** Given: become the helper's owner at once, with this watchdog (null: none). */
  headless?: Headless | null;
}

/** `R/c/<16 hex>/monitor.sock` is the longest path below the run directory; a unix socket's address holds 107 bytes. */
const LONGEST_RUN_DIR = 107 - '/c/0123456789abcdef/monitor.sock'.length;
/** That many helpers in a row may go over one exchange. */
const SWAP_TRIES = 3;

/** The native helper's client: what can be asked of it. */
export class Helper {
  readonly #runDir: string;
  readonly #porter: Porter;
  readonly #link: Link;
  #hello!: HelperHello;

  private constructor(options: HelperOptions) {
    this.#runDir = options.runDir;
    this.#porter = new Porter(options.binary);
    this.#link = new Link(options, (socket) => this.#porter.widen(socket));
  }

  static async open(options: HelperOptions): Promise<Helper> {
    if (Buffer.byteLength(options.runDir) > LONGEST_RUN_DIR) {
      throw invalid(
        `the run directory ${options.runDir} is too long for unix sockets (at most ${LONGEST_RUN_DIR} bytes): choose a shorter one with --exec-root`,
      );
    }
    await mkdir(options.runDir, { recursive: true, mode: 0o700 });
    const helper = new Helper(options);
    // One that is just ending may still have taken the call.
    const greet = () => helper.#link.ask<HelperHello>({ op: 'hello' });
    helper.#hello = await helper.#link.onceMore(greet, () => sleep(50));
    if (helper.#hello.version !== PROTOCOL) {
      throw unavailable(
        `the helper that runs (pid ${helper.#hello.pid}) speaks version ${helper.#hello.version} of our protocol, this engine version ${PROTOCOL}: end it and start again`,
      );
    }
    if (options.headless !== undefined) await helper.own(options.headless);
    return helper;
  }

  /** What the helper said about itself and this machine. */
  get hello(): HelperHello {
    return this.#hello;
  }

  get runDir(): string {
    return this.#runDir;
  }

  /** Becomes the engine this helper serves: should we die, `headless` is started. */
  own(headless: Headless | null): Promise<void> {
    return this.#link.own(headless);
  }

  /** Lets go of the helper: with `end` it exits too, once nothing is left to do. */
  goodbye({ end }: { end: boolean }): Promise<void> {
    this.#porter.close();
    return this.#link.goodbye({ end });
  }

  /** Lets go without a word, as a test or a short-lived client does: no watchdog is started, the helper stays. */
  close(): Promise<void> {
    return this.goodbye({ end: false });
  }

  /** Where an attached connection's output goes that waits to be told: to a client's connection, past us, or without one to us. */
  lend(attached: Socket, target?: object): Promise<void> {
    return this.#porter.lend(attached, target);
  }

  /** Gives the reader of a connection that much is written to room to take its time. */
  widen(socket: object): void {
    this.#porter.widen(socket);
  }

  unpack(
    request: {
      blob?: string | undefined;
      /** How much of the blob is there by now, for one that is still coming in; ends when that is all. */
      growth?: AsyncIterable<number> | undefined;
      /** False: the caller knows the diff ID. */
      digest?: boolean;
      target: string;
      /** False: the caller syncs once for many. */
      sync?: boolean;
      /** It is no layer: no name is a whiteout's. */
      volume?: boolean;
      body?: AsyncIterable<Uint8Array> | undefined;
    },
    options: { onProgress?: ((progress: UnpackProgress) => void) | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<Unpacked> {
    const { growth, body = growth && news(growth), ...fields } = request;
    const onProgress = options.onProgress as CallOptions['onProgress'];
    const unpack = () =>
      this.#link.ask<Unpacked>(
        { op: 'unpack', whiteouts: 'overlay', ...fields, ...(growth && { follow: true }) },
        { ...(body && { body }), ...(onProgress && { onProgress }), ...(options.signal && { signal: options.signal }) },
      );
    // What was sent once cannot be sent again.
    return body ? unpack() : this.#link.onceMore(unpack, () => this.discard(request.target));
  }

  /**
   * Writes what is sent, without its compression: the files of a tar, or all of it as one, to paths that begin with `prefix`. What is finished stays,
   * also where the rest fails.
   */
  async receive(
    request: { prefix: string; archive: boolean; body: Bytes },
    { onPart, signal }: { onPart: (part: ReceivedPart) => void; signal?: AbortSignal | undefined },
  ): Promise<void> {
    const { body, ...fields } = request;
    const onProgress = onPart as CallOptions['onProgress'];
    await this.#link.ask(
      { op: 'receive', ...fields },
      { body, ...(onProgress && { onProgress }), ...(signal && { signal }) },
    );
  }

  /** What a layer's tar only implied (`Unpacked.implied`) looks as in the layers below, top first. */
  async adopt(request: { target: string; lower: string[]; directories: string[] }): Promise<void> {
    await this.#link.askAgain({ op: 'adopt', ...request });
  }

  /** The tar of a changeset (`upper` given) or of a whole tree. Ending the iteration cancels it. */
  async pack(request: { lower: string[]; upper: string | null }): Promise<Bytes> {
    return wholeTar((await this.#link.call({ op: 'pack', ...request })).output);
  }

  /** What a path in a container names; `gone` resolves once nothing of the request is left on the machine, here and below. */
  async archiveStat(place: FilesPlace, path: string): Promise<{ stat: PathStat; gone: Promise<void> }> {
    const { answer, output } = await this.#link.call({ op: 'archive-stat', ...place, path });
    return { stat: answer['stat'] as PathStat, gone: toItsEnd(output) };
  }

  /** The same, and it as a tar with all that is below it. */
  async archiveRead(place: FilesPlace, path: string, signal: AbortSignal): Promise<{ stat: PathStat; tar: Bytes }> {
    const { answer, output } = await this.#link.call({ op: 'archive-read', ...place, path }, { signal });
    return { stat: answer['stat'] as PathStat, tar: wholeTar(output) };
  }

  /** Extracts a tar, compressed or not, into a directory of a container. */
  async archiveWrite(
    place: FilesPlace,
    request: { path: string; keepKinds: boolean; user: string | null },
    options: { body: Bytes; signal: AbortSignal },
  ): Promise<{ gone: Promise<void> }> {
    const { output } = await this.#link.call({ op: 'archive-write', ...place, ...request }, options);
    return { gone: toItsEnd(output) };
  }

  /** One page of a directory of a container, with marks of what its own layer changes. */
  async fileList(
    place: FilesPlace,
    request: { path: string; upper: string | null; lower: string[]; limit: number; after: string | null },
  ): Promise<{ directory: SeenDirectory; gone: Promise<void> }> {
    const { answer, output } = await this.#link.call({ op: 'file-list', ...place, ...request });
    return { directory: answer as unknown as SeenDirectory, gone: toItsEnd(output) };
  }

  /** The bytes of a regular file of a container, links followed. */
  async fileRead(
    place: FilesPlace,
    request: { path: string; offset: number; length?: number },
    signal: AbortSignal,
  ): Promise<{ stat: SeenFile; bytes: Bytes }> {
    const { answer, output } = await this.#link.call({ op: 'file-read', ...place, ...request }, { signal });
    return { stat: answer['stat'] as SeenFile, bytes: output };
  }

  /** All of a file's content, or nothing. `version`: what it must still be. */
  async fileWrite(
    place: FilesPlace,
    request: { path: string; version: string | null },
    content: Uint8Array,
  ): Promise<{ stat: SeenFile; gone: Promise<void> }> {
    const line = { op: 'file-write', ...place, ...request, size: content.length };
    const { answer, output } = await this.#link.call(line, { body: once(content) });
    return { stat: answer['stat'] as SeenFile, gone: toItsEnd(output) };
  }

  /** Removes, makes or moves one name in a container. */
  async fileChange(
    place: FilesPlace,
    change:
      | { op: 'file-remove'; path: string }
      | { op: 'file-directory'; path: string }
      | { op: 'file-rename'; path: string; to: string },
  ): Promise<{ gone: Promise<void> }> {
    return { gone: toItsEnd((await this.#link.call({ ...place, ...change })).output) };
  }

  /** The shells that are there, the user's own first. */
  async fileShells(place: FilesPlace, user: string): Promise<{ shells: string[]; gone: Promise<void> }> {
    const { answer, output } = await this.#link.call({ op: 'file-shells', ...place, user });
    return { shells: answer['shells'] as string[], gone: toItsEnd(output) };
  }

  /** A container's root file system as a tar, without what is mounted inside. */
  async export(place: FilesPlace, signal: AbortSignal): Promise<Bytes> {
    return wholeTar((await this.#link.call({ op: 'export', ...place }, { signal })).output);
  }

  /** What a container's own layer changes of those below: `C`, `A` or `D`, a path and a NUL, again and again. */
  async changes(request: { upper: string; lower: string[] }): Promise<Bytes> {
    return (await this.#link.call({ op: 'changes', ...request })).output;
  }

  /** A layer's tar as one gzip at `target`, which is not there yet. `plain` is the digest of what was read. */
  compress(
    request: { blob: string; target: string },
    options: { onProgress?: ((progress: CompressProgress) => void) | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<Compressed> {
    const onProgress = options.onProgress as CallOptions['onProgress'];
    return this.#link.onceMore(
      () =>
        this.#link.ask<Compressed>(
          { op: 'compress', ...request },
          { ...(onProgress && { onProgress }), ...(options.signal && { signal: options.signal }) },
        ),
      () => rm(request.target, { force: true }),
    );
  }

  /** Reads what is in layers (bottom first, here and below) that were not read before, so that the next request need not. */
  async layerIndex(layers: LayerDirectory[]): Promise<void> {
    await this.#link.askAgain({ op: 'layer-index', layers });
  }

  /** What each of them does. */
  async layerSums(layers: LayerDirectory[]): Promise<SeenLayer[]> {
    return (await this.#link.askAgain<{ layers: SeenLayer[] }>({ op: 'layer-sums', layers })).layers;
  }

  /** One page of a directory as the layers come to it. */
  layerList(request: {
    layers: LayerDirectory[];
    path: string;
    limit: number;
    after: string | null;
    changed: boolean;
    quiet: boolean;
  }): Promise<{ entries: SeenLayerFile[]; more?: string }> {
    return this.#link.askAgain({ op: 'layer-list', ...request });
  }

  /** The bytes of a regular file as the layers come to it; no link is followed. */
  async layerRead(
    request: { layers: LayerDirectory[]; path: string; offset: number; length?: number },
    signal: AbortSignal,
  ): Promise<{ stat: SeenLayerFile; bytes: Bytes }> {
    const { answer, output } = await this.#link.call({ op: 'layer-read', ...request }, { signal });
    return { stat: answer['stat'] as SeenLayerFile, bytes: output };
  }

  /** Every name in every layer that has the text in it; in its path, where there is a slash in the text. */
  layerSearch(request: {
    layers: LayerDirectory[];
    text: string;
    limit: number;
  }): Promise<{ found: SeenFind[]; more?: true }> {
    return this.#link.askAgain({ op: 'layer-search', ...request });
  }

  /** How two stacks differ; the whole of it goes into the file `into`, for `layerDifferences`. */
  layerCompare(request: { before: LayerDirectory[]; after: LayerDirectory[]; into: string }): Promise<SeenComparison> {
    return this.#link.askAgain({ op: 'layer-compare', ...request });
  }

  /** One page of a directory of a comparison. */
  layerDifferences(request: {
    from: string;
    path: string;
    limit: number;
    after: string | null;
    quiet: boolean;
  }): Promise<{ entries: SeenDifference[]; more?: string }> {
    return this.#link.askAgain({ op: 'layer-differences', ...request });
  }

  /** All of a directory as a tar, compressed or not. Ending the iteration cancels it. */
  async volumeTar(request: { path: string; compress: VolumeCompression }, signal: AbortSignal): Promise<Bytes> {
    return wholeParcel((await this.#link.call({ op: 'volume-pack', ...request }, { signal })).output);
  }

  /** The same into a file, which is on disk when this resolves. */
  volumePack(
    request: { path: string; compress: VolumeCompression; into: string },
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: { bytes: number }) => void },
  ): Promise<PackedVolume> {
    return this.#link.ask(
      { op: 'volume-pack', ...request },
      { signal, onProgress: onProgress as CallOptions['onProgress'] },
    );
  }

  /** A directory with all that is in it, to a new one, shared where the file system can. */
  volumeCopy(
    request: { path: string; target: string },
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: { bytes: number }) => void },
  ): Promise<CopiedVolume> {
    return this.#link.ask(
      { op: 'volume-copy', ...request },
      { signal, onProgress: onProgress as CallOptions['onProgress'] },
    );
  }

  /** Whether what is in `target` can share its content with what is in `path`. */
  async reflinks(request: { path: string; target: string }): Promise<boolean> {
    return (await this.#link.askAgain<{ reflink: boolean }>({ op: 'reflinks', ...request })).reflink;
  }

  /** Two directories take each other's names, in one step. `alike`: first `with` gets the looks of `path`. */
  async swap(request: { path: string; with: string; alike: boolean }): Promise<void> {
    const { dev, ino } = await stat(request.with, { bigint: true });
    const swap = () => this.#link.ask({ op: 'swap', ...request });
    for (let tries = 1; ; tries++)
      try {
        return void (await swap());
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        const now = await stat(request.path, { bigint: true });
        if (now.dev === dev && now.ino === ino) break;
        if (tries === SWAP_TRIES) throw error;
      }
    try {
      await this.sync();
    } catch (error) {
      // Who hears of a failure throws away what is in `with`: that may not be what was to stay.
      await this.#link.ask({ op: 'swap', ...request, alike: false });
      throw error;
    }
  }

  /** What was written below the data root is on disk when this resolves. */
  async sync(): Promise<void> {
    await this.#link.askAgain({ op: 'sync' });
  }

  /** `sync` false: should the machine lose power, it may be there again. */
  async discard(path: string, { sync = true }: { sync?: boolean } = {}): Promise<void> {
    await this.#link.askAgain({ op: 'discard', path, sync });
  }

  /**
   * What an image has at `path` goes into a volume that is empty: whole, or not at all. Without a path only what an interrupted one has left is
   * finished. The volume's files may be another directory's (`device`), those of a mount (`within`), or a part of them (`subpath`).
   */
  populate(request: {
    volume: string;
    lower?: string[];
    path?: string;
    device?: string;
    within?: boolean;
    subpath?: string;
  }): Promise<{ copied: boolean }> {
    return this.#link.askAgain({ op: 'populate', ...request });
  }

  /** A file system in the place of a volume's files, where none is mounted there already. */
  async mountVolume(request: { volume: string; type: string; device: string; options: string[] }): Promise<void> {
    await this.#link.askAgain({ op: 'volume-mount', ...request });
  }

  async unmountVolume(volume: string): Promise<void> {
    await this.#link.askAgain({ op: 'volume-unmount', volume });
  }

  /** What a stack of layers, top first, comes to, copied to a new directory. `whole`: for a container's own layer that hides all below it. */
  async flatten(request: { lower: string[]; target: string; whole: boolean }): Promise<void> {
    await this.#link.ask({ op: 'flatten', ...request });
  }

  /** What is at a path of a container. */
  async mountLook(
    place: FilesPlace,
    request: { id?: string; target: string; source?: string; forbidden?: string[] },
  ): Promise<{ seen: SeenTarget; gone: Promise<void> }> {
    const { answer, output } = await this.#link.call({ op: 'mount-look', ...place, ...request });
    return { seen: answer as unknown as SeenTarget, gone: toItsEnd(output) };
  }

  /**
   * Puts a mount into a container that runs; `not-implemented`: that can be only with its next start. Where the helper goes in the middle nobody
   * knows whether it came there.
   */
  mountAttach(request: MountAttachRequest): Promise<{ path: string; made: number; mount: number }> {
    return this.#link.ask({ op: 'mount-attach', ...request });
  }

  /** Takes one out; false: those who have files open in it are in the way. */
  mountDetach(request: MountDetachRequest): Promise<{ detached: boolean; holders?: SeenHolder[] }> {
    return this.#link.ask({ op: 'mount-detach', ...request });
  }

  usage(path: string): Promise<{ bytes: number; entries: number; newest: number }> {
    return this.#link.askAgain({ op: 'usage', path });
  }

  /** What says whether a tree is still the same: names, looks and content of all that is in it. */
  async fingerprint(path: string, signal?: AbortSignal): Promise<string> {
    const { digest } = await this.#link.askAgain<{ digest: string }>({ op: 'fingerprint', path }, signal);
    return digest;
  }

  /** The digest of a file's content. */
  async digest(path: string, signal?: AbortSignal): Promise<string> {
    const { digest } = await this.#link.askAgain<{ digest: string }>({ op: 'digest', path }, signal);
    return digest;
  }

  /**
   * Sets a container up completely; its monitor then waits for `start`. From `onListening` on the monitor can be called, and hears what was said
   * once it is up. Should the helper go in the middle, `survived` says whether a monitor came up all the same; without one, nothing was let go, and
   * all is made anew.
   */
  async run(
    request: RunRequest,
    { onListening, survived }: { onListening: () => void; survived: () => Promise<{ pid: number } | undefined> },
  ): Promise<{ pid: number }> {
    const attempt = () => this.#link.ask<Started>({ op: 'run', ...request }, { onProgress: onListening });
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    }
    const survivor = await survived();
    if (survivor) return survivor;
    await this.delete(request.id);
    return attempt();
  }

  /** Sets a further process up in a running container; its monitor then waits for `start`. */
  exec(request: ExecRequest): Promise<Started> {
    return this.#link.onceMore(
      () => this.#link.ask({ op: 'exec', ...request }),
      () => this.delete(request.id, { exec: true }),
    );
  }

  /** SIGKILL to everything in the container's cgroup. */
  async signalAll(id: string): Promise<void> {
    await this.#link.askAgain({ op: 'signal-all', id });
  }

  async freeze(id: string): Promise<void> {
    await this.#link.askAgain({ op: 'freeze', id });
  }

  async thaw(id: string): Promise<void> {
    await this.#link.askAgain({ op: 'thaw', id });
  }

  /** Changes the limits of a container that runs: an OCI `linux.resources`; what it does not name stays. */
  async update(id: string, resources: object): Promise<void> {
    await this.#link.askAgain({ op: 'update', id, resources });
  }

  /** Removes what a container or an exec left outside the data root: cgroups, state directory. Idempotent. */
  async delete(id: string, { exec = false }: { exec?: boolean } = {}): Promise<void> {
    await this.#link.askAgain({ op: 'delete', id, exec });
  }

  /** Makes a bridge, or has one of ours be as asked. `conflict` where the name is somebody else's link. */
  async bridge(request: BridgeRequest): Promise<void> {
    await this.#link.askAgain({ op: 'bridge', ...request });
  }

  /** False: something is still connected to it, or it is somebody else's. Nothing is waited for. */
  async bridgeRemove(name: string): Promise<boolean> {
    return (await this.#link.askAgain<{ removed: boolean }>({ op: 'bridge-remove', name })).removed;
  }

  /** Gives an interface to a container that runs; its routes stay as they are. */
  endpoint(request: { pid: number; wire: Wire }): Promise<{ mac: string }> {
    return this.#link.ask({ op: 'endpoint', ...request });
  }

  /** Takes an interface out of a container that runs: it is gone when this resolves. One that is not there is no error. */
  async endpointRemove(request: EndpointRemoveRequest): Promise<void> {
    await this.#link.askAgain({ op: 'endpoint-remove', ...request });
  }

  /** The default routes of a container that runs are these and no others. */
  async routes(request: { pid: number; defaults: DefaultRoute[] }): Promise<void> {
    await this.#link.askAgain({ op: 'routes', ...request });
  }

  /** Has a companion come up where it is not there: it listens when this resolves. `companion.ts` is the way to it. */
  companion(name: CompanionName): Promise<{ started: boolean }> {
    return this.#link.askAgain({ op: 'companion', name });
  }

  /** Packet rules, all of them or none. */
  async nft(batch: string): Promise<void> {
    await this.#link.ask({ op: 'nft' }, { body: once(Buffer.from(batch)) });
  }
}

/** What the helper hears of a file that grows. */
async function* news(growth: AsyncIterable<number>): AsyncGenerator<Uint8Array> {
  for await (const bytes of growth) yield Buffer.from(`${bytes}\n`);
  yield Buffer.from('end\n');
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
