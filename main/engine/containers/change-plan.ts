import { conflict, EngineError } from '../../base/errors.js';
import type { Applies } from '../../contract/changes.js';
import { checkVolume } from '../volumes/index.js';
import type { Wish } from './change-wish.js';
import { changedConfiguration } from './configuration.js';
import type { Container } from './container.js';
import { volumeWish } from './creation.js';
import { appliesTo, configPatches, hostPatches } from './difference.js';
import type { Ledger } from './ledger.js';
import { hasStopped, type LiveMounts, type Obstacle } from './live-mounts.js';
import { differentMounts, inheritedFrom, MOUNT_FIELDS, type MountDifference } from './mount-plan.js';
import { checkedName } from './names.js';
import { checkShared, noMissing, runtimeOf } from './neighbours.js';
import type { ContainerRecord, FieldPatch, ImageOf, Trial } from './record.js';
import type { ContainersOptions, ResolvedImage } from './rooms.js';
import { UserIds } from './user-ids.js';

export type ChangePlansOptions = Pick<
  ContainersOptions,
  'helper' | 'images' | 'snapshots' | 'logs' | 'runtimes' | 'defaultRuntime' | 'remap'
>;

/** A change that could be made. */
export interface Plan {
  patches: FieldPatch[];
  after: Partial<ContainerRecord> & Pick<ContainerRecord, 'config' | 'hostConfig'>;
  name: string | undefined;
  image: Trial['image'] | undefined;
  runtime: Trial['runtime'] | undefined;
  mounts: (MountDifference & { obstacle: Obstacle | undefined }) | undefined;
  needsRestart: boolean;
  warnings: string[];
}

/** Finds out what a change comes to, and whether it can be. Nothing is done to the container. */
export class ChangePlans {
  readonly #options: ChangePlansOptions;
  readonly #ledger: Ledger;
  readonly #liveMounts: LiveMounts;

  constructor(options: ChangePlansOptions, ledger: Ledger, liveMounts: LiveMounts) {
    this.#options = options;
    this.#ledger = ledger;
    this.#liveMounts = liveMounts;
  }

  async make(container: Container, { Name, Config, HostConfig, image: wanted }: Wish, force = false): Promise<Plan> {
    const { record } = container;
    const { helper, logs } = this.#options;
    const found = wanted && this.#options.images.resolve(wanted.find);
    const next = found && wanted && { id: found.id, reference: wanted.reference, chainId: found.chainId };
    const image = next && !sameImage(next, record.image) ? { from: record.image, to: next } : undefined;
    if (image) this.#options.snapshots.checkRebase?.(container.id);
    const { config, hostConfig, warnings } = await changedConfiguration(
      record,
      { ...(Config && { Config }), ...(HostConfig && { HostConfig }) },
      {
        ...{ hello: helper.hello, logs, image: this.#imageOf(record)?.config },
        next: image && found ? { reference: image.to.reference, config: found.config } : undefined,
      },
    );
    const runtime = this.#runtime(record, hostConfig.Runtime);
    noMissing(() => checkShared(this.#ledger, hostConfig.IpcMode, hostConfig.PidMode));
    this.#checkUserIds({ ...record, hostConfig, runtime: runtime?.to ?? record.runtime });
    const name = Name === undefined ? record.name : checkedName(Name);
    if (name !== record.name) this.#ledger.checkFree(name);
    const patches = [
      ...patchOf('Name', record.name, name),
      ...patchOf('Image', record.image.reference, (image?.to ?? record.image).reference),
      ...patchOf('ImageID', record.image.id, (image?.to ?? record.image).id),
      ...configPatches(record.config, config),
      ...hostPatches(record.hostConfig, hostConfig),
    ];
    const mounts = await this.#planMounts(container, { config, hostConfig }, patches, force);
    return {
      ...{ patches, warnings, image, runtime, mounts },
      after: { config, hostConfig, ...(image && { image: image.to }), ...(runtime && { runtime: runtime.to }) },
      name: name === record.name ? undefined : name,
      needsRestart: container.live !== undefined && patches.some((patch) => applies(patch, { mounts }) === 'restart'),
    };
  }

  async #planMounts(
    container: Container,
    next: Pick<ContainerRecord, 'config' | 'hostConfig'>,
    patches: FieldPatch[],
    force: boolean,
  ): Promise<Plan['mounts']> {
    if (!patches.some(({ Field }) => MOUNT_FIELDS.has(Field))) return undefined;
    const { record, live } = container;
    const mountsOf = (reference: string) => inheritedFrom(noMissing(() => this.#ledger.find(reference)).record);
    const imageOf = (reference: string) => noMissing(() => this.#options.images.resolve(reference));
    const difference = await differentMounts(record, next, { mountsOf, imageOf });
    noMissing(() => difference.added.flatMap(volumeWish).forEach(checkVolume));
    const memory = patches.some(({ Field }) => Field === 'HostConfig.Tmpfs');
    const obstacle = !live
      ? undefined
      : memory
        ? { reason: 'what is in memory (tmpfs) comes and goes with a start' }
        : await this.#liveMounts.obstacle(container, difference, force).catch(notOfTheDead);
    return { ...difference, obstacle };
  }

  #imageOf({ image }: ContainerRecord): ResolvedImage | undefined {
    try {
      return this.#options.images.resolve(image.id);
    } catch (error) {
      if (error instanceof EngineError && error.kind === 'not-found') return undefined;
      throw error;
    }
  }

  #runtime({ hostConfig, runtime }: ContainerRecord, name: string): Trial['runtime'] {
    return name === hostConfig.Runtime ? undefined : { from: runtime, to: runtimeOf(this.#options, name) };
  }

  /** Whose ids are its own has its own files by them. */
  #checkUserIds(record: ContainerRecord): void {
    if (!record.userIds) return;
    const { hostConfig, network, runtime } = record;
    const ids = new UserIds(this.#options.remap).choose({
      ...{ network, runtime, hello: this.#options.helper.hello, taken: [] },
      hostConfig: { ...hostConfig, UsernsMode: 'auto' },
    });
    if (!ids)
      throw conflict('it has user ids of its own, and would have those of another container: make a new one for that');
  }
}

/** Of what is mounted the plan says it. */
export const applies = (patch: FieldPatch, { mounts }: Pick<Plan, 'mounts'>): Applies =>
  MOUNT_FIELDS.has(patch.Field) ? (mounts?.obstacle ? 'restart' : 'now') : appliesTo(patch);

/** What has ended under our hands takes it with its next start: nothing is in the way. */
function notOfTheDead(error: unknown): undefined {
  if (!hasStopped(error)) throw error;
}

const sameImage = (a: ImageOf, b: ImageOf): boolean => a.id === b.id && a.reference === b.reference;

const patchOf = (Field: string, From: string, To: string): FieldPatch[] => (From === To ? [] : [{ Field, From, To }]);
