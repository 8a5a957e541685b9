import { open } from 'node:fs/promises';
import { conflict, forbidden, system } from '../../base/errors.js';
import type { NetworkConnect, NetworkDisconnect } from '../../contract/networks.js';
import type { Container } from './container.js';
import { TABLE, type Ledger } from './ledger.js';
import { resolvConfFor } from './network-files.js';
import { checkCombination, endpointWish, placesOf } from './places-on-networks.js';
import type { ContainerRecord, Endpoints } from './record.js';
import type { ContainersOptions } from './rooms.js';
import { sharedContainer } from './spec.js';

/** Puts containers on networks and takes them off, while they run or not. */
export class Connections {
  readonly #networks: ContainersOptions['networks'];
  readonly #ledger: Ledger;

  constructor({ networks }: Pick<ContainersOptions, 'networks'>, ledger: Ledger) {
    this.#networks = networks;
    this.#ledger = ledger;
  }

  async connect(reference: string, { Container: name, EndpointConfig }: NetworkConnect): Promise<void> {
    const container = this.#ledger.find(name);
    const { mode: network } = this.#networks.modeOf(reference);
    const wish = endpointWish(network, EndpointConfig);
    using _ = await this.#ledger.lock(container);
    const { record, live } = container;
    this.#refuseRemoved(container);
    const endpoints = endpointsOf(record);
    checkCombination(Object.keys(endpoints), network);
    if (network in endpoints) throw forbidden(`endpoint with name ${record.name} already exists in network ${network}`);
    const place = { network, wish };
    this.#networks.checkPlace(place);
    const after = { ...endpoints, [network]: wish };
    if (!live) await this.#ledger.save(container, { endpoints: after });
    else {
      const save = this.#write(record, after);
      try {
        const servers = record.hostConfig.Dns ?? [];
        await this.#networks.join({ id: container.id, name: record.name, pid: live.pid, servers }, place, save);
        await this.#askNames(container);
      } catch (error) {
        // Nothing of a place that could not be made is kept.
        const back = this.#write(record, record.endpoints);
        await this.#networks.part({ id: container.id, pid: live.pid }, network, back).catch(() => undefined);
        throw error;
      }
    }
    record.endpoints = after;
  }

  async disconnect(reference: string, { Container: name }: NetworkDisconnect): Promise<void> {
    const { mode: network } = this.#networks.modeOf(reference);
    const container = this.#ledger.find(name);
    using _ = await this.#ledger.lock(container);
    const { record, live } = container;
    this.#refuseRemoved(container);
    const { [network]: gone, ...after } = endpointsOf(record);
    if (network === 'host')
      throw conflict('container cannot be disconnected from host network or connected to host network');
    if (gone === undefined) throw system(`container ${container.id} is not connected to network ${network}`);
    if (live) await this.#networks.part({ id: container.id, pid: live.pid }, network, this.#write(record, after));
    else await this.#ledger.save(container, { endpoints: after });
    record.endpoints = after;
  }

  /** From its first network with names on a container asks at 127.0.0.11, unless somebody wrote its resolv.conf anew. */
  async #askNames(container: Container): Promise<void> {
    const { hostConfig, network: mode } = container.record;
    const list = (key: string): string[] => (hostConfig[key] as string[] | null) ?? [];
    const wish = { mode, dns: list('Dns'), dnsSearch: list('DnsSearch'), dnsOptions: list('DnsOptions') };
    const [before, after] = await Promise.all([
      resolvConfFor({ ...wish, names: false }),
      resolvConfFor({ ...wish, names: true }),
    ]);
    const { resolvConf } = this.#ledger.pathsOf(container.id);
    // In place: the file is mounted in the container, where another of its name would not be seen.
    await using file = await open(resolvConf, 'r+');
    if ((await file.readFile('utf8')) !== before) return;
    await file.truncate();
    await file.write(after, 0);
  }

  #write(record: ContainerRecord, endpoints: Endpoints | undefined) {
    return (change: Parameters<Parameters<ContainersOptions['store']['commit']>[0]>[0]) =>
      change.put(TABLE, record.id, { ...record, endpoints });
  }

  #refuseRemoved({ record, removal, dead }: Container): void {
    if (removal || dead)
      throw conflict(
        `container ${record.name} is marked for removal and cannot be connected or disconnected to a network`,
      );
    if (sharedContainer(record.network) !== undefined)
      throw conflict(
        'container sharing network namespace with another container or host cannot be connected to any other network',
      );
  }
}

const endpointsOf = (record: ContainerRecord): Endpoints =>
  Object.fromEntries(placesOf(record).map(({ network, wish = {} }) => [network, wish]));
