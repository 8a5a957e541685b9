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

/** Volumes that are a file system by itself (`type=tmpfs`, `type=nfs`, …): mounted in the place of their files while somebody uses them. */
export class Mounts {
  readonly #helper: MountsHelper;
  /** Directory of a volume to its users. */
  readonly #users = new Map<string, Set<string>>();
  readonly #locks = new Locks();

  constructor(helper: MountsHelper) {
    this.#helper = helper;
  }

  async hold(record: VolumeRecord, volume: string, user: string): Promise<void> {
    using _ = await this.#locks.take(volume);
    const wish = fileSystemOf(record);
    if (!wish) return;
    const users = this.#users.get(volume) ?? new Set();
    if (users.size === 0) await this.#mount(wish, volume);
    this.#users.set(volume, users.add(user));
  }

  /** The same of one that is mounted already; false: it is not. */
  async join(volume: string, user: string): Promise<boolean> {
    using _ = await this.#locks.take(volume);
    return this.#users.get(volume)?.add(user) !== undefined;
  }

  async release(user: string): Promise<void> {
    for (const [volume, users] of [...this.#users]) {
      if (!users.has(user)) continue;
      using _ = await this.#locks.take(volume);
      users.delete(user);
      if (users.size > 0) continue;
      this.#users.delete(volume);
      await this.#helper.unmountVolume(volume);
    }
  }

  async tidy(volume: string): Promise<void> {
    using _ = await this.#locks.take(volume);
    if (!this.#users.has(volume)) await this.#helper.unmountVolume(volume);
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
