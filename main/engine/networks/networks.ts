import { conflict, EngineError, forbidden, invalid, messageOf, notFound, unavailable } from '../../base/errors.js';
import { newId, shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import { momentOf } from '../../base/moments.js';
import type { Change, Store } from '../../base/store.js';
import type { EndpointSettings } from '../../contract/containers.js';
import type { Filters } from '../../contract/filters.js';
import type { NetworkCreate, NetworkCreated, NetworkInspect } from '../../contract/networks.js';
import type { Events } from '../events/index.js';
import type { DefaultRoute, Helper, NetworkRequest, Wire } from '../helper/index.js';
import {
  formatSubnet,
  newVeth,
  parseAddress,
  parseSubnet,
  Wires,
  type Bridge,
  type Route,
  type Subnet,
} from '../wires/index.js';
import { freeAddress, givenAddress } from './addresses.js';
import { checkNetworkName, plannedNetwork } from './create.js';
import { describeNetwork, driverOf, endpointSettings, macOfEndpoint, type EndpointWish } from './describe.js';
import { networkFilter, pruneFilter } from './filters.js';
import { Names, type NameClient } from './names.js';
import { PublishedPorts, type PortWish } from './published-ports.js';
import {
  bridgeOf,
  endpointKey,
  endpointOfRow,
  firstAddress,
  isPredefined,
  networkOfRow,
  PREDEFINED,
  type BridgeRecord,
  type EndpointRecord,
  type NetworkRecord,
  type Pool,
  type PublishedPort,
} from './record.js';

/** The name of a network, or `container:ID`. */
export type NetworkMode = string;

/** A network that a container is to be on. */
export interface Place {
  network: string;
  wish?: EndpointWish;
}

export interface NetworksOptions {
  store: Pick<Store, 'rows' | 'commit'>;
  helper: Pick<Helper, 'bridge' | 'bridgeRemove' | 'nft' | 'endpoint' | 'endpointRemove' | 'routes' | 'companion'>;
  /** Where the forwarder has its socket. */
  runDir: string;
  rootless: boolean;
  events?: Pick<Events, 'publish'>;
  /** This machine's routes; for tests. */
  routes?: () => Promise<Route[]>;
}

const NO_BRIDGE_WARNING =
  'Started by an ordinary user, this engine has no bridge network: the container gets --network none. Use --network host to reach the network.';

const log = createLog('networks');

/** Networks, the endpoints of containers on them, and their addresses. */
export class Networks {
  readonly #store: NetworksOptions['store'];
  readonly #helper: NetworksOptions['helper'];
  readonly #wires: Wires;
  readonly #events: NetworksOptions['events'];
  readonly #ports: PublishedPorts;
  readonly #names: Names;
  readonly #rootless: boolean;
  /** By name. */
  readonly #networks: Map<string, NetworkRecord>;
  readonly #endpoints = new Map<string, EndpointRecord>();
  /** One network is made or removed at a time, so that two do not get the same name or subnet. */
  #making: Promise<unknown> = Promise.resolve();
  /** The tables of the store that are this room's. */
  static readonly tables = ['networks', 'endpoints'];

  static async open(options: NetworksOptions): Promise<Networks> {
    const networks = new Networks(options);
    await networks.#settle();
    return networks;
  }

  private constructor({ store, helper, events, routes, rootless, runDir }: NetworksOptions) {
    this.#store = store;
    this.#helper = helper;
    this.#events = events;
    this.#rootless = rootless;
    this.#wires = new Wires(helper, routes);
    const nameOf = (container: string) => this.#endpointsOf(container)[0]?.[1].name;
    this.#ports = new PublishedPorts({ helper, runDir, nameOf });
    this.#names = new Names({ helper, runDir });
    this.#networks = store.rows<NetworkRecord>('networks');
    for (const [key, row] of this.#networks) this.#networks.set(key, networkOfRow(row));
    // Rows of earlier versions are under the container's id alone: they are found there until they are given back.
    for (const [key, row] of store.rows<EndpointRecord>('endpoints')) this.#endpoints.set(key, endpointOfRow(row));
  }

  /** What `--network` means here: Docker's `default` is the bridge, or nothing where there can be none. */
  modeOf(requested: string): { mode: NetworkMode; warning?: string } {
    if (requested.startsWith('container:')) return { mode: requested };
    const usual = requested === '' || requested === 'default' || requested === 'bridge';
    if (usual && !this.#networks.has('bridge')) return { mode: 'none', warning: NO_BRIDGE_WARNING };
    return { mode: usual ? 'bridge' : this.#find(requested).name };
  }

  /** Whether a container may have that place: fixed addresses and aliases are for networks that somebody made. */
  checkPlace({ network, wish = {} }: Place): void {
    const { custom, bridge } = this.#network(network);
    const { ipv4, ipv6, aliases } = wish;
    const given = [ipv4, ipv6].filter((address) => address !== undefined);
    if (aliases?.length && !custom)
      throw invalid('network-scoped alias is supported only for containers in user defined networks');
    if (given.length > 0 && !custom)
      throw invalid('user specified IP address is supported on user defined networks only');
    if (given.length > 0 && !custom?.fixed)
      throw invalid(
        'user specified IP address is supported only when connecting to networks with user configured subnets',
      );
    for (const address of given) givenAddress(address, poolFor(bridge?.pools ?? [], address), new Set());
  }

  /** Reserves a container's places, inside the caller's transaction; what it has already it keeps. */
  allocate(
    change: Change,
    containerId: string,
    { name = '', places = [{ network: 'bridge' }] }: Allocation = {},
  ): void {
    const wanted = new Set(places.map(({ network }) => network));
    for (const [key, endpoint] of this.#endpointsOf(containerId))
      if (!wanted.has(endpoint.network)) this.#drop(change, key, endpoint);
    for (const [key, endpoint] of this.#endpointsOf(containerId))
      if (endpoint.addresses.length > 0) this.#put(change, key, { ...endpoint, veth: newVeth() });
    for (const place of places) this.#take(change, containerId, name, place);
  }

  /** Has `make` wire the container up while it makes its first process; null: it shares this machine's network. */
  async connect<Made>(
    containerId: string,
    make: (network: NetworkRequest | null) => Promise<Made>,
    wishes: PortWish[] = [],
  ): Promise<Made> {
    if (wishes.length > 0) await this.#publish(containerId, wishes);
    const endpoints = this.#endpointsOf(containerId).map(([, endpoint]) => endpoint);
    const bridges = endpoints.flatMap(({ network }) => this.#network(network).bridge ?? []);
    const host = endpoints.some(({ network }) => network === 'host');
    const request = (): NetworkRequest | null =>
      host
        ? null
        : { wires: endpoints.flatMap((endpoint) => this.#wireOf(endpoint)), defaults: this.#routesOf(endpoints) };
    const made = await this.#wires.plug(
      bridges.map((bridge) => this.#linkOf(bridge)),
      () => make(request()),
    );
    for (const endpoint of endpoints) this.#announce('connect', endpoint);
    return made;
  }

  /** Another place for a container that runs: its interface is there when this resolves. The caller wrote nothing down yet. */
  async join(client: NameClient & { name: string }, place: Place, also: (change: Change) => void): Promise<void> {
    const { id, name, pid } = client;
    this.checkPlace(place);
    let endpoint: EndpointRecord | undefined;
    await this.#store.commit((change) => {
      endpoint = this.#take(change, id, name, place);
      also(change);
    });
    if (!endpoint) return;
    const joined = endpoint;
    const { bridge } = this.#network(place.network);
    const [wire] = this.#wireOf(joined);
    if (bridge && wire) {
      await this.#wires.plug([this.#linkOf(bridge)], () => this.#helper.endpoint({ pid, wire }));
      await this.#helper.routes({ pid, defaults: this.#routesOf(this.#endpointsOf(id).map(([, one]) => one)) });
    }
    await this.serveNames(client);
    this.#announce('connect', joined);
  }

  /** Takes a place away from a container that runs. */
  async part({ id, pid }: { id: string; pid: number }, network: string, also: (change: Change) => void): Promise<void> {
    const found = this.#endpointsOf(id).find(([, endpoint]) => endpoint.network === network);
    if (found) {
      const { veth, index } = found[1];
      if (veth === undefined)
        throw conflict('the container was started by an earlier version of Slipway: restart it, then disconnect it');
      await this.#helper.endpointRemove({ pid, ifname: `eth${index}`, veth });
    }
    await this.#store.commit((change) => {
      if (found) this.#drop(change, ...found);
      also(change);
    });
    if (!found) return;
    await this.#helper.routes({ pid, defaults: this.#routesOf(this.#endpointsOf(id).map(([, one]) => one)) });
    const { networks, forward } = this.#viewOf(id);
    await this.#names.update(id, networks, forward);
    this.#announce('disconnect', found[1]);
  }

  /** How inspect shows a container's places, by network; empty where it has none. */
  endpointsOf(containerId: string, name: string, places: Place[]): Record<string, EndpointSettings> {
    const has = this.#endpointsOf(containerId).map(([, endpoint]) => endpoint);
    return Object.fromEntries(
      places.map(({ network, wish }) => {
        const endpoint = has.find((one) => one.network === network);
        const record = this.#networks.get(network);
        const names = record?.custom ? dnsNames(containerId, name, wish?.aliases) : null;
        return [network, endpointSettings(record, endpoint, wish, names)];
      }),
    );
  }

  /** The host ports that lead to a container. */
  portsOf(containerId: string): PublishedPort[] {
    return this.#endpointsOf(containerId).flatMap(([, { ports }]) => ports ?? []);
  }

  /** Has a container that runs be answered at 127.0.0.11, where it is on a network that somebody made. */
  async serveNames(client: NameClient): Promise<void> {
    const { networks, forward } = this.#viewOf(client.id);
    if (networks.length > 0) await this.#names.attach(client, networks, forward);
  }

  /** After a start, once all containers that run have been told of: what an engine before us attached and is no more goes. */
  async settleNames(): Promise<void> {
    await this.#names.settle();
  }

  /** Gives the places back, inside the caller's transaction. Returns how to announce it, once the container's end has been. */
  release(change: Change, containerId: string): () => void {
    const released = this.#endpointsOf(containerId);
    this.#names.detach(containerId);
    for (const [key, endpoint] of released) this.#drop(change, key, endpoint);
    return () => released.forEach(([, endpoint]) => this.#announce('disconnect', endpoint));
  }

  /** A container has another name, inside the caller's transaction. */
  renamed(change: Change, containerId: string, name: string): void {
    for (const [key, endpoint] of this.#endpointsOf(containerId)) {
      this.#put(change, key, { ...endpoint, name });
      this.#notify(endpoint);
    }
  }

  list(filters: Filters = {}): NetworkInspect[] {
    const passes = networkFilter(filters, ({ name }) => this.#on(name).length > 0);
    return [...this.#networks.values()].filter(passes).map((record) => describeNetwork(record, []));
  }

  inspect(reference: string): NetworkInspect {
    const record = this.#find(reference);
    return describeNetwork(record, this.#on(record.name));
  }

  /** A network of one's own. */
  create(body: NetworkCreate): Promise<NetworkCreated> {
    return this.#oneAtATime(async () => {
      const { Name: name = '' } = body;
      checkNetworkName(name);
      if (isPredefined(name) || name === 'default')
        throw forbidden(`operation is not permitted on predefined ${name} network`);
      if (this.#rootless)
        throw unavailable(
          'started by an ordinary user, this engine has no bridge networks: use --network host or none',
        );
      if (this.#networks.has(name)) throw conflict(`network with name ${name} already exists`);
      const taken = this.#subnets();
      const { bridge, custom } = await plannedNetwork(body, {
        taken,
        freeSubnet: () => this.#wires.freeSubnet(undefined, undefined, taken),
        freeName: () => this.#freeName(),
      });
      const record: NetworkRecord = { id: newId(), name, created: new Date().toISOString(), bridge, custom };
      if ([...this.#networks.values()].some((other) => other.bridge?.name === bridge.name))
        throw forbidden(`bridge name ${bridge.name} is used by another network of this engine`);
      try {
        await this.#wires.ensure(bridgeOf(bridge));
        await this.#store.commit((change) => {
          this.#networks.set(name, record);
          change.undo(() => this.#networks.delete(name));
          change.put('networks', name, record);
        });
      } catch (error) {
        // Somebody else's link of that name stays; of ours, why it could not be made is what matters.
        if (!(error instanceof EngineError && error.kind === 'conflict'))
          await this.#wires.remove(bridgeOf(bridge)).catch(() => undefined);
        throw error;
      }
      this.#events?.publish('network', 'create', record.id, { name, type: driverOf(record) });
      return { Id: record.id, Warning: '' };
    });
  }

  remove(reference: string): Promise<void> {
    return this.#oneAtATime(() => this.#remove(this.#find(reference)));
  }

  /** Takes away what somebody made and no running container is on. */
  prune(filters: Filters = {}): Promise<{ NetworksDeleted: string[] | null }> {
    return this.#oneAtATime(async () => {
      const [until] = filters['until'] ?? [];
      const wanted = pruneFilter(filters, until === undefined ? undefined : momentOf(until));
      const unused = [...this.#networks.values()].filter(
        (record) => record.custom && this.#on(record.name).length === 0 && wanted(record),
      );
      for (const record of unused) await this.#remove(record);
      this.#events?.publish('network', 'prune', '', { reclaimed: '0' });
      return { NetworksDeleted: unused.length > 0 ? unused.map(({ name }) => name) : null };
    });
  }

  /** The engine ends. `last`: nobody takes over, so bridges that nothing is left on go too. */
  async close({ last }: { last: boolean }): Promise<void> {
    await this.#making.catch(() => undefined);
    await Promise.all([this.#ports.close({ last }), this.#names.close({ last })]);
    if (!last) return;
    const unused = [...this.#networks.values()].filter(({ name }) => this.#on(name).length === 0);
    await Promise.all(unused.map(({ bridge }) => bridge && this.#wires.remove(bridgeOf(bridge))));
  }

  async #remove(record: NetworkRecord): Promise<void> {
    const { id, name, bridge } = record;
    if (!record.custom) throw forbidden(`${name} is a pre-defined network and cannot be removed`);
    const users = this.#on(name);
    if (users.length > 0) {
      const who = users.map((user) => `name:"${user.name || shortId(user.container)}" id:"${shortId(user.id)}"`);
      throw forbidden(`error while removing network: network ${name} has active endpoints (${who.join(', ')})`);
    }
    await this.#store.commit((change) => {
      this.#networks.delete(name);
      change.undo(() => this.#networks.set(name, record));
      change.remove('networks', name);
    });
    this.#names.forget(id);
    if (bridge) await this.#wires.remove(bridgeOf(bridge));
    this.#events?.publish('network', 'destroy', id, { name, type: driverOf(record) });
  }

  /** Each network has its record; bridges have addresses that are free on this machine as it is today. */
  async #settle(): Promise<void> {
    const before = new Map(this.#networks);
    for (const name of PREDEFINED) {
      if (name === 'bridge' && this.#rootless) this.#networks.delete(name);
      else if (!before.has(name)) {
        this.#networks.set(name, { id: newId(), name, created: new Date().toISOString() });
      }
    }
    const bridge = this.#networks.get('bridge');
    if (bridge) await this.#settleDefault(bridge);
    for (const { bridge: own, custom } of this.#networks.values()) if (own && custom) await this.#settleCustom(own);
    for (const network of this.#networks.keys()) this.#notify({ network });
    await this.#settlePorts();
    await this.#store.commit((change) => {
      for (const [name, record] of this.#networks)
        if (before.get(name) !== record) change.put('networks', name, record);
    });
  }

  async #settleDefault(record: NetworkRecord): Promise<void> {
    const { bridge } = record;
    const used = this.#on('bridge').length > 0;
    const found = bridge ? await this.#wires.adopt(this.#linkOf(bridge)) : 'absent';
    if (bridge && used && found !== 'foreign') return;
    if (used) log.warn(`the bridge ${bridge?.name} is somebody else's now: containers that run are cut off`);
    const ours = found === 'adopted';
    const before = bridge?.pools[0] && parseSubnet(bridge.pools[0].subnet);
    const others = this.#subnets({ except: 'bridge' });
    const subnet = formatSubnet(await this.#wires.freeSubnet(before, ours ? bridge?.name : undefined, others));
    const name = bridge && found !== 'foreign' ? bridge.name : await this.#freeName();
    if (bridge?.name === name && bridge.pools[0]?.subnet === subnet) return;
    if (ours && bridge) await this.#wires.remove(bridgeOf(bridge)); // its addresses would be the old ones
    const pools: Pool[] = [{ subnet, gateway: firstAddress(subnet) }];
    this.#networks.set('bridge', { ...record, bridge: { name, pools } });
  }

  /** What containers run on is made good now, the others' bridges with their first container. */
  async #settleCustom(bridge: NonNullable<NetworkRecord['bridge']>): Promise<void> {
    if ((await this.#wires.adopt(this.#linkOf(bridge))) === 'foreign')
      log.warn(`the bridge ${bridge.name} is somebody else's now: its network cannot be used until it is gone`);
  }

  /** Containers go on, and so do the ports that lead to them; those of containers that are gone do not. */
  async #settlePorts(): Promise<void> {
    const published = [...this.#endpoints.values()].filter(({ ports }) => ports !== undefined);
    if (published.length === 0) return;
    for (const { container, ports = [], name } of published)
      await this.#ports
        .keep(container, ports)
        .catch((error: unknown) => log.warn(`ports of container ${name} are lost: ${messageOf(error)}`));
    await this.#ports.keepOnly(new Set(published.map(({ container }) => container)));
  }

  /** A link name that neither this machine nor a network of ours has. */
  #freeName(): Promise<string> {
    const ours = new Set([...this.#networks.values()].flatMap(({ bridge }) => bridge?.name ?? []));
    return this.#wires.freeName(ours);
  }

  #subnets({ except }: { except?: string } = {}): Subnet[] {
    return [...this.#networks.values()]
      .filter(({ name }) => name !== except)
      .flatMap(({ bridge }) => bridge?.pools ?? [])
      .map(({ subnet }) => parseSubnet(subnet));
  }

  #oneAtATime<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#making.then(work, work);
    this.#making = done.catch(() => undefined);
    return done;
  }

  /** A container's endpoints, in the order of their interfaces. */
  #endpointsOf(containerId: string): [string, EndpointRecord][] {
    return [...this.#endpoints]
      .filter(([, { container }]) => container === containerId)
      .sort(([, a], [, b]) => a.index - b.index);
  }

  #on(network: string): EndpointRecord[] {
    return [...this.#endpoints.values()].filter((endpoint) => endpoint.network === network);
  }

  /** What is there already for the same wish stays. */
  #take(change: Change, container: string, name: string, { network, wish = {} }: Place): EndpointRecord | undefined {
    const own = this.#endpointsOf(container).map(([, endpoint]) => endpoint);
    if (own.some((endpoint) => endpoint.network === network)) return undefined;
    const { bridge } = this.#network(network);
    const taken = new Set(this.#on(network).flatMap(({ addresses }) => addresses));
    const addresses = (bridge?.pools ?? []).map((pool) => {
      const given = parseSubnet(pool.subnet).family === 4 ? wish.ipv4 : wish.ipv6;
      return given === undefined ? freeAddress(pool, taken) : givenAddress(given, pool, taken);
    });
    const used = new Set(own.map(({ index }) => index));
    let index = 0;
    while (used.has(index)) index++;
    const endpoint: EndpointRecord = {
      ...{ id: newId(), network, container, name, addresses, index },
      ...(bridge && { veth: newVeth() }),
      ...(wish.mac !== undefined && { mac: wish.mac }),
      ...(wish.aliases?.length && { aliases: wish.aliases }),
      ...(wish.priority && { priority: wish.priority }),
    };
    this.#put(change, endpointKey(endpoint), endpoint);
    this.#notify(endpoint);
    return endpoint;
  }

  #put(change: Change, key: string, endpoint: EndpointRecord): void {
    const before = this.#endpoints.get(key);
    this.#endpoints.set(key, endpoint);
    change.undo(() => {
      if (before) this.#endpoints.set(key, before);
      else this.#endpoints.delete(key);
      this.#notify(endpoint);
    });
    change.put('endpoints', key, endpoint);
  }

  #drop(change: Change, key: string, endpoint: EndpointRecord): void {
    const { ports, container, network } = endpoint;
    this.#endpoints.delete(key);
    change.undo(() => {
      this.#endpoints.set(key, endpoint);
      this.#notify(endpoint);
    });
    if (ports) {
      this.#ports.release(container);
      this.#renewRules(network);
    }
    change.remove('endpoints', key);
    this.#notify(endpoint);
  }

  /** Takes the host ports, on the network with the way out. A container between two runs keeps those it has. */
  async #publish(containerId: string, wishes: PortWish[]): Promise<void> {
    const endpoints = this.#endpointsOf(containerId).map(([, endpoint]) => endpoint);
    const [outward] = this.#ranked(endpoints);
    if (!outward) return;
    const addressOf = (family: 4 | 6): string =>
      outward.addresses.find((address) => parseAddress(address).family === family) ?? '';
    const key = this.#endpointsOf(containerId).find(([, { id }]) => id === outward.id)?.[0];
    if (key === undefined) return;
    if (outward.ports) return this.#ports.keep(containerId, outward.ports);
    const ports = await this.#ports.hold(containerId, wishes, { ipv4: addressOf(4), ipv6: addressOf(6) });
    try {
      await this.#store.commit((change) => this.#put(change, key, { ...outward, ports }));
    } catch (error) {
      this.#ports.release(containerId);
      throw error;
    }
  }

  #renewRules(network: string): void {
    const { bridge } = this.#network(network);
    if (!bridge) return;
    this.#wires
      .ensure(this.#linkOf(bridge))
      .catch((error: unknown) => log.warn(`the rules of ${bridge.name} could not be renewed: ${messageOf(error)}`));
  }

  /** A bridge with what leads to who is on it. */
  #linkOf(bridge: BridgeRecord): Bridge {
    const on = [...this.#endpoints.values()].filter(({ network }) => this.#networks.get(network)?.bridge === bridge);
    return bridgeOf(
      bridge,
      on.flatMap(({ ports }) => ports ?? []),
    );
  }

  #notify({ network }: Pick<EndpointRecord, 'network'>): void {
    const record = this.#networks.get(network);
    if (!record?.custom) return;
    this.#names.set(record, this.#on(network), ({ container, name, aliases }) => dnsNames(container, name, aliases));
  }

  /** The networks that a container is asked about, and whether questions may leave this machine. */
  #viewOf(container: string): { networks: string[]; forward: boolean } {
    const endpoints = this.#endpointsOf(container).map(([, endpoint]) => endpoint);
    const custom = endpoints.map(({ network }) => this.#network(network)).filter((record) => record.custom);
    return { networks: custom.map(({ id }) => id), forward: this.#ranked(endpoints).length > 0 };
  }

  #wireOf(endpoint: EndpointRecord): Wire[] {
    const { bridge } = this.#network(endpoint.network);
    if (!bridge) return [];
    const addresses = endpoint.addresses.map(
      (address) => `${address}/${parseSubnet(poolFor(bridge.pools, address).subnet).prefix}`,
    );
    const mac = macOfEndpoint(endpoint);
    const { index, veth = newVeth() } = endpoint;
    const isolated = bridge.icc === false;
    const end = { kind: 'bridge', parent: bridge.name, ifname: `eth${index}`, addresses, mac, veth } as const;
    // Its own published port leads back to it.
    return [{ ...end, ...(isolated && { isolated }), ...(endpoint.ports && { hairpin: true }) }];
  }

  /** For each family the gateway of the highest priority, of equals the first by name. */
  #routesOf(endpoints: EndpointRecord[]): DefaultRoute[] {
    return ([4, 6] as const).flatMap((family) => {
      for (const { network, addresses, index } of this.#ranked(endpoints)) {
        const { bridge } = this.#network(network);
        if (!bridge) continue;
        const address = addresses.find((one) => parseAddress(one).family === family);
        if (address === undefined) continue;
        return [{ gateway: poolFor(bridge.pools, address).gateway, ifname: `eth${index}` }];
      }
      return [];
    });
  }

  /** Those with a way out, the preferred one first. */
  #ranked(endpoints: EndpointRecord[]): EndpointRecord[] {
    return endpoints
      .filter(({ network }) => this.#network(network).bridge?.internal === undefined && this.#network(network).bridge)
      .sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0) || (a.network < b.network ? -1 : 1));
  }

  #network(name: string): NetworkRecord {
    const record = this.#networks.get(name);
    if (!record) throw notFound(`network ${name} not found`);
    return record;
  }

  /** By full id, name, or the beginning of an id that only one has. */
  #find(reference: string): NetworkRecord {
    const records = [...this.#networks.values()];
    const exact = records.find(({ id }) => id === reference) ?? this.#networks.get(reference);
    if (exact) return exact;
    const matching = reference === '' ? [] : records.filter(({ id }) => id.startsWith(reference));
    if (matching.length > 1) {
      throw invalid(`network ${reference} is ambiguous (${matching.length} matches found on ID prefix)`);
    }
    if (!matching[0]) throw notFound(`network ${reference} not found`);
    return matching[0];
  }

  #announce(action: 'connect' | 'disconnect', { network, container }: EndpointRecord): void {
    const record = this.#networks.get(network);
    if (!record) return;
    this.#events?.publish('network', action, record.id, { container, name: network, type: driverOf(record) });
  }
}

/** A container's places, and what it is called there. */
export interface Allocation {
  name?: string;
  places?: Place[];
}

/** Those under which others find a container. */
const dnsNames = (id: string, name: string, aliases: string[] = []): string[] => [
  ...new Set([name, ...aliases, shortId(id)].filter((one) => one !== '')),
];

/** The pool of an address's family. */
function poolFor(pools: Pool[], address: string): Pool {
  const { family } = parseAddress(address);
  const pool = pools.find(({ subnet }) => parseSubnet(subnet).family === family);
  if (!pool) throw invalid(`no configured subnet contains IP address ${address}: the network has no IPv${family}`);
  return pool;
}
