import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { Companion, type Ask, type Helper } from '../helper/index.js';
import type { HostServer } from './host-resolver.js';

/** What containers are called on a network (in lower case), and which name an address has. */
export interface NetworkNames {
  names: Record<string, string[]>;
  reverse: Record<string, string>;
}

/** What one container sees. */
export interface ResolverView {
  /** Ids of its networks, in the order they are asked. */
  networks: string[];
  /** Names that it alone has, asked before all others. */
  own: Record<string, string[]>;
  /** Servers of its own, asked from inside it; null: this machine's. */
  servers: string[] | null;
  /** False: what nobody here is called is not asked elsewhere. */
  forward: boolean;
}

interface ResolverOptions {
  helper: Pick<Helper, 'companion'>;
  runDir: string;
}

interface Attached {
  pid: number;
  view: ResolverView;
}

const log = createLog('resolver');

/**
 * The DNS server at 127.0.0.11 in containers, which is a companion of the helper. It is started when the first container is attached, and told
 * everything again whenever it was killed. After a start, the engine says what there is (`setNetwork`, `setUpstream`, `attach`), then `keepOnly`.
 */
export class Resolver {
  readonly #networks = new Map<string, { names: NetworkNames; text: string }>();
  readonly #attached = new Map<string, Attached>();
  #upstream: HostServer[] = [];
  #companion: Promise<Companion> | undefined;

  private constructor(private readonly options: ResolverOptions) {}

  static open(options: ResolverOptions): Promise<Resolver> {
    return Promise.resolve(new Resolver(options));
  }

  /** Answers at 127.0.0.11 in the network namespace of `pid` from now on. */
  async attach(key: string, pid: number, view: ResolverView): Promise<void> {
    const attached = { pid, view };
    this.#attached.set(key, attached);
    try {
      await this.#ask({ op: 'attach', key, pid, ...view });
    } catch (error) {
      if (this.#attached.get(key) === attached) this.#attached.delete(key);
      throw error;
    }
  }

  async update(key: string, view: ResolverView): Promise<void> {
    const attached = this.#attached.get(key);
    if (attached) attached.view = view;
    await this.#ask({ op: 'update', key, ...view });
  }

  /** Also where nothing is attached. */
  async detach(key: string): Promise<void> {
    this.#attached.delete(key);
    if (await this.#isThere()) await this.#ask({ op: 'detach', key });
  }

  /** What the network's containers are called from now on. Nothing is sent where that is as it was. */
  async setNetwork(id: string, names: NetworkNames): Promise<void> {
    const text = JSON.stringify([names.names, names.reverse]);
    if (this.#networks.get(id)?.text === text) return;
    this.#networks.set(id, { names, text });
    try {
      if (this.#companion) await this.#ask({ op: 'network', id, ...names });
    } catch (error) {
      if (this.#networks.get(id)?.text === text) this.#networks.delete(id);
      throw error;
    }
  }

  async removeNetwork(id: string): Promise<void> {
    if (this.#networks.delete(id) && this.#companion) await this.#ask({ op: 'network-remove', id });
  }

  /** The servers asked for containers that have none of their own, from outside them. */
  async setUpstream(servers: HostServer[]): Promise<void> {
    if (JSON.stringify(servers) === JSON.stringify(this.#upstream)) return;
    this.#upstream = servers;
    if (this.#companion) await this.#ask({ op: 'upstream', servers });
  }

  /** Lets go of everything but `keys`: after a start, what an earlier engine attached and is no more. */
  async keepOnly(keys: ReadonlySet<string>): Promise<void> {
    for (const key of this.#attached.keys()) if (!keys.has(key)) this.#attached.delete(key);
    if (!(await this.#isThere())) return;
    const { attached } = await this.#ask<{ attached: { key: string; pid: number }[] }>({ op: 'state' });
    await Promise.all(attached.filter(({ key }) => !keys.has(key)).map(({ key }) => this.#ask({ op: 'detach', key })));
  }

  /** `last`: no container is left that could ask; the companion goes too. */
  async close({ last }: { last: boolean }): Promise<void> {
    const companion = last && (await this.#isThere()) ? this.#open() : this.#companion;
    this.#companion = undefined;
    await (await companion?.catch(() => undefined))?.close({ end: last });
  }

  /** Whether one runs, be it of an earlier engine. */
  async #isThere(): Promise<boolean> {
    if (this.#companion) return true;
    return access(join(this.options.runDir, 'resolver.sock')).then(
      () => true,
      () => false,
    );
  }

  async #ask<Answer>(request: object): Promise<Answer> {
    return (await this.#open()).ask<Answer>(request);
  }

  #open(): Promise<Companion> {
    this.#companion ??= this.#start().catch((error: unknown) => {
      this.#companion = undefined;
      throw error;
    });
    return this.#companion;
  }

  /** One that is there already may be an earlier engine's: it is told what this one knows. */
  async #start(): Promise<Companion> {
    const companion = await Companion.open({
      ...this.options,
      name: 'resolver',
      onReopened: (ask) => this.#replay(ask),
    });
    await this.#replay((request) => companion.ask(request));
    return companion;
  }

  /** In the order of the requests: who is attached finds its networks. */
  async #replay(ask: Ask): Promise<void> {
    const requests = [
      { op: 'upstream', servers: this.#upstream },
      ...[...this.#networks].map(([id, { names }]) => ({ op: 'network', id, ...names })),
      ...[...this.#attached].map(([key, { pid, view }]) => ({ op: 'attach', key, pid, ...view })),
    ];
    await Promise.all(
      requests.map((request) =>
        ask(request).catch((error: unknown) => {
          // Other errors mean that the companion died over it: that is for who asked us to replay.
          if (!(error instanceof EngineError)) throw error;
          // A container that has ended meanwhile asks no more; its end is being noticed.
          if (error.kind !== 'not-found') log.warn(`the resolver was not told all: ${messageOf(error)}`);
        }),
      ),
    );
  }
}
