import '../../base/scopes.js';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { EngineError, messageOf } from '../../base/errors.js';
import { Locks } from '../../base/locks.js';
import { fileSystemOf, type VolumeRecord } from './record.js';

interface MountsHelper {
  mountVolume(request: { volume: string; type: string; device: string; options: string[] }): Promise<void>;
  unmountVolume(volume: string): Promise<void>;
}

/** Who uses a volume. `mounted`: this engine knows that it is; of a run that another one began it is so far as one may guess. */
interface Held {
  users: Set<string>;
  mounted: boolean;
}

/** Volumes that are a file system by itself (`type=tmpfs`, `type=nfs`, …): mounted in the place of their files while somebody uses them. */
export class Mounts {
  readonly #helper: MountsHelper;
  /** By the directory of the volume. */
  readonly #held = new Map<string, Held>();
  readonly #locks = new Locks();

  constructor(helper: MountsHelper) {
    this.#helper = helper;
  }

  /** True: it has one user more. */
  async hold(record: VolumeRecord, volume: string, user: string): Promise<boolean> {
    using _ = await this.#locks.take(volume);
    const wish = fileSystemOf(record);
    if (!wish) return false;
    if (!this.#held.get(volume)?.mounted) await this.#mount(wish, volume);
    const held = this.#heldOf(volume);
    held.mounted = true;
    const before = held.users.size;
    return held.users.add(user).size > before;
  }

  /** Somebody has had it since before this engine: nothing is asked of a server that may not be there now. */
  adopt(volume: string, user: string): void {
    this.#heldOf(volume).users.add(user);
  }

  /** One user more of one that is mounted already; false: it is not. */
  async join(volume: string, user: string): Promise<boolean> {
    using _ = await this.#locks.take(volume);
    return this.#held.get(volume)?.users.add(user) !== undefined;
  }

  /** `only`: not of all that the user has, but of these. */
  async release(user: string, only?: readonly string[]): Promise<void> {
    for (const volume of only ?? [...this.#held.keys()]) {
      if (!this.#held.get(volume)?.users.has(user)) continue;
      using _ = await this.#locks.take(volume);
      const users = this.#held.get(volume)?.users;
      if (!users?.delete(user) || users.size > 0) continue;
      this.#held.delete(volume);
      await this.#helper.unmountVolume(volume);
    }
  }

  /** The volume goes, whoever was its user. */
  async drop(volume: string): Promise<void> {
    using _ = await this.#locks.take(volume);
    this.#held.delete(volume);
    await this.#helper.unmountVolume(volume);
  }

  async tidy(volume: string): Promise<void> {
    using _ = await this.#locks.take(volume);
    if (!this.#held.has(volume)) await this.#helper.unmountVolume(volume);
  }

  #heldOf(volume: string): Held {
    const held = this.#held.get(volume) ?? { users: new Set(), mounted: false };
    this.#held.set(volume, held);
    return held;
  }

  async #mount({ type, device, options }: { type: string; device: string; options: string[] }, volume: string) {
    try {
      const resolved = /^(nfs|cifs)/.test(type) ? await Promise.all(options.map(withAddress)) : options;
      await this.#helper.mountVolume({ volume, type, device, options: resolved });
    } catch (error) {
      const kind = error instanceof EngineError && error.kind !== 'system' ? error.kind : 'invalid';
      const said = messageOf(error).replace(/password=[^,\s]*/g, 'password=********');
      throw new EngineError(
        kind,
        `error while mounting volume '${volume}/_data': failed to mount local volume: ${inWords(said, type)}`,
        { cause: error },
      );
    }
  }
}

/** The kernel knows no names: of a server it wants the address. */
async function withAddress(option: string): Promise<string> {
  const name = /^addr=(.+)$/.exec(option)?.[1];
  if (name === undefined || isIP(name)) return option;
  return `addr=${(await lookup(name, { family: 4 })).address}`;
}

function inWords(said: string, type: string): string {
  if (/: No such device$/.test(said)) return `this machine's kernel has no file system "${type}" (${said})`;
  if (/: Operation not permitted$/.test(said)) return `this engine may not mount "${type}" (${said})`;
  return said;
}
