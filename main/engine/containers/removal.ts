import { conflict, EngineError, messageOf } from '../../base/errors.js';
import type { Change } from '../../base/store.js';
import { shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { Container } from './container.js';
import type { Ending } from './ending.js';
import { releaseImages } from './image-mounts.js';
import { TABLE, type Ledger } from './ledger.js';
import { anonymousOf, type ContainerRecord } from './record.js';
import type { ContainersOptions } from './rooms.js';

const log = createLog('containers');

/** Takes containers away: the row first, its files behind the answer's back. */
export class Removal {
  readonly #options: Pick<ContainersOptions, 'store' | 'helper' | 'images' | 'networks' | 'snapshots' | 'volumes'>;
  readonly #ledger: Ledger;
  readonly #ending: Ending;
  readonly #background = new Set<Promise<void>>();

  constructor(
    options: Pick<ContainersOptions, 'store' | 'helper' | 'images' | 'networks' | 'snapshots' | 'volumes'>,
    ledger: Ledger,
    ending: Ending,
  ) {
    this.#options = options;
    this.#ledger = ledger;
    this.#ending = ending;
  }

  /**
   * What runs is killed by force, and refused without. Of two removals at once the second waits for the first and finds it done. `volumes`: those
   * whose names nobody chose go too, as always with `--rm`.
   */
  remove(
    container: Container,
    { force = false, volumes = container.record.hostConfig.AutoRemove }: { force?: boolean; volumes?: boolean } = {},
  ): Promise<void> {
    const { record } = container;
    return this.#leave(container, force, () =>
      this.erase(record, {
        ...{ volumes, cleared: () => container.cleanup },
        row: (change) => change.remove(TABLE, container.id),
      }),
    );
  }

  /** Takes it away from everybody but the bin: `keep` writes it down there, in the transaction in which it goes here. */
  putAway(container: Container, force: boolean, keep: (change: Change) => void): Promise<void> {
    if (container.removal) throw conflict(`removal of container ${container.record.name} is already in progress`);
    return this.#leave(container, force, () => {
      return this.#options.store.commit((change) => {
        change.urgent();
        change.remove(TABLE, container.id);
        this.#options.networks.release(change, container.id);
        keep(change);
      });
    });
  }

  /** Takes back all that a container has, in one transaction with its row; its files are deleted behind the caller's back once they are `cleared`. */
  async erase(
    record: ContainerRecord,
    {
      volumes: withVolumes,
      cleared,
      row,
    }: { volumes: boolean; cleared: () => Promise<void>; row: (change: Change) => void },
  ): Promise<void> {
    const { store, images, networks, snapshots, volumes } = this.#options;
    const { id, trial } = record;
    let dropLayers = (): Promise<void> => Promise.resolve();
    let dropVolumes: ReturnType<ContainersOptions['volumes']['release']> = dropLayers;
    await store.commit((change) => {
      change.urgent();
      row(change);
      this.#ledger.history.forget(change, id);
      for (const image of new Set([record.image.id, ...(trial?.image ? [trial.image.from.id, trial.image.to.id] : [])]))
        images.release(change, image, id);
      networks.release(change, id);
      const soon = [...(trial?.mounts?.from ?? []), ...(trial?.mounts?.to ?? [])];
      releaseImages(change, { id, mounts: [...record.mounts, ...soon] }, { images, snapshots });
      dropLayers = snapshots.discard(change, id);
      dropVolumes = volumes.release(change, id, withVolumes ? anonymousOf(record) : []);
    });
    // Row before data, and the data off the answer's way: after a crash the sweep at start finds a directory without a row.
    const files = cleared()
      .then(() => this.#discardDirectory(id))
      .then(dropLayers);
    this.#inBackground(files, `the files of ${id}`);
    // Its volumes are not less gone where something is in the way of its own files.
    this.#inBackground(
      files.catch(() => undefined).then(() => dropVolumes()),
      `the volumes of ${id}`,
    );
  }

  #leave(container: Container, force: boolean, leave: () => Promise<void>): Promise<void> {
    if (container.removal) return container.removal;
    if (!force) refuseRunning(container);
    container.removal = this.#go(container, force, leave).catch((error: unknown) => {
      container.removal = undefined;
      container.dead = !container.running;
      if (container.dead) container.wake(['removed'], messageOf(error));
      throw error;
    });
    return container.removal;
  }

  /** Where nobody waits for it, as with `--rm`. */
  async removeQuietly(container: Container): Promise<void> {
    try {
      await this.remove(container, { force: true });
    } catch (error) {
      log.error(`container ${shortId(container.id)} could not be removed: ${messageOf(error)}`);
    }
  }

  /** Of what has no row, or will never have one. */
  async discardFiles(id: string): Promise<void> {
    const { store, snapshots } = this.#options;
    let dropLayers = (): Promise<void> => Promise.resolve();
    await store.commit((change) => (dropLayers = snapshots.discard(change, id)));
    await this.#discardDirectory(id);
    await dropLayers();
  }

  /** Resolves once nothing is being deleted any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#background);
  }

  /** Into the bin or for good: what runs is killed, `leave` writes it down, then nobody sees it any more. */
  async #go(container: Container, force: boolean, leave: () => Promise<void>): Promise<void> {
    // A start under way is let through first: it holds the lock.
    using _ = await this.#lockStopped(container, force);
    await leave();
    this.#ledger.drop(container);
    for (const attachment of container.pending) attachment.close();
    this.#ledger.publish(container, 'destroy');
    container.wake(['not-running', 'next-exit', 'removed']);
  }

  /** The lock of a container that does not run; what runs is killed first. */
  async #lockStopped(container: Container, force: boolean): Promise<Disposable> {
    for (;;) {
      const lock = await this.#ledger.locks.take(container.id);
      if (force) container.restarting?.cancel();
      const { live } = container;
      if (!container.running) return lock;
      lock[Symbol.dispose]();
      if (!force) refuseRunning(container);
      if (live) await this.#ending.kill(container, live);
    }
  }

  async #discardDirectory(id: string): Promise<void> {
    // Without a row it is nobody's, whatever a power cut brings back: the sweep at start finds it.
    for (let tries = 1; ; tries++)
      try {
        return await this.#options.helper.discard(this.#ledger.pathsOf(id).directory, { sync: false });
      } catch (error) {
        const { kind } = error instanceof EngineError ? error : {};
        if (kind === 'not-found') return;
        // A helper that was killed has a successor at once; until the next start nobody else would look.
        if (kind !== 'unavailable' || tries === 5) throw error;
      }
  }

  #inBackground(work: Promise<void>, what: string): void {
    const done = work
      .catch((error: unknown) => log.warn(`${what} could not be removed: ${messageOf(error)}`))
      .finally(() => this.#background.delete(done));
    this.#background.add(done);
  }
}

function refuseRunning(container: Container): void {
  if (!container.running) return;
  const why = container.record.paused
    ? 'container is paused and must be unpaused first'
    : `container is ${container.live ? 'running' : 'restarting'}: stop the container before removing or force remove`;
  throw conflict(`cannot remove container "/${container.record.name}": ${why}`);
}
