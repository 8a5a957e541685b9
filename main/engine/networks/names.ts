import { messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { Helper } from '../helper/index.js';
import { HostResolver, Resolver, type NetworkNames } from '../resolver/index.js';
import type { EndpointRecord } from './record.js';

/** A container that asks for names at 127.0.0.11. */
export interface NameClient {
  id: string;
  pid: number;
  /** Servers of its own (`--dns`). */
  servers: string[];
}

const log = createLog('networks');

/** What containers are called on the networks that people made, told to the resolver inside each of them. */
export class Names {
  readonly #resolver: Promise<Resolver>;
  readonly #clients = new Map<string, NameClient>();
  #host: Promise<HostResolver> | undefined;

  constructor(options: { helper: Pick<Helper, 'companion'>; runDir: string }) {
    this.#resolver = Resolver.open(options);
  }

  /** Whether a container has been attached. */
  has(container: string): boolean {
    return this.#clients.has(container);
  }

  /** Those on a network are these from now on. */
  set(
    network: { id: string; name: string },
    endpoints: EndpointRecord[],
    namesOf: (endpoint: EndpointRecord) => string[],
  ): void {
    const table: NetworkNames = { names: {}, reverse: {} };
    for (const endpoint of endpoints) {
      const names = namesOf(endpoint).map((name) => name.toLowerCase());
      for (const name of [...names, ...names.map((each) => `${each}.${network.name.toLowerCase()}`)])
        (table.names[name] ??= []).push(...endpoint.addresses);
      for (const address of endpoint.addresses) table.reverse[address] = `${names[0]}.${network.name}`;
    }
    this.#tell((resolver) => resolver.setNetwork(network.id, table));
  }

  forget(network: string): void {
    this.#tell((resolver) => resolver.removeNetwork(network));
  }

  /** Answers a container, or does so otherwise than before. `networks`: ids. `forward`: it has a way out. */
  async attach(client: NameClient, networks: string[], forward: boolean): Promise<void> {
    const resolver = await this.#resolver;
    await (this.#host ??= this.#follow(resolver));
    this.#clients.set(client.id, client);
    const servers = client.servers.length > 0 ? client.servers : null;
    await resolver.attach(client.id, client.pid, { networks, own: {}, servers, forward });
  }

  /** The same for one that is attached. */
  async update(container: string, networks: string[], forward: boolean): Promise<void> {
    const client = this.#clients.get(container);
    if (client) await this.attach(client, networks, forward);
  }

  detach(container: string): void {
    if (this.#clients.delete(container)) this.#tell((resolver) => resolver.detach(container));
  }

  /** What an engine before us attached and is no more goes. */
  async settle(): Promise<void> {
    await (await this.#resolver).keepOnly(new Set(this.#clients.keys()));
  }

  async close({ last }: { last: boolean }): Promise<void> {
    (await this.#host?.catch(() => undefined))?.close();
    await (await this.#resolver).close({ last });
  }

  /** This machine's own servers are followed wherever it goes. */
  async #follow(resolver: Resolver): Promise<HostResolver> {
    const host = await HostResolver.open((servers) => this.#tell(() => resolver.setUpstream(servers)));
    await resolver.setUpstream(host.servers());
    return host;
  }

  #tell(what: (resolver: Resolver) => Promise<void>): void {
    void this.#resolver
      .then(what)
      .catch((error: unknown) =>
        log.warn(`the names of containers could not be brought up to date: ${messageOf(error)}`),
      );
  }
}
