import { readdir, readFile, readlink } from 'node:fs/promises';
import { isIPv6 } from 'node:net';

/** What a port can be of. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** The program that has a port. */
export interface Holder {
  name: string;
  pid: number;
}

/** Which program listens where an address of this machine is wanted; undefined where nobody does, or we may not know. */
export async function holderOf(protocol: Protocol, address: string, port: number): Promise<Holder | undefined> {
  if (protocol === 'sctp') return undefined;
  const tables = isIPv6(address) ? [`${protocol}6`] : [protocol, `${protocol}6`];
  const inodes = new Set<string>();
  for (const table of tables) {
    const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '');
    for (const inode of listenersOf(text, protocol, address, port)) inodes.add(`socket:[${inode}]`);
  }
  return inodes.size > 0 ? ownerOf(inodes) : undefined;
}

/** The inodes of a table's sockets that are in the way of an address and port. */
export function listenersOf(table: string, protocol: Protocol, address: string, port: number): string[] {
  const listening = protocol === 'tcp' ? '0A' : '07';
  const wanted = hexOf(address);
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const [theirs = '', number = ''] = local.split(':');
      const inTheWay = state === listening && Number.parseInt(number, 16) === port && overlap(theirs, wanted);
      return inTheWay && inode !== undefined ? [inode] : [];
    });
}

const MAPPED = '0000000000000000FFFF0000';

/** One of them is every address, or both are the same. A socket of [::] may have IPv4 as well; the kernel does not say which of them do. */
function overlap(theirs: string, wanted: string): boolean {
  const isEvery = (hex: string) => /^0+$/.test(hex);
  if (isEvery(theirs)) return true;
  const plain = theirs.startsWith(MAPPED) ? theirs.slice(MAPPED.length) : theirs;
  return plain.length === wanted.length && (isEvery(wanted) || isEvery(plain) || plain === wanted);
}

/** An address as /proc/net has it: words of four bytes in the machine's own order, which is little-endian wherever we run. */
function hexOf(address: string): string {
  const bytes = isIPv6(address) ? bytesOfIPv6(address) : address.split('.').map(Number);
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const word = bytes.slice(at, at + 4).reverse();
    words.push(word.map((byte) => byte.toString(16).padStart(2, '0')).join(''));
  }
  return words.join('').toUpperCase();
}

function bytesOfIPv6(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address.replace(/%.*$/, ''));
  const text = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : address.replace(/%.*$/, '');
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const zeros = new Array<number>(8 - front.length - back.length).fill(0);
  return [...front, ...zeros, ...back].flatMap((group) => [group >> 8, group & 0xff]);
}

async function ownerOf(sockets: ReadonlySet<string>): Promise<Holder | undefined> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    // Others' descriptors are theirs alone to read, and processes end while we look.
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (!sockets.has(target)) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      return { name: name.trim() || 'a program', pid: Number(pid) };
    }
  }
  return undefined;
}
