import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The control groups of one container, as directories of this machine. */
export interface Groups {
  version: 1 | 2;
  /** The directory where a controller's files are. */
  directory(controller: string): string | undefined;
}

/**
 * Where the kernel counts what a container uses; undefined where it has no groups of its own (an ordinary user on cgroup v1). `name` is how
 * its groups' path ends, `slipway/<id>`: what the container made below them is part of it.
 */
export async function groupsOf(pid: number, name: string): Promise<Groups | undefined> {
  const [memberships, mounts] = await Promise.all([
    readFile(`/proc/${pid}/cgroup`, 'utf8'),
    readFile('/proc/self/mountinfo', 'utf8').then(hierarchies),
  ]);
  const directories = new Map<string, string>();
  for (const line of memberships.split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const end = path.indexOf(`/${name}`);
    if (end < 0) continue;
    const own = path.slice(0, end + name.length + 1);
    for (const controller of controllers.split(',')) {
      const mount = mounts.get(controller);
      const below = mount && beneath(own, mount.root);
      if (mount && below !== undefined) directories.set(controller, join(mount.point, below));
    }
  }
  // The hybrid of both has an unnamed tree too, without the controllers that count.
  const unified = directories.get('');
  const counted = ['memory', 'cpuacct', 'pids'].some((controller) => directories.has(controller));
  if (counted) return { version: 1, directory: (controller) => directories.get(controller) };
  return unified === undefined || mounts.has('memory') ? undefined : { version: 2, directory: () => unified };
}

interface Hierarchy {
  /** The group that is seen at the mount point. */
  root: string;
  point: string;
}

/** By controller; the unified one has an empty name. */
function hierarchies(mountinfo: string): Map<string, Hierarchy> {
  const found = new Map<string, Hierarchy>();
  for (const line of mountinfo.split('\n')) {
    const [front = '', back = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = front.split(' ');
    const [type, , options = ''] = back.split(' ');
    if (type === 'cgroup2' && !found.has('')) found.set('', { root, point });
    if (type !== 'cgroup') continue;
    for (const option of options.split(',')) if (!found.has(option)) found.set(option, { root, point });
  }
  return found;
}

function beneath(path: string, root: string): string | undefined {
  if (root === '/') return path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}
