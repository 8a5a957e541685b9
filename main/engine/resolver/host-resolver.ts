import { watch, type FSWatcher } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename, dirname, resolve } from 'node:path';

/** A DNS server that this machine asks. */
export interface HostServer {
  address: string;
  port: number;
}

/** Who writes the file often does so in several steps. */
const SETTLED_MS = 100;
/** The resolver takes no more. */
const MOST_SERVERS = 8;

/** This machine's DNS servers as /etc/resolv.conf has them, followed live. */
export class HostResolver {
  readonly #watchers = new Map<string, FSWatcher>();
  #servers: HostServer[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(
    private readonly path: string,
    private readonly onChange: (servers: HostServer[]) => void,
  ) {}

  /** `onChange` is called whenever the servers are others than before, not with those that are there now. */
  static async open(
    onChange: (servers: HostServer[]) => void,
    { path = '/etc/resolv.conf' }: { path?: string } = {},
  ): Promise<HostResolver> {
    const host = new HostResolver(resolve(path), onChange);
    await host.#follow();
    host.#servers = await host.#read();
    return host;
  }

  /** The servers, in the order they are asked. */
  servers(): HostServer[] {
    return this.#servers;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  async #read(): Promise<HostServer[]> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    return parseServers(text);
  }

  /** The file is replaced rather than written, and may be a link into /run: so the folders of both are watched, not the files. */
  async #follow(): Promise<void> {
    const target = await realpath(this.path).catch(() => this.path);
    if (this.#closed) return;
    const wanted = new Map([this.path, target].map((file) => [dirname(file), new Set<string>()]));
    for (const file of [this.path, target]) wanted.get(dirname(file))?.add(basename(file));
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of wanted.keys()) if (!this.#watchers.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => this.#changed(name));
      // The folder was removed: the next change of the link brings another.
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(folder);
      });
      this.#watchers.set(folder, watcher);
    } catch {
      // Not there, or nothing can be watched any more: what was read stays.
    }
  }

  #changed(name: string | null): void {
    // Many files are in /etc. One whose name is not told may be ours; so may a target whose name has changed with the link.
    if (name !== null && !name.includes('resolv')) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#reread(), SETTLED_MS);
    this.#timer.unref();
  }

  async #reread(): Promise<void> {
    await this.#follow();
    const servers = await this.#read();
    if (this.#closed || JSON.stringify(servers) === JSON.stringify(this.#servers)) return;
    this.#servers = servers;
    this.onChange(servers);
  }
}

/** The `nameserver` lines of a resolv.conf(5). Without one, the machine itself is asked, as the C library does. */
function parseServers(text: string): HostServer[] {
  const servers = text
    .split('\n')
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '')
    .filter((address) => isIP(address) !== 0)
    .slice(0, MOST_SERVERS)
    .map((address) => ({ address, port: 53 }));
  return servers.length > 0 ? servers : [{ address: '127.0.0.1', port: 53 }];
}
