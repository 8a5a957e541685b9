import { invalid } from '../../base/errors.js';
import { newId } from '../../base/ids.js';
import type { ContainerCreate, ContainerCreated } from '../../contract/containers.js';
import { checkVolume, type Reservation, type VolumeWish } from '../volumes/index.js';
import { now } from './clock.js';
import type { Bin } from './bin.js';
import { Container } from './container.js';
import { TABLE, type Ledger } from './ledger.js';
import { checkedName } from './names.js';
import { holdImages } from './image-mounts.js';
import { inheritedFrom } from './mount-plan.js';
import type { PlannedMount } from './mounts.js';
import { endpointWish } from './places-on-networks.js';
import { planContainer } from './plan.js';
import { NEVER, type ContainerRecord, type Endpoints, type IdMap, type MountPoint } from './record.js';
import type { Removal } from './removal.js';
import type { ContainersOptions } from './rooms.js';
import { checkShared, noMissing, runtimeOf } from './neighbours.js';
import { sharedContainer } from './spec.js';
import { UserIds } from './user-ids.js';

type CreationOptions = Pick<
  ContainersOptions,
  | 'store'
  | 'helper'
  | 'images'
  | 'snapshots'
  | 'networks'
  | 'volumes'
  | 'runtimes'
  | 'defaultRuntime'
  | 'remap'
  | 'logs'
>;

/** Makes containers from images: planned, named, given a file system, written down. */
export class Creation {
  readonly #options: CreationOptions;
  readonly #ledger: Ledger;
  readonly #removal: Removal;
  readonly #bin: Bin;
  readonly #userIds: UserIds;
  /** Ids of containers that are being made. */
  readonly #chosen = new Set<IdMap>();

  constructor(options: CreationOptions, ledger: Ledger, { removal, bin }: { removal: Removal; bin: Bin }) {
    this.#options = options;
    this.#ledger = ledger;
    this.#removal = removal;
    this.#bin = bin;
    this.#userIds = new UserIds(options.remap);
  }

  async create(body: ContainerCreate, name?: string, platform?: string): Promise<ContainerCreated> {
    const given = name ? checkedName(name, name) : undefined;
    if (Object.keys(body).length === 0) throw invalid('Config cannot be empty in order to create a container');
    const { images, snapshots, networks, volumes, helper, store } = this.#options;
    const image = images.resolve(body.Image ?? '', platform);
    const id = newId();
    const { config, hostConfig, mounts, warnings } = await planContainer(id, body, image.config, {
      hello: helper.hello,
      logs: this.#options.logs,
      mountsOf: (reference) => inheritedFrom(noMissing(() => this.#ledger.find(reference)).record),
      imageOf: (reference) => noMissing(() => images.resolve(reference)),
    });
    const wishes = mounts.flatMap(volumeWish);
    noMissing(() => wishes.forEach(checkVolume));
    // By its id from now on: a name may be another's tomorrow.
    const joined = sharedContainer(hostConfig.NetworkMode);
    if (joined !== undefined) hostConfig.NetworkMode = `container:${noMissing(() => this.#ledger.find(joined)).id}`;
    const wanted = config.NetworkDisabled ? 'none' : hostConfig.NetworkMode;
    const { mode, warning } = noMissing(() => networks.modeOf(wanted));
    const endpoints = noMissing(() => this.#endpoints(body, mode));
    const names = Object.keys(endpoints);
    const network = endpoints[mode] || names[0] === undefined ? mode : names[0];
    if (warning) warnings.push(warning);
    const foreign = platform ? undefined : images.platformWarning(image.id);
    if (foreign) warnings.push(foreign);
    noMissing(() => checkShared(this.#ledger, mode, hostConfig.IpcMode, hostConfig.PidMode));
    const runtime = runtimeOf(this.#options, hostConfig.Runtime);
    const userIds = this.#userIds.choose({
      ...{ hostConfig, network, runtime, hello: helper.hello },
      taken: [...this.#takenIds(), ...this.#chosen],
    });
    const taken = this.#ledger.takeName(id, given);
    const record: ContainerRecord = {
      ...{ id, name: taken, created: now() },
      image: { id: image.id, reference: body.Image ?? '', chainId: image.chainId },
      ...{ config, hostConfig, mounts: [], network, runtime },
      ...(names.length > 0 && { endpoints }),
      ...(userIds && { userIds }),
      ...{ running: false, paused: false, bootId: '', startedAt: NEVER, finishedAt: NEVER },
      ...{ exitCode: 0, error: '', oomKilled: false, stoppedByHand: false, restartCount: 0, restartPending: false },
    };
    if (userIds) this.#chosen.add(userIds);
    try {
      const { lower } = await snapshots.prepare(id, image.chainId);
      const createdBy = { id, name: taken };
      await using reserved = await volumes.reserve(
        wishes.map((wish) => ({ ...wish, createdBy })),
        id,
        lower,
      );
      record.mounts = mounts.map((mount) => placed(mount, reserved));
      await store.commit((change) => {
        change.put(TABLE, id, record);
        snapshots.keep(change, id);
        images.hold(change, image.id, id);
        holdImages(change, record, this.#options);
        reserved.hold(change);
      });
      reserved.announce();
    } catch (error) {
      this.#ledger.freeName(taken);
      await this.#removal.discardFiles(id);
      throw error;
    } finally {
      if (userIds) this.#chosen.delete(userIds);
    }
    const container = new Container(record);
    this.#ledger.add(container);
    this.#ledger.publish(container, 'create');
    return { Id: id, Warnings: warnings };
  }

  /** What was said of each network; `--network` alone says nothing of it. */
  #endpoints(body: ContainerCreate, mode: string): Endpoints {
    const { networks } = this.#options;
    const given = Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {});
    const { NetworkMode = '' } = body.HostConfig ?? {};
    const endpoints: Endpoints = {};
    for (const [reference, config] of given) {
      const { mode: network } = networks.modeOf(reference);
      endpoints[network] = endpointWish(network, config);
    }
    if (sharedContainer(mode) !== undefined) {
      if (given.length > 0) throw invalid('conflicting options: networks and the container type network mode');
      return {};
    }
    const usual = NetworkMode === '' || NetworkMode === 'default';
    if (!(usual && given.length > 0)) endpoints[mode] ??= {};
    const primary = endpoints[mode] ?? Object.values(endpoints)[0];
    if (body.MacAddress && primary) primary.mac ??= endpointWish(mode, { MacAddress: body.MacAddress }).mac ?? '';
    const names = Object.keys(endpoints);
    if (names.length > 1 && (names.includes('host') || names.includes('none')))
      throw invalid('container cannot be connected to multiple networks with one of the networks in host or none mode');
    for (const [network, wish] of Object.entries(endpoints)) networks.checkPlace({ network, wish });
    // The usual container is on the one network that its mode names.
    const [only] = names;
    return names.length === 1 && only === mode && Object.keys(endpoints[mode] ?? {}).length === 0 ? {} : endpoints;
  }

  /** A container in the bin may come back, and has its ids then. */
  #takenIds(): (IdMap | undefined)[] {
    const records = [...this.#ledger.all().map(({ record }) => record), ...this.#bin.records()];
    return records.map(({ userIds }) => userIds);
  }
}

/** The volume that a mount is of; what another container has already is taken as it is. */
export function volumeWish({ Type, Name = '', Driver = '', Destination, own, volume }: PlannedMount): VolumeWish[] {
  if (Type !== 'volume') return [];
  const { labels = null, options = null, copy = false } = volume ?? {};
  const about = { Name, Driver, Labels: labels, DriverOpts: options };
  const wish = { ...about, anonymous: own?.anonymous === true, subpath: own?.subpath };
  return [{ ...wish, path: copy ? Destination : undefined }];
}

export function placed({ volume: _, ...mount }: PlannedMount, reserved: Reservation): MountPoint {
  const { Type, Name, own } = mount;
  if (Type !== 'volume' || Name === undefined) return mount;
  const folder = reserved.folderOf(Name);
  return { ...mount, Source: reserved.sourceOf(Name), ...(folder && { own: { ...own, ...folder } }) };
}
