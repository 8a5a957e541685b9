import type { ByteStream } from '../../../main/contract/bridge.js';
import type { ContainerSummary } from '../../../main/contract/containers.js';

/** An element of `Mounts`, as engines tell it. */
export interface MountPoint {
  Type: string;
  Name?: string;
  Source: string;
  Destination: string;
  Driver?: string;
  Mode: string;
  RW: boolean;
  Propagation: string;
}

export const mountsOf = (mounts: unknown[]): MountPoint[] =>
  (mounts as MountPoint[]).toSorted((a, b) => a.Destination.localeCompare(b.Destination));

/** The other containers that have the same volume or directory. */
export const sharersOf = (mount: MountPoint, own: string, containers: ContainerSummary[]): ContainerSummary[] =>
  containers.filter(
    ({ Id, Mounts }) =>
      Id !== own &&
      (Mounts as MountPoint[]).some((other) =>
        mount.Name !== undefined ? other.Name === mount.Name : mount.Source !== '' && other.Source === mount.Source,
      ),
  );

export interface Owner {
  uid: number;
  gid: number;
  /** Permission bits. */
  mode: number;
}

/** Whose the first entry of a tar is: all that is read of it is its head. */
export async function ownerIn(tar: ByteStream): Promise<Owner | undefined> {
  let bytes = new Uint8Array();
  let at = 0;
  for await (const chunk of tar) {
    const joined = new Uint8Array(bytes.length + chunk.length);
    joined.set(bytes);
    joined.set(chunk, bytes.length);
    bytes = joined;
    while (bytes.length >= at + 512) {
      const text = (from: number, length: number) =>
        new TextDecoder().decode(bytes.subarray(at + from, at + from + length)).replace(/[\0 ]+$/, '');
      const octal = (from: number, length: number) => parseInt(text(from, length).trim() || '0', 8);
      const kind = text(156, 1);
      // A header of the pax kind tells of the one after it.
      if (kind !== 'x' && kind !== 'g') return { mode: octal(100, 8) & 0o7777, uid: octal(108, 8), gid: octal(116, 8) };
      at += 512 + Math.ceil(octal(124, 12) / 512) * 512;
    }
    if (bytes.length > 64 * 1024) return undefined;
  }
  return undefined;
}

/** `rwxr-xr-x`. */
export const permissions = (mode: number): string =>
  [...'rwxrwxrwx'].map((letter, bit) => (mode & (1 << (8 - bit)) ? letter : '-')).join('');
