/** Who listens on this machine's ports, as the kernel tells it below /proc: the sockets first, then whose they are. */
import { createReadStream } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { isIPv4, isIPv6 } from 'node:net';

export type Protocol = 'tcp' | 'udp';

export interface Listener {
  protocol: Protocol;
  /** In the one way of writing it. */
  address: string;
  port: number;
  inode: string;
}

const LINE = /^\s*\d+: ([\dA-F]+):([\dA-F]{4}) [\dA-F]+:[\dA-F]{4} ([\dA-F]{2}) \S+ \S+ \S+\s+\d+\s+\d+ (\d+) /;
const LISTENING: Record<Protocol, string> = { tcp: '0A', udp: '07' };
const [ANY_V4, ANY_V6] = ['0.0.0.0', '[::]'];

export async function listeners(protocol: Protocol, signal?: AbortSignal): Promise<Listener[]> {
  const families = await Promise.all(
    [`/proc/self/net/${protocol}`, `/proc/self/net/${protocol}6`].map((path) => read(path, protocol, signal)),
  );
  return families.flat();
}

/** In pieces: a machine with many connections has long tables. */
async function read(path: string, protocol: Protocol, signal: AbortSignal | undefined): Promise<Listener[]> {
  const found: Listener[] = [];
  let rest = '';
  try {
    for await (const chunk of createReadStream(path, { encoding: 'latin1', signal })) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, address = '', port = '', state, inode = ''] = LINE.exec(line) ?? [];
        if (state === LISTENING[protocol])
          found.push({ protocol, address: addressOf(address), port: parseInt(port, 16), inode });
        // The kernel lists those that listen before those that are connected.
        else if (state !== undefined && protocol === 'tcp') return found;
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (found.length === 0 && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return found;
}

/** Words of four bytes, each the wrong way round. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => parseInt(byte, 16)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => `${bytes[at * 2] ?? ''}${bytes[at * 2 + 1] ?? ''}`);
  const mapped = /^0{20}ffff$/i.test(groups.slice(0, 6).join(''));
  if (mapped)
    return bytes
      .slice(12)
      .map((byte) => parseInt(byte, 16))
      .join('.');
  return canonical(groups.join(':'));
}

const canonical = (address: string): string =>
  isIPv6(address) ? new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname : address;

/** Whether who wants an address (empty: every one) and a port is refused for this listener. */
export function collides({ address, port }: Listener, ip: string, wanted: number): boolean {
  if (port !== wanted) return false;
  const own = canonical(ip);
  return own === '' || own === address || covers(own, address) || covers(address, own);
}

/** Every IPv4 address is one that the IPv6 wildcard takes too, unless its listener says otherwise, which nothing here tells. */
const covers = (wildcard: string, address: string): boolean =>
  wildcard === ANY_V6 || (wildcard === ANY_V4 && isIPv4(address));

/** A look at every process may take so long; who is not found by then is another's. */
const PATIENCE_MS = 250;
const AT_ONCE = 8;
const MOST_FILES = 4096;

/** Inode to the pid that has the socket open, of those that this user may look at. */
export async function holdersOf(inodes: ReadonlySet<string>, signal?: AbortSignal): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  if (inodes.size === 0) return found;
  const until = performance.now() + PATIENCE_MS;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const look = async (pid: number): Promise<void> => {
    const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const file of files.slice(0, MOST_FILES)) {
      if (found.size === inodes.size || performance.now() > until || signal?.aborted) return;
      const [, inode] = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${pid}/fd/${file}`).catch(() => '')) ?? [];
      if (inode !== undefined && inodes.has(inode) && !found.has(inode)) found.set(inode, pid);
    }
  };
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) {
      if (found.size === inodes.size || performance.now() > until) return;
      await look(pid);
    }
  });
  await Promise.all(workers);
  signal?.throwIfAborted();
  return found;
}

export const nameOfProcess = async (pid: number): Promise<string> =>
  (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();

const DEEPEST = 64;

/** It, its parent, and so on upwards. */
export async function ancestry(pid: number): Promise<number[]> {
  const line = [pid];
  for (let at = pid; at > 1 && line.length < DEEPEST;) {
    const stat = await readFile(`/proc/${at}/stat`, 'utf8').catch(() => '');
    at = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
    if (at > 1) line.push(at);
  }
  return line;
}
