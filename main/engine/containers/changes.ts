import { conflict, EngineError, notFound } from '../../base/errors.js';
import { Locks } from '../../base/locks.js';
import type { Change } from '../../base/store.js';
import type { Changed, ChangePreview, ContainerChange, HistoryEntry } from '../../contract/changes.js';
import { changedConfiguration } from './configuration.js';
import type { Container } from './container.js';
import { appliesTo, configPatches, hostPatches, shownPatches } from './difference.js';
import type { Ledger } from './ledger.js';
import { changedLimits, isLive } from './live-limits.js';
import { checkedName } from './names.js';
import { checkShared, noMissing, runtimeOf } from './neighbours.js';
import type { ContainerRecord, FieldPatch, ImageOf, Trial } from './record.js';
import type { ContainersOptions, ResolvedImage } from './rooms.js';
import type { TrialCall, Trials } from './trials.js';
import { UserIds } from './user-ids.js';

type ChangesOptions = Pick<
  ContainersOptions,
  'helper' | 'images' | 'snapshots' | 'logs' | 'runtimes' | 'defaultRuntime' | 'remap'
>;

export interface ChangeCall extends TrialCall {
  /** False: rather not at all than with a restart. */
  restart?: boolean | undefined;
  /** How many seconds a container without a health check must go on to count as well. */
  watch?: number | undefined;
}

/** A change that could be made. */
interface Plan {
  patches: FieldPatch[];
  after: Partial<ContainerRecord> & Pick<ContainerRecord, 'config' | 'hostConfig'>;
  name: string | undefined;
  image: Trial['image'] | undefined;
  runtime: Trial['runtime'] | undefined;
  needsRestart: boolean;
  warnings: string[];
}

interface Wish extends Omit<ContainerChange, 'Image'> {
  /** What to look for, and how it is called then. */
  image?: { find: string; reference: string } | undefined;
  revertTo?: number;
}

const WATCH_S = 5;

/** Changes what a container is: at once where that can be, with one restart where it cannot. */
export class Changes {
  readonly #options: ChangesOptions;
  readonly #ledger: Ledger;
  readonly #trials: Trials;
  /** Of each container one change at a time. */
  readonly #locks = new Locks();

  constructor(options: ChangesOptions, ledger: Ledger, trials: Trials) {
    this.#options = options;
    this.#ledger = ledger;
    this.#trials = trials;
  }

  change(container: Container, change: ContainerChange, call: ChangeCall = {}): Promise<Changed> {
    return this.#make(container, () => wishOf(change), call);
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
    const { patches, needsRestart, warnings } = await this.#plan(container, wish());
    const Changes = shownPatches(patches).map((patch) => ({
      ...patch,
      Applies: container.live ? appliesTo(patch) : ('now' as const),
    }));
    return { Changes, NeedsRestart: needsRestart, Warnings: warnings };
  }

  async #make(
    container: Container,
    wish: () => Wish,
    { restart = true, watch = WATCH_S, ...call }: ChangeCall,
  ): Promise<Changed> {
    const { id } = container;
    using _change = await this.#locks.take(id);
    let warnings: string[];
    {
      using _ = await this.#ledger.lock(container);
      refuseUnchangeable(container);
      const { revertTo, ...wanted } = wish();
      const plan = await this.#plan(container, wanted);
      warnings = plan.warnings;
      call.signal?.throwIfAborted();
      if (!plan.needsRestart) {
        if (plan.patches.length > 0) await this.#apply(container, plan, revertTo);
        return { Id: id, Changes: shownPatches(plan.patches), Restarted: false, Warnings: warnings };
      }
      refuseRestart(container, plan, restart);
      await this.#begin(container, plan, { watch: watch * 1000, ...(revertTo !== undefined && { revertTo }) });
    }
    const outcome = await this.#trials.run(container, call);
    return { Id: id, Restarted: true, Warnings: warnings, ...outcome };
  }

  async #plan(container: Container, { Name, Config, HostConfig, image: wanted }: Wish): Promise<Plan> {
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
    return {
      ...{ patches, warnings, image, runtime },
      after: { config, hostConfig, ...(image && { image: image.to }), ...(runtime && { runtime: runtime.to }) },
      name: name === record.name ? undefined : name,
      needsRestart: container.live !== undefined && patches.some((patch) => appliesTo(patch) === 'restart'),
    };
  }

  /** At once, or for the next start. The kernel first: what it refuses is not written down. */
  async #apply(container: Container, { patches, after, name, image }: Plan, revertTo?: number): Promise<void> {
    const { record, id } = container;
    const before = record.name;
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
    { patches, name, image, runtime }: Plan,
    about: Pick<Trial, 'watch' | 'revertTo'>,
  ): Promise<void> {
    const trial: Trial = {
      ...{ stage: 'stop', patches, ...about },
      ...(name !== undefined && { name }),
      ...(image && { image }),
      ...(runtime && { runtime }),
    };
    if (name !== undefined) this.#ledger.takeName(container.id, name);
    try {
      await this.#ledger.save(container, { trial });
    } catch (error) {
      if (name !== undefined) this.#ledger.freeName(name);
      throw error;
    }
    container.record.trial = trial;
  }

  #exchange(change: Change, id: string, { from, to }: NonNullable<Trial['image']>): void {
    const { images, snapshots } = this.#options;
    images.hold(change, to.id, id);
    snapshots.rebase(change, id, to.chainId);
    if (from.id !== to.id) images.release(change, from.id, id);
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

  #wishBack({ record }: Container, seq: number): Wish {
    const entries = this.#ledger.history.list(record);
    if (!entries.some(({ Seq }) => Seq === seq)) throw notFound(`its history has no entry ${seq}`);
    const fields = new Map<string, unknown>();
    // From the newest back: what stands last is what it was then.
    for (const { Seq, Kind, Changes = [] } of entries)
      if (Seq > seq && (Kind === 'changed' || Kind === 'reverted'))
        for (const { Field, From } of Changes) fields.set(Field, From);
    const part = (name: string): Record<string, unknown> =>
      Object.fromEntries(
        [...fields].flatMap(([field, value]) =>
          field.startsWith(`${name}.`) ? [[field.slice(name.length + 1), value]] : [],
        ),
      );
    const name = fields.get('Name');
    const { reference, id } = record.image;
    return {
      ...(typeof name === 'string' && { Name: name }),
      Config: part('Config'),
      HostConfig: part('HostConfig'),
      ...((fields.has('ImageID') || fields.has('Image')) && {
        image: { find: textOr(fields.get('ImageID'), id), reference: textOr(fields.get('Image'), reference) },
      }),
      revertTo: seq,
    };
  }
}

const wishOf = ({ Image, ...rest }: ContainerChange): Wish => ({
  ...rest,
  ...(Image !== undefined && { image: { find: Image, reference: Image } }),
});

const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

const sameImage = (a: ImageOf, b: ImageOf): boolean => a.id === b.id && a.reference === b.reference;

const patchOf = (Field: string, From: string, To: string): FieldPatch[] => (From === To ? [] : [{ Field, From, To }]);

function refuseUnchangeable({ record, removal, dead }: Container): void {
  if (removal || dead) throw conflict('container is marked for removal and cannot be changed');
  if (record.trial) throw conflict(`container ${record.name} is being changed already`);
}

function refuseRestart({ record }: Container, { patches }: Plan, restart: boolean): void {
  const fields = shownPatches(patches.filter((patch) => appliesTo(patch) === 'restart')).map(({ Field }) => Field);
  if (!restart) throw conflict(`a running container takes ${fields.join(', ')} only with a restart`);
  if (record.paused)
    throw conflict(`container ${record.name} is paused: unpause it before it is restarted for ${fields.join(', ')}`);
}
