import { access, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { Monitor } from '../helper/index.js';
import type { Bin } from './bin.js';
import type { Container } from './container.js';
import { lostExit, readExitFile, rebootExit, roomOf, type Exit } from './exit.js';
import { keepLayers } from './image-mounts.js';
import type { Ledger } from './ledger.js';
import type { LiveChanges } from './live-changes.js';
import { NEVER, volumesOf } from './record.js';
import type { Removal } from './removal.js';
import type { ContainersOptions } from './rooms.js';
import type { Runs } from './runs.js';
import type { Trials } from './trials.js';

interface AdoptionParts {
  runs: Runs;
  removal: Removal;
  bin: Bin;
  trials: Trials;
  liveChanges: LiveChanges;
}

type AdoptionOptions = Pick<ContainersOptions, 'root' | 'networks' | 'store' | 'helper' | 'snapshots' | 'volumes'>;

const log = createLog('containers');

/** What an engine does first: it finds out what became of its containers while none watched. */
export class Adoption {
  readonly #options: AdoptionOptions;
  readonly #ledger: Ledger;
  readonly #runs: Runs;
  readonly #removal: Removal;
  readonly #bin: Bin;
  readonly #trials: Trials;
  readonly #liveChanges: LiveChanges;

  constructor(options: AdoptionOptions, ledger: Ledger, { runs, removal, bin, trials, liveChanges }: AdoptionParts) {
    this.#options = options;
    this.#ledger = ledger;
    this.#runs = runs;
    this.#removal = removal;
    this.#bin = bin;
    this.#trials = trials;
    this.#liveChanges = liveChanges;
  }

  /** Afterwards every container is what its record says, and those that should run do or will. */
  async run(): Promise<void> {
    for (const { id, record } of this.#ledger.all()) {
      const { mounts, trial, mounting } = record;
      const soon = [...(trial?.mounts?.from ?? []), ...(trial?.mounts?.to ?? []), ...(mounting?.added ?? [])];
      this.#options.volumes.hold(volumesOf({ mounts: [...mounts, ...soon] }), id);
    }
    for (const record of [...this.#ledger.all().map(({ record }) => record), ...this.#bin.records()])
      for (const mounts of [record.mounts, record.trial?.mounts?.from ?? [], record.trial?.mounts?.to ?? []])
        keepLayers({ id: record.id, mounts }, this.#options.snapshots);
    await this.#sweep();
    await Promise.all(this.#ledger.all().map((container) => this.#adopt(container)));
    await this.#options.volumes.unmountIdle();
    await this.#options.networks.settleNames().catch((error: unknown) => {
      log.warn(`the resolver could not be told which containers run: ${messageOf(error)}`);
    });
    for (const container of this.#ledger.all()) this.#resume(container);
  }

  /** Directories of containers that are in no row: made or removed while an engine was killed. */
  async #sweep(): Promise<void> {
    const { root, store, helper, snapshots } = this.#options;
    // A database that was set aside knows nothing of what is still good.
    if (store.warnings?.length) return;
    const entries = await readdir(join(root, 'containers')).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    const made = snapshots.active?.() ?? [];
    const strays = [...new Set([...entries, ...made])].filter((id) => !this.#ledger.get(id) && !this.#bin.has(id));
    for (const id of strays) {
      // A container that a damaged database forgot may still run.
      await helper.signalAll(id).catch(() => undefined);
      await helper
        .delete(id)
        .then(() => this.#removal.discardFiles(id))
        .catch((error: unknown) => log.warn(`${id} could not be discarded: ${messageOf(error)}`));
    }
  }

  async #adopt(container: Container): Promise<void> {
    using _ = await this.#ledger.locks.take(container.id); // an end that comes meanwhile waits until the run is known
    const monitor = await this.#runs.adopt(container);
    await this.#liveChanges.resume(container).catch((error: unknown) => {
      log.warn(`the mounts of container ${container.id} could not be looked after: ${messageOf(error)}`);
    });
    if (container.live) {
      // It may have been written down as paused before it was.
      if (container.record.paused) await this.#options.helper.freeze(container.id);
      return;
    }
    if (monitor?.state.phase === 'created') return await this.#undoStart(container, monitor);
    monitor?.close();
    const { record } = container;
    const { exitFile, stateDir } = this.#ledger.pathsOf(container.id);
    const recorded = await readExitFile(exitFile);
    // That of the run before stays until the next one makes its own.
    const exit = recorded?.finished === record.finishedAt ? undefined : recorded;
    if (!record.running && !exit?.started) {
      if (await exists(stateDir)) await this.#clear(container);
      return;
    }
    const rebooted = record.bootId !== this.#runs.bootId;
    const begun = exit ? exit.started : rebooted || (await exists(roomOf(exitFile)));
    if (!begun) return await this.#undoStart(container, monitor, exit);
    if (exit?.started) record.startedAt = exit.started;
    if (rebooted) record.restartCount = 0; // that end was not its own
    await this.#options.helper.signalAll(container.id).catch(() => undefined);
    const unknown = rebooted ? rebootExit() : lostExit("the container's monitor was killed");
    await this.#runs.recordEnd(container, exit ?? unknown);
    await rm(roomOf(exitFile), { force: true });
  }

  /** The engine died before it let the process go, or before there was one; nobody was told of a start, or of why there is none. */
  async #undoStart(container: Container, monitor?: Monitor, failed?: Exit): Promise<void> {
    await monitor?.signal(9).catch(() => undefined);
    monitor?.close();
    const { record } = container;
    Object.assign(record, record.before, { running: false });
    if (failed?.error) Object.assign(record, { exitCode: failed.code, error: failed.error });
    delete record.before;
    await this.#ledger.saveEnded(container, (change) =>
      this.#ledger.history.takeBackStart(change, container.id, failed?.error),
    );
    await this.#clear(container);
    await rm(this.#ledger.pathsOf(container.id).exitFile, { force: true });
  }

  /** Nothing of it runs, and nothing is left of what made it. */
  async #clear(container: Container): Promise<void> {
    await this.#options.helper.signalAll(container.id).catch(() => undefined);
    await this.#runs.clear(container);
  }

  /** What its policy or `--rm` asks for, once it is known what runs. */
  #resume(container: Container): void {
    const { record } = container;
    const { restarts } = this.#runs;
    if (record.trial) return this.#trials.resume(container);
    if (container.running || record.startedAt === NEVER) return;
    if (record.hostConfig.AutoRemove) return void this.#removal.removeQuietly(container);
    if (record.restartPending) restarts.keepPromise(container, 0);
    else if (restarts.wanted(container)) restarts.promise(container, 0);
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
