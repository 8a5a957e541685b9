import { invalid, notFound, unavailable } from '../../base/errors.js';
import { newId, shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { Change, Store } from '../../base/store.js';
import type { EndpointSettings } from '../../contract/containers.js';
import type { Filters } from '../../contract/filters.js';
import type { NetworkInspect } from '../../contract/networks.js';
import type { Events } from '../events/index.js';
import type { Helper, NetworkRequest } from '../helper/index.js';
import {
  formatAddress,
  formatSubnet,
  newVeth,
  nth,
  parseAddress,
  parseSubnet,
  sizeOf,
  Wires,
  type Bridge,
  type Route,
} from '../wires/index.js';
import {
  endpointOfRow,
  networkOfRow,
  type EndpointRecord,
  type NetworkRecord,
  type PredefinedNetwork,
} from './record.js';

export type NetworkMode = PredefinedNetwork | `container:${string}`;

export interface NetworksOptions {
  store: Pick<Store, 'rows' | 'commit'>;
  helper: Pick<Helper, 'bridge' | 'bridgeRemove' | 'nft'>;
  rootless: boolean;
  events?: Pick<Events, 'publish'>;
  /** This machine's routes; for tests. */
  routes?: () => Promise<Route[]>;
}

const DRIVERS: Record<PredefinedNetwork, string> = { bridge: 'bridge', host: 'host', none: 'null' };

const NO_BRIDGE_WARNING =
  'Started by an ordinary user, this engine has no bridge network: the container gets --network none. Use --network host to reach the network.';

const log = createLog('networks');

/** Networks, the endpoints of containers on them, and their addresses. For now the three that every engine has. */
export class Networks {
  readonly #store: NetworksOptions['store'];
  readonly #wires: Wires;
  readonly #events: NetworksOptions['events'];
  readonly #networks: Map<string, NetworkRecord>;
  /** By container: for now each is on one network. */
  readonly #endpoints: Map<string, EndpointRecord>;

  /** The tables of the store that are this room's. */
  static readonly tables = ['networks', 'endpoints'];

  static async open(options: NetworksOptions): Promise<Networks> {
    const networks = new Networks(options);
    await networks.#settle(options.rootless);
    return networks;
  }

  private constructor({ store, helper, events, routes }: NetworksOptions) {
    this.#store = store;
    this.#events = events;
    this.#wires = new Wires(helper, routes);
    this.#networks = store.rows<NetworkRecord>('networks');
    this.#endpoints = store.rows<EndpointRecord>('endpoints');
    for (const [key, row] of this.#networks) this.#networks.set(key, networkOfRow(row));
    for (const [key, row] of this.#endpoints) this.#endpoints.set(key, endpointOfRow(row));
  }

  /** What `--network` means here: Docker's `default` is the bridge, or nothing where there can be none. */
  modeOf(requested: string): { mode: NetworkMode; warning?: string } {
    if (requested.startsWith('container:')) return { mode: requested as NetworkMode };
    const usual = requested === '' || requested === 'default' || requested === 'bridge';
    if (usual && !this.#networks.has('bridge')) return { mode: 'none', warning: NO_BRIDGE_WARNING };
    return { mode: usual ? 'bridge' : this.#find(requested).name };
  }

  /** Reserves a container's place, inside the caller's transaction; what it has already it keeps. */
  allocate(
    change: Change,
    containerId: string,
    { network = 'bridge', name = '' }: { network?: PredefinedNetwork; name?: string } = {},
  ): EndpointRecord {
    const before = this.#endpoints.get(containerId);
    if (before?.network === network) return before;
    const { bridge } = this.#network(network);
    const endpoint: EndpointRecord = {
      id: newId(),
      network,
      container: containerId,
      name,
      ...(bridge && { address: this.#freeAddress(bridge) }),
    };
    this.#endpoints.set(containerId, endpoint);
    change.undo(() => (before ? this.#endpoints.set(containerId, before) : this.#endpoints.delete(containerId)));
    change.put('endpoints', containerId, endpoint);
    return endpoint;
  }

  /** Has `make` wire the container up while it makes its first process; null: it shares this machine's network. */
  async connect<Made>(containerId: string, make: (network: NetworkRequest | null) => Promise<Made>): Promise<Made> {
    const endpoint = this.#endpoints.get(containerId);
    const made = await this.#plug(endpoint, make);
    if (endpoint) this.#announce('connect', endpoint);
    return made;
  }

  #plug<Made>(
    endpoint: EndpointRecord | undefined,
    make: (network: NetworkRequest | null) => Promise<Made>,
  ): Promise<Made> {
    if (endpoint?.address === undefined) return make(endpoint?.network === 'host' ? null : { wires: [], defaults: [] });
    const { bridge } = this.#network('bridge');
    if (!bridge) throw unavailable('this engine has no bridge network');
    const { IPAddress, IPPrefixLen, Gateway, MacAddress } = this.endpointOf(endpoint.container);
    const addresses = [`${IPAddress}/${IPPrefixLen}`];
    const end = { kind: 'bridge', parent: bridge.name, ifname: 'eth0', addresses, mac: MacAddress } as const;
    const defaults = [{ gateway: Gateway, ifname: 'eth0' }];
    return this.#wires.plug([bridgeOf(bridge)], () => make({ wires: [{ ...end, veth: newVeth() }], defaults }));
  }

  /** How inspect shows the container's place; empty where it has none. */
  endpointOf(containerId: string, network: PredefinedNetwork = 'bridge'): EndpointSettings {
    const endpoint = this.#endpoints.get(containerId);
    const { id = '', bridge } = this.#networks.get(endpoint?.network ?? network) ?? {};
    const address = bridge && endpoint?.address;
    return {
      IPAMConfig: null,
      NetworkID: id,
      EndpointID: endpoint?.id ?? '',
      Gateway: address ? gatewayOf(bridge) : '',
      IPAddress: address || '',
      IPPrefixLen: address ? parseSubnet(bridge.subnet).prefix : 0,
      IPv6Gateway: '',
      GlobalIPv6Address: '',
      GlobalIPv6PrefixLen: 0,
      MacAddress: address ? macOf(address) : '',
      Aliases: null,
      Links: null,
      DriverOpts: null,
    };
  }

  /** Gives the place back, inside the caller's transaction. Returns how to announce it, once the container's end has been. */
  release(change: Change, containerId: string): () => void {
    const endpoint = this.#endpoints.get(containerId);
    if (!endpoint) return () => undefined;
    this.#endpoints.delete(containerId);
    change.undo(() => this.#endpoints.set(containerId, endpoint));
    change.remove('endpoints', containerId);
    return () => this.#announce('disconnect', endpoint);
  }

  /** The filters are Docker's: `id`, `name` (parts of them), `driver`, `scope`, `type`, `dangling`, `label`. */
  list(filters: Filters = {}): NetworkInspect[] {
    for (const type of filters['type'] ?? [])
      if (type !== 'builtin' && type !== 'custom') throw invalid(`invalid filter: 'type'='${type}'`);
    const passes: Record<string, (record: NetworkRecord, value: string) => boolean> = {
      id: ({ id }, value) => id.includes(value),
      name: ({ name }, value) => name.includes(value),
      driver: ({ name }, value) => DRIVERS[name] === value,
      scope: (_, value) => value === 'local',
      type: (_, value) => value === 'builtin',
      dangling: (_, value) => !/^(1|true)$/i.test(value), // what every engine has is never left over
      label: () => false,
    };
    return [...this.#networks.values()]
      .filter((record) =>
        Object.entries(filters).every(
          ([key, values]) => values.length === 0 || values.some((value) => passes[key]?.(record, value) ?? true),
        ),
      )
      .map((record) => this.#describe(record, []));
  }

  /** Takes away what nobody uses, but for those that every engine has: for now that is all of them. */
  prune(): { NetworksDeleted: string[] | null } {
    this.#events?.publish('network', 'prune', '', { reclaimed: '0' });
    return { NetworksDeleted: null };
  }

  inspect(reference: string): NetworkInspect {
    const record = this.#find(reference);
    const endpoints = [...this.#endpoints.values()].filter(({ network }) => network === record.name);
    return this.#describe(record, endpoints);
  }

  /** The engine ends. `last`: nobody takes over, so a bridge that nothing is left on goes too. */
  async close({ last }: { last: boolean }): Promise<void> {
    const bridge = this.#networks.get('bridge')?.bridge;
    const used = [...this.#endpoints.values()].some(({ network }) => network === 'bridge');
    if (last && bridge && !used) await this.#wires.remove(bridgeOf(bridge));
  }

  /** Each network has its record; the bridge has addresses that are free on this machine as it is today. */
  async #settle(rootless: boolean): Promise<void> {
    const before = new Map(this.#networks);
    for (const name of ['bridge', 'host', 'none'] as const) {
      if (name === 'bridge' && rootless) this.#networks.delete(name);
      else if (!before.has(name)) {
        this.#networks.set(name, { id: newId(), name, created: new Date().toISOString() });
      }
    }
    const bridge = this.#networks.get('bridge');
    if (bridge) await this.#settleBridge(bridge);
    await this.#store.commit((change) => {
      for (const [name, record] of this.#networks)
        if (before.get(name) !== record) change.put('networks', name, record);
    });
  }

  async #settleBridge(record: NetworkRecord): Promise<void> {
    const { bridge } = record;
    const used = [...this.#endpoints.values()].some(({ network }) => network === 'bridge');
    const found = bridge ? await this.#wires.adopt(bridgeOf(bridge)) : 'absent';
    if (bridge && used && found !== 'foreign') return;
    if (used) log.warn(`the bridge ${bridge?.name} is somebody else's now: containers that run are cut off`);
    const ours = found === 'adopted';
    const before = bridge && parseSubnet(bridge.subnet);
    const subnet = formatSubnet(await this.#wires.freeSubnet(before, ours ? bridge?.name : undefined));
    const name = bridge && found !== 'foreign' ? bridge.name : await this.#wires.freeName();
    if (bridge?.name === name && bridge.subnet === subnet) return;
    if (ours && bridge) await this.#wires.remove(bridgeOf(bridge)); // its addresses would be the old ones
    this.#networks.set('bridge', { ...record, bridge: { name, subnet } });
  }

  /** The lowest that nobody has; the first is the gateway's. */
  #freeAddress({ subnet }: NonNullable<NetworkRecord['bridge']>): string {
    const taken = new Set([...this.#endpoints.values()].map(({ address }) => address));
    const range = parseSubnet(subnet);
    for (let index = 2n; index <= sizeOf(range) - 2n; index++) {
      const address = formatAddress(nth(range, index));
      if (!taken.has(address)) return address;
    }
    throw unavailable(`no address is left in ${subnet}: stop a container to free one`);
  }

  #network(name: PredefinedNetwork): NetworkRecord {
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
    const { id, name } = this.#network(network);
    this.#events?.publish('network', action, id, { container, name, type: DRIVERS[name] });
  }

  #describe({ id, name, created, bridge }: NetworkRecord, endpoints: EndpointRecord[]): NetworkInspect {
    return {
      Name: name,
      Id: id,
      Created: created,
      Scope: 'local',
      Driver: DRIVERS[name],
      EnableIPv6: false,
      IPAM: {
        Driver: 'default',
        Options: null,
        Config: bridge ? [{ Subnet: bridge.subnet, Gateway: gatewayOf(bridge) }] : [],
      },
      Internal: false,
      Attachable: false,
      Ingress: false,
      ConfigFrom: { Network: '' },
      ConfigOnly: false,
      Containers: Object.fromEntries(
        endpoints.map((endpoint) => {
          const { IPAddress, IPPrefixLen, MacAddress } = this.endpointOf(endpoint.container);
          return [
            endpoint.container,
            {
              Name: endpoint.name || shortId(endpoint.container),
              EndpointID: endpoint.id,
              MacAddress,
              IPv4Address: IPAddress && `${IPAddress}/${IPPrefixLen}`,
              IPv6Address: '',
            },
          ];
        }),
      ),
      Options: bridge
        ? {
            'com.docker.network.bridge.default_bridge': 'true',
            'com.docker.network.bridge.enable_icc': 'true',
            'com.docker.network.bridge.enable_ip_masquerade': 'true',
            'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
            'com.docker.network.bridge.name': bridge.name,
            'com.docker.network.driver.mtu': '1500',
          }
        : {},
      Labels: {},
    };
  }
}

const gatewayOf = ({ subnet }: NonNullable<NetworkRecord['bridge']>): string =>
  formatAddress(nth(parseSubnet(subnet), 1));

const bridgeOf = (bridge: NonNullable<NetworkRecord['bridge']>): Bridge => ({
  name: bridge.name,
  addresses: [`${gatewayOf(bridge)}/${parseSubnet(bridge.subnet).prefix}`],
});

/** As Docker makes it: from the address, so that neighbours need not learn anew when it is given out again. */
const macOf = (address: string): string =>
  `0242${parseAddress(address).value.toString(16).padStart(8, '0')}`.replace(/..(?!$)/g, '$&:');
