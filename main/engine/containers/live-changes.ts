import { EngineError, messageOf } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { Reservation } from '../volumes/index.js';
import type { Container } from './container.js';
import { shownPatches } from './difference.js';
import type { Ledger } from './ledger.js';
import { hasStopped, type LiveMounts } from './live-mounts.js';
import { volumesOf, writableVolumesOf, type Mounting, type MountPoint } from './record.js';
import type { ContainersOptions } from './rooms.js';

const log = createLog('containers');

/** Refusals: the kernel is as it was. After any other failure nobody knows. */
const REFUSED = new Set(['invalid', 'not-implemented', 'conflict', 'not-found', 'forbidden']);

/**
 * Changes of what is mounted in containers that run. What is about to be is in the row before the kernel is asked, and what came of it afterwards: the
 * next engine finds out how far a killed one came, and brings both together.
 */
export class LiveChanges {
  readonly #volumes: ContainersOptions['volumes'];
  readonly #ledger: Ledger;
  readonly #live: LiveMounts;

  constructor({ volumes }: Pick<ContainersOptions, 'volumes'>, ledger: Ledger, live: LiveMounts) {
    this.#volumes = volumes;
    this.#ledger = ledger;
    this.#live = live;
  }

  /** All of it or nothing. Called with the container's lock held. */
  async make(container: Container, mounting: Mounting, reserved: Reservation, force = false): Promise<void> {
    await this.#ledger.save(container, { mounting }, (change) => reserved.hold(change));
    reserved.announce();
    container.record.mounting = mounting;
    using _ = this.#volumes.writing(writableVolumesOf({ mounts: mounting.added }));
    const undo: (() => Promise<unknown>)[] = [];
    const step = async <Result>(work: Promise<Result>, back: () => Promise<unknown>): Promise<Result> => {
      try {
        const result = await work;
        undo.push(back);
        return result;
      } catch (error) {
        if (!(error instanceof EngineError && REFUSED.has(error.kind))) undo.push(back);
        throw error;
      }
    };
    try {
      const added = await this.#work(container, mounting, { force, step });
      await this.#settle(container, { ...mounting, added });
    } catch (error) {
      for (const back of undo.reverse())
        await back().catch((problem: unknown) =>
          log.warn(`a mount of container ${shortId(container.id)} could not be put back: ${messageOf(problem)}`),
        );
      await this.#drop(container, mounting);
      throw error;
    }
  }

  /** What an engine was killed at: done to its end where the kernel has all of it, undone otherwise. */
  async resume(container: Container): Promise<void> {
    const { mounting } = container.record;
    if (!mounting) return;
    const isThere = (mount: MountPoint) => this.#live.isThere(container, mount);
    const whole =
      container.live !== undefined &&
      (await Promise.all(mounting.added.map(isThere))).every(Boolean) &&
      !(await Promise.all(mounting.removed.map(isThere))).some(Boolean);
    if (whole) return this.#settle(container, mounting);
    if (container.live) {
      for (const mount of mounting.added) if (await isThere(mount)) await this.#live.detach(container, mount, true);
      for (const mount of mounting.removed) await this.#putBack(container, mount);
    }
    await this.#drop(container, mounting);
  }

  async #work(
    container: Container,
    { added, removed }: Mounting,
    {
      force,
      step,
    }: { force: boolean; step: <Result>(work: Promise<Result>, back: () => Promise<unknown>) => Promise<Result> },
  ): Promise<MountPoint[]> {
    try {
      for (const mount of removed)
        await step(this.#live.detach(container, mount, force), () => this.#putBack(container, mount));
      const there: MountPoint[] = [];
      // A volume that is a file system by itself has its files from here on.
      await this.#volumes.mount(volumesOf({ mounts: added }), container.id);
      for (const mount of added)
        there.push(await step(this.#live.attach(container, mount), () => this.#live.detach(container, mount, true)));
      return there;
    } catch (error) {
      // Then its next start has them.
      if (hasStopped(error)) return added;
      throw error;
    }
  }

  async #putBack(container: Container, mount: MountPoint): Promise<void> {
    if (!(await this.#live.isThere(container, mount))) await this.#live.attach(container, mount);
  }

  async #settle(container: Container, { after, patches, added, removed, revertTo }: Mounting): Promise<void> {
    const { record, id } = container;
    const seen = new Map(added.map((mount) => [mount.Destination, mount]));
    const mounts = after.mounts.map((mount) => seen.get(mount.Destination) ?? mount);
    const gone = new Set(volumesOf({ mounts: removed }));
    for (const name of volumesOf({ mounts })) gone.delete(name);
    const ahead = { ...after, mounts, mounting: undefined };
    await this.#ledger.save(container, ahead as Partial<typeof record>, (change) => {
      this.#volumes.release(change, id, [], gone);
      const kind = revertTo === undefined ? { Kind: 'changed' as const } : { Kind: 'reverted' as const, To: revertTo };
      this.#ledger.history.put(change, id, { ...kind, Changes: shownPatches(patches) });
    });
    Object.assign(record, after, { mounts });
    delete record.mounting;
    for (const { Type, Name = '', Destination, RW, Propagation } of added) {
      if (Type !== 'volume') continue;
      const about = { container: id, destination: Destination, propagation: Propagation };
      this.#volumes.announce('mount', Name, { ...about, 'read/write': String(RW) });
    }
    await this.#unmount(id, gone);
    for (const name of volumesOf({ mounts: removed })) this.#volumes.announce('unmount', name, { container: id });
  }

  async #drop(container: Container, { added, made }: Mounting): Promise<void> {
    const { record, id } = container;
    const names = new Set(volumesOf({ mounts: added }));
    for (const name of volumesOf(record)) names.delete(name);
    let discard = (): Promise<void> => Promise.resolve();
    const ahead = { mounting: undefined } as unknown as Partial<typeof record>;
    await this.#ledger.save(container, ahead, (change) => {
      change.urgent();
      const drop = this.#volumes.release(change, id, made, names);
      discard = () => drop({ locked: true }); // reserved for it, or by nobody while an engine opens
    });
    delete record.mounting;
    await this.#unmount(id, names);
    await discard();
  }

  /** Those that are a file system by itself, which the container has no more. */
  async #unmount(id: string, names: Iterable<string>): Promise<void> {
    await this.#volumes.unmount(id, names).catch((error: unknown) => log.warn(messageOf(error)));
  }
}
