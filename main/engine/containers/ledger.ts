import type { Change } from '../../base/store.js';
import { Locks } from '../../base/locks.js';
import { conflict, invalid, notFound } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import type { EndpointSettings } from '../../contract/containers.js';
import { Container } from './container.js';
import { History, type HistoryNote } from './history.js';
import { inventName } from './names.js';
import { containerPaths, type ContainerPaths } from './paths.js';
import type { ContainerRecord } from './record.js';
import { placesOf } from './places-on-networks.js';
import type { ContainersOptions, PublishedPort } from './rooms.js';

/** The table of the store that is this room's. */
export const TABLE = 'containers';
const NAME_ATTEMPTS = 6;

/** Which containers there are: found, named, written down and spoken of in one place. */
export class Ledger {
  /** One thing at a time happens to a container. */
  readonly locks = new Locks();
  readonly history: History;
  readonly #options: Pick<ContainersOptions, 'root' | 'runDir' | 'store' | 'events' | 'networks'>;
  readonly #containers = new Map<string, Container>();
  /** Name to id; a name is taken from the moment somebody tries to have it. */
  readonly #names = new Map<string, string>();

  constructor(options: Pick<ContainersOptions, 'root' | 'runDir' | 'store' | 'events' | 'networks'>) {
    this.#options = options;
    this.history = new History(options.store);
    for (const record of options.store.rows<ContainerRecord>(TABLE).values()) {
      this.add(new Container(record));
      this.#names.set(record.name, record.id);
    }
  }

  all(): Container[] {
    return [...this.#containers.values()];
  }

  get(id: string): Container | undefined {
    return this.#containers.get(id);
  }

  /** By full id, by name, by an unambiguous beginning of an id: in this order. */
  find(reference: string): Container {
    const name = reference.replace(/^\//, '');
    const exact = this.#containers.get(reference) ?? this.#containers.get(this.#names.get(name) ?? '');
    if (exact) return exact;
    if (/^[0-9a-f]{1,64}$/.test(reference)) {
      const matches = this.all().filter(({ id }) => id.startsWith(reference));
      if (matches.length === 1) return matches[0] as Container;
      if (matches.length > 1) throw invalid(`multiple IDs found with provided prefix: ${reference}`);
    }
    throw notFound(`No such container: ${reference}`);
  }

  add(container: Container): void {
    this.#containers.set(container.id, container);
  }

  /** It is gone, and its name free. */
  drop({ id, record }: Container): void {
    this.#containers.delete(id);
    this.#names.delete(record.name);
    if (record.trial?.name !== undefined) this.#names.delete(record.trial.name);
  }

  /** Takes a name for a container, before its row is written; without a wish, one is invented. */
  takeName(id: string, wanted?: string): string {
    let name = wanted;
    for (let attempt = 0; !name && attempt < NAME_ATTEMPTS; attempt++) {
      const invented = inventName();
      if (!this.#names.has(invented)) name = invented;
    }
    name ??= shortId(id);
    this.checkFree(name);
    this.#names.set(name, id);
    return name;
  }

  /** In Docker's words. */
  checkFree(name: string): void {
    const holder = this.#names.get(name);
    if (holder === undefined) return;
    throw conflict(
      `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
  }

  freeName(name: string): void {
    this.#names.delete(name);
  }

  /** Who has a name. */
  holderOf(name: string): Container | undefined {
    return this.#containers.get(this.#names.get(name) ?? '');
  }

  pathsOf(id: string): ContainerPaths {
    return containerPaths(this.#options.root, this.#options.runDir, id);
  }

  /** Its places on networks, by name. */
  endpointsOf({ id, record }: Container): Record<string, EndpointSettings> {
    return this.#options.networks.endpointsOf(id, record.name, placesOf(record));
  }

  /** Host ports that lead to it. */
  portsOf({ id }: Container): PublishedPort[] {
    return this.#options.networks.portsOf(id);
  }

  /** The lock of a container that is there: while somebody waited for it, it may have been removed. */
  async lock(container: Container): Promise<Disposable> {
    const lock = await this.locks.take(container.id);
    if (this.#containers.get(container.id) === container) return lock;
    lock[Symbol.dispose]();
    throw notFound(`No such container: ${container.id}`);
  }

  /** `ahead`: what is about to become true, and must be known should we not live to see it. `also`: what goes along in the transaction. */
  async save(
    { id, record }: Container,
    ahead: Partial<ContainerRecord> = {},
    also: (change: Change) => void = () => undefined,
  ): Promise<void> {
    await this.#options.store.commit((change) => {
      change.put(TABLE, id, { ...record, ...ahead });
      this.history.write(change, id);
      also(change);
    });
  }

  /** The same, with an entry in its history. */
  async saveTold(container: Container, ahead: Partial<ContainerRecord>, what: HistoryNote): Promise<void> {
    await this.save(container, ahead, (change) => this.history.put(change, container.id, what));
  }

  /** That somebody wants it to end is known whatever happens, on a full disk too. */
  async saveStopped({ id, record }: Container): Promise<void> {
    await this.#options.store.commit((change) => {
      change.urgent();
      change.put(TABLE, id, record);
    });
  }

  /** Writes a record whose container runs no more, and gives back what its run had. Returns how to announce that. */
  async saveEnded(container: Container, also?: (change: Change) => void): Promise<() => void> {
    let announce = (): void => undefined;
    await this.save(container, {}, (change) => {
      // Between the two runs of a change its place is kept.
      if (!container.record.trial) announce = this.#options.networks.release(change, container.id);
      also?.(change);
    });
    return announce;
  }

  /** Labels, image and name go along; a label cannot pass for one of the others. */
  publish({ id, record }: Container, action: string, attributes: Record<string, string> = {}): void {
    const { config, image, name } = record;
    const about = { ...attributes, ...config.Labels, image: image.reference, name };
    this.#options.events.publish('container', action, id, about);
  }
}
