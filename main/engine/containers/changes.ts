import { conflict } from '../../base/errors.js';
import { Locks } from '../../base/locks.js';
import type { Change } from '../../base/store.js';
import type { Changed, ChangePreview, ContainerChange, HistoryEntry } from '../../contract/changes.js';
import type { Reservation } from '../volumes/index.js';
import { applies, ChangePlans, type ChangePlansOptions, type Plan } from './change-plan.js';
import { wishBack, wishOf, type Wish } from './change-wish.js';
import type { Container } from './container.js';
import { placed, volumeWish } from './creation.js';
import { patched, shownPatches } from './difference.js';
import type { Ledger } from './ledger.js';
import { holdImages, letGoOfImages } from './image-mounts.js';
import type { LiveChanges } from './live-changes.js';
import { changedLimits, isLive } from './live-limits.js';
import type { LiveMounts, Obstacle } from './live-mounts.js';
import { formerVolumes, MOUNT_FIELDS, type MountDifference } from './mount-plan.js';
import { volumesOf, type ContainerRecord, type MountPoint, type Trial } from './record.js';
import type { ContainersOptions } from './rooms.js';
import type { TrialCall, Trials } from './trials.js';

type ChangesOptions = ChangePlansOptions & Pick<ContainersOptions, 'volumes'>;

interface ChangesParts {
  trials: Trials;
  liveMounts: LiveMounts;
  liveChanges: LiveChanges;
}

export interface ChangeCall extends TrialCall {
  /** False: rather not at all than with a restart. */
  restart?: boolean | undefined;
  /** How many seconds a container without a health check must go on to count as well. */
  watch?: number | undefined;
  /** Mounts go although somebody has files open in them. */
  force?: boolean | undefined;
}

const WATCH_S = 5;

/** Changes what a container is: at once where that can be, with one restart where it cannot. */
export class Changes {
  readonly #options: ChangesOptions;
  readonly #ledger: Ledger;
  readonly #trials: Trials;
  readonly #plans: ChangePlans;
  readonly #liveChanges: LiveChanges;
  /** Of each container one change at a time. */
  readonly #locks = new Locks();

  constructor(options: ChangesOptions, ledger: Ledger, { trials, liveMounts, liveChanges }: ChangesParts) {
    this.#options = options;
    this.#ledger = ledger;
    this.#trials = trials;
    this.#plans = new ChangePlans(options, ledger, liveMounts);
    this.#liveChanges = liveChanges;
  }

  change(container: Container, change: ContainerChange, call: ChangeCall = {}): Promise<Changed> {
    return this.#make(container, () => wishOf(change), call);
  }

  /** The same with a wish that depends on what the container is by then. */
  changeBy(container: Container, change: () => ContainerChange, call: ChangeCall = {}): Promise<Changed> {
    return this.#make(container, () => wishOf(change()), call);
  }

  /** Why what is mounted cannot change so while it runs; undefined: it can, or it does not run. */
  async obstacle(container: Container, change: ContainerChange): Promise<Obstacle | undefined> {
    using _ = await this.#ledger.lock(container);
    return (await this.#plans.make(container, wishOf(change))).mounts?.obstacle;
  }

  preview(container: Container, change: ContainerChange): Promise<ChangePreview> {
    return this.#preview(container, () => wishOf(change));
  }

  /** Back to the configuration that it had at an entry of its history. */
  revert(container: Container, seq: number, call: ChangeCall = {}): Promise<Changed> {
    return this.#make(container, () => this.#wishBack(container, seq), call);
  }

  previewRevert(container: Container, seq: number): Promise<ChangePreview> {
    return this.#preview(container, () => this.#wishBack(container, seq));
  }

  history({ record }: Container): HistoryEntry[] {
    return this.#ledger.history.list(record);
  }

  async #preview(container: Container, wish: () => Wish): Promise<ChangePreview> {
    using _ = await this.#ledger.lock(container);
    const plan = await this.#plans.make(container, wish());
    const Changes = shownPatches(plan.patches).map((patch) => ({
      ...patch,
      Applies: container.live ? applies(patch, plan) : ('now' as const),
    }));
    const obstacle = plan.mounts?.obstacle;
    const why = obstacle ? [`What is mounted cannot change while it runs: ${obstacle.reason}.`] : [];
    return { Changes, NeedsRestart: plan.needsRestart, Warnings: [...plan.warnings, ...why] };
  }

  async #make(
    container: Container,
    wish: () => Wish,
    { restart = true, watch = WATCH_S, force = false, ...call }: ChangeCall,
  ): Promise<Changed> {
    const { id } = container;
    using _change = await this.#locks.take(id);
    let warnings: string[];
    {
      using _ = await this.#ledger.lock(container);
      refuseUnchangeable(container);
      const { revertTo, ...wanted } = wish();
      const plan = await this.#plans.make(container, wanted, force);
      warnings = plan.warnings;
      call.signal?.throwIfAborted();
      if (!plan.needsRestart) {
        if (plan.patches.length > 0) await this.#apply(container, plan, { revertTo, force });
        return { Id: id, Changes: shownPatches(plan.patches), Restarted: false, Warnings: warnings };
      }
      refuseRestart(container, plan, restart);
      await this.#begin(container, plan, { watch: watch * 1000, ...(revertTo !== undefined && { revertTo }) });
    }
    const outcome = await this.#trials.run(container, call);
    return { Id: id, Restarted: true, Warnings: warnings, ...outcome };
  }

  /** Volumes of what is new, and all that is mounted then with its places. */
  async #reserve(
    { id, record }: Container,
    { after, added }: MountDifference,
  ): Promise<{ reserved: Reservation; mounts: MountPoint[]; former: MountPoint[] }> {
    const { volumes, snapshots } = this.#options;
    const { lower } = await snapshots.mountsOf(id);
    const reserved = await volumes.reserve(added.flatMap(volumeWish), id, lower);
    const mounts = after.map((mount) => (added.includes(mount) ? placed(mount, reserved) : mount));
    return { reserved, mounts, former: formerVolumes(record, mounts) };
  }

  /** At once, or for the next start. */
  async #apply(
    container: Container,
    plan: Plan,
    about: { revertTo: number | undefined; force: boolean },
  ): Promise<void> {
    const { mounts } = plan;
    if (!mounts) return this.#applyFields(container, plan, about.revertTo);
    const others = plan.patches.filter(({ Field }) => !MOUNT_FIELDS.has(Field));
    const ofMounts = plan.patches.filter(({ Field }) => MOUNT_FIELDS.has(Field));
    const { record, id } = container;
    try {
      const { reserved, mounts: placedMounts, former } = await this.#reserve(container, mounts);
      await using _ = reserved;
      const { config, hostConfig } = container.live ? patched(record, ofMounts, 'To') : plan.after;
      const after = { config, hostConfig, mounts: placedMounts, former };
      const added = placedMounts.filter((mount) => !record.mounts.includes(mount));
      const { removed } = mounts;
      const { revertTo, force } = about;
      if (container.live) {
        const mounting = { after, patches: ofMounts, added, removed, made: [...reserved.made] };
        const to = revertTo !== undefined && others.length === 0 ? { revertTo } : {};
        await this.#liveChanges.make(container, { ...mounting, ...to }, reserved, force);
      } else {
        const ahead = { ...plan, after: { ...plan.after, mounts: placedMounts, former } };
        await this.#applyFields(container, ahead, revertTo, (change) => {
          reserved.hold(change);
          holdImages(change, { id, mounts: added }, this.#options);
          letGoOfImages(change, { record, before: record.mounts, after: placedMounts }, this.#options);
          const gone = new Set(volumesOf({ mounts: removed }));
          for (const volume of volumesOf({ mounts: placedMounts })) gone.delete(volume);
          this.#options.volumes.release(change, id, [], gone);
        });
        return reserved.announce();
      }
    } catch (error) {
      this.#options.volumes.hold(volumesOf(record), id); // a reservation that is given up lets go of those that it had anyway
      throw error;
    }
    if (others.length > 0) return this.#applyFields(container, { ...plan, patches: others }, about.revertTo);
    this.#ledger.publish(container, 'update');
  }

  /** The kernel first: what it refuses is not written down. */
  async #applyFields(
    container: Container,
    { patches, after: wanted, name, image }: Pick<Plan, 'patches' | 'after' | 'name' | 'image'>,
    revertTo: number | undefined,
    also: (change: Change) => void = () => undefined,
  ): Promise<void> {
    const { record, id } = container;
    const before = record.name;
    const after = { ...wanted };
    const limited = patches.some(({ Field, To }) => isLive(Field.replace('HostConfig.', ''), To));
    const limit = async (from: ContainerRecord['hostConfig'], to: ContainerRecord['hostConfig']): Promise<void> => {
      const { helper } = this.#options;
      if (container.live && limited)
        await helper.update(id, await changedLimits(from, to, helper.hello.cgroup.version));
    };
    if (name !== undefined) this.#ledger.takeName(id, name);
    const ahead = { ...after, ...(name !== undefined && { name }) };
    try {
      await limit(record.hostConfig, after.hostConfig);
      await this.#ledger.save(container, ahead, (change) => {
        also(change);
        if (image) this.#exchange(change, id, image);
        const kind =
          revertTo === undefined ? { Kind: 'changed' as const } : { Kind: 'reverted' as const, To: revertTo };
        this.#ledger.history.put(change, id, { ...kind, Changes: shownPatches(patches) });
      });
    } catch (error) {
      if (name !== undefined) this.#ledger.freeName(name);
      await limit(after.hostConfig, record.hostConfig).catch(() => undefined);
      throw error;
    }
    Object.assign(record, ahead);
    if (name !== undefined) {
      this.#ledger.freeName(before);
      this.#ledger.publish(container, 'rename', { oldName: `/${before}` });
    }
    if (name === undefined || patches.length > 1) this.#ledger.publish(container, 'update');
  }

  /** Written down before anything is done: from here on it comes to an end, whoever is killed. */
  async #begin(
    container: Container,
    { patches, name, image, runtime, mounts }: Plan,
    about: Pick<Trial, 'watch' | 'revertTo'>,
  ): Promise<void> {
    const { record, id } = container;
    const trial: Trial = {
      ...{ stage: 'stop', patches, ...about },
      ...(name !== undefined && { name }),
      ...(image && { image }),
      ...(runtime && { runtime }),
    };
    if (name !== undefined) this.#ledger.takeName(id, name);
    try {
      if (mounts) {
        const { reserved, mounts: to } = await this.#reserve(container, mounts);
        await using _ = reserved;
        trial.mounts = { from: record.mounts, to };
        await this.#ledger.save(container, { trial }, (change) => {
          reserved.hold(change);
          holdImages(change, { id, mounts: to.filter((mount) => !record.mounts.includes(mount)) }, this.#options);
        });
        reserved.announce();
      } else await this.#ledger.save(container, { trial });
    } catch (error) {
      if (name !== undefined) this.#ledger.freeName(name);
      this.#options.volumes.hold(volumesOf(record), id);
      throw error;
    }
    record.trial = trial;
  }

  #exchange(change: Change, id: string, { from, to }: NonNullable<Trial['image']>): void {
    const { images, snapshots } = this.#options;
    images.hold(change, to.id, id);
    snapshots.rebase(change, id, to.chainId);
    if (from.id !== to.id) images.release(change, from.id, id);
  }

  #wishBack({ record }: Container, seq: number): Wish {
    return wishBack(record, this.#ledger.history.list(record), seq);
  }
}

function refuseUnchangeable({ record, removal, dead }: Container): void {
  if (removal || dead) throw conflict('container is marked for removal and cannot be changed');
  if (record.trial) throw conflict(`container ${record.name} is being changed already`);
}

function refuseRestart({ record }: Container, plan: Plan, restart: boolean): void {
  const { patches, mounts } = plan;
  const fields = shownPatches(patches.filter((patch) => applies(patch, plan) === 'restart')).map(({ Field }) => Field);
  const { reason, holders } = mounts?.obstacle ?? {};
  if (!restart && holders)
    throw conflict(`${reason}: end what uses it, detach it anyway, or allow a restart`, {
      details: { Holders: holders },
    });
  if (!restart)
    throw conflict(`a running container takes ${fields.join(', ')} only with a restart${reason ? `: ${reason}` : ''}`);
  if (record.paused)
    throw conflict(`container ${record.name} is paused: unpause it before it is restarted for ${fields.join(', ')}`);
}
