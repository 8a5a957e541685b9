import { stat } from 'node:fs/promises';
import { messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { FilesPlace } from '../helper/index.js';
import type { Container } from './container.js';
import { layersOf } from './image-mounts.js';
import { makeSource } from './launch.js';
import { startTimeOf } from './live.js';
import type { Ledger } from './ledger.js';
import { volumesOf, writableVolumesOf, type ContainerRecord } from './record.js';
import type { ContainersOptions, OverlayMounts } from './rooms.js';
import { sourceOf } from './sources.js';

const log = createLog('containers');

/** A container's files, held for one use. Given back by disposing, once nothing of the use is left on the machine. */
export interface HeldFiles extends Disposable {
  readonly record: Readonly<ContainerRecord>;
  /** Where the helper finds them. */
  readonly place: FilesPlace;
  readonly overlay: OverlayMounts;
  /** Whether its processes can change them meanwhile. */
  readonly running: boolean;
  /** Aborted when the run ends through which they are seen. */
  readonly signal: AbortSignal;
  /** They are changed, or those of its volumes, until it is disposed. Throws where a task has to be alone with one of these. */
  writing(): Disposable;
}

/** Lends out containers' files: of one that runs to many at once, of one that does not to one at a time, who holds its lock. */
export class Places {
  readonly #options: Pick<ContainersOptions, 'snapshots' | 'volumes' | 'usage'>;
  readonly #ledger: Ledger;

  constructor(options: Pick<ContainersOptions, 'snapshots' | 'volumes' | 'usage'>, ledger: Ledger) {
    this.#options = options;
    this.#ledger = ledger;
  }

  async hold(container: Container): Promise<HeldFiles> {
    if (container.live) return this.#throughProcess(container);
    const lock = await this.#ledger.lock(container);
    try {
      if (!container.live) return await this.#alone(container, lock);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
    lock[Symbol.dispose]();
    return this.#throughProcess(container);
  }

  async #throughProcess(container: Container): Promise<HeldFiles> {
    const { live, id, record } = container;
    if (!live) return this.hold(container);
    const overlay = await this.#options.snapshots.mountsOf(id);
    const pidStart = (live.pidStart ??= await startTimeOf(this.#ledger.pathsOf(id).stateDir));
    const control = new AbortController();
    const ended = () => control.abort();
    let given!: () => void;
    const use = new Promise<void>((resolve) => (given = resolve));
    container.uses.add(use);
    void live.ended.then(ended);
    return {
      ...{ record, overlay, running: true, signal: control.signal, place: { pid: live.pid, pidStart } },
      writing: () => this.#editing(record, overlay),
      [Symbol.dispose]: () => {
        container.uses.delete(use);
        given();
      },
    };
  }

  async #alone(container: Container, lock: Disposable): Promise<HeldFiles> {
    const { id, record } = container;
    const { snapshots, volumes } = this.#options;
    await container.settled();
    const overlay = await snapshots.mountsOf(id);
    const user = `files of ${id}`;
    const mounted = await volumes.mount(volumesOf(record), user);
    const unmount = () => volumes.unmount(user).catch((error: unknown) => log.warn(messageOf(error)));
    const { signal } = new AbortController();
    try {
      const place = { overlay, binds: await this.#bindsOf(record), readonly: record.hostConfig.ReadonlyRootfs };
      return {
        ...{ record, overlay, place, running: false, signal },
        writing: () => {
          // What is put into a volume that is being replaced would be gone with what it had.
          volumes.checkFree(writableVolumesOf(record));
          return this.#editing(record, overlay);
        },
        [Symbol.dispose]: () => {
          if (mounted) void unmount().then(() => lock[Symbol.dispose]());
          else lock[Symbol.dispose]();
        },
      };
    } catch (error) {
      await unmount();
      throw error;
    }
  }

  /** What it takes is counted anew after that. */
  #editing(record: ContainerRecord, { upper }: OverlayMounts): Disposable {
    const { volumes, usage } = this.#options;
    const editing = volumes.editing(writableVolumesOf(record));
    return {
      [Symbol.dispose]: () => {
        editing[Symbol.dispose]();
        usage.outdate([upper]);
      },
    };
  }

  /** What a start would mount of this machine; the files of the network are there once it was started. */
  async #bindsOf({ id, mounts }: ContainerRecord) {
    const { hostname, hosts, resolvConf } = this.#ledger.pathsOf(id);
    const files = [
      { source: hostname, destination: '/etc/hostname', readonly: false },
      { source: hosts, destination: '/etc/hosts', readonly: false },
      { source: resolvConf, destination: '/etc/resolv.conf', readonly: false },
    ];
    const made = await Promise.all(files.map(({ source }) => exists(source)));
    await Promise.all(mounts.map(makeSource));
    const layers = await layersOf({ mounts }, this.#options.snapshots);
    const volumes = mounts
      .filter(({ Type }) => Type !== 'tmpfs')
      .map((mount) => ({
        ...sourceOf(mount, layers),
        source: mount.own?.device ?? (mount.own?.image ? '/' : mount.Source),
        destination: mount.Destination,
        readonly: !mount.RW,
      }))
      .sort((a, b) => depth(a.destination) - depth(b.destination));
    return [...files.filter((_, index) => made[index]), ...volumes];
  }
}

const depth = (path: string): number => path.split('/').length;

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
