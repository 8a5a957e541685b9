import { access, constants, lstat, readdir, realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { codeOf, invalid, system } from '../../base/errors.js';
import type { DeviceMapping, FullHostConfig } from './record.js';

interface OciDevice {
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}

interface DeviceRule {
  allow: boolean;
  type?: 'a' | 'c' | 'b';
  major?: number;
  minor?: number;
  access: string;
}

/** null zero full random urandom tty console ptmx and pseudo-terminals; nodes of any kind may be made, not opened. */
const DEVICE_RULES: DeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...(
    [
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 1],
      [5, 2],
    ] as const
  ).map(([major, minor]): DeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/** The device nodes of a container, and what it may do with those and others. */
export async function devicesOf(
  hostConfig: FullHostConfig,
  rootless: boolean,
): Promise<[devices: OciDevice[], rules: DeviceRule[]]> {
  const mapped: OciDevice[] = [];
  const rules = [...DEVICE_RULES];
  for (const mapping of hostConfig.Devices ?? []) {
    for (const device of await mappedDevices(mapping)) {
      const { type, major, minor } = device;
      mapped.push(device);
      rules.push({ allow: true, type, major, minor, access: mapping.CgroupPermissions || 'rwm' });
    }
  }
  if (hostConfig.Privileged) {
    const places = new Set(mapped.map(({ path }) => path));
    const all = (await hostDevices('/dev')).filter(({ path }) => !places.has(path));
    // An ordinary user's are bound, and only those that the user may use are of any use.
    const devices = [...(rootless ? await usable(all) : all), ...mapped];
    return [devices, [{ allow: true, type: 'a', access: 'rwm' }]];
  }
  rules.push(...deviceRulesOf(hostConfig).map(parseDeviceRule));
  return [mapped, rules];
}

/** Rules and permissions that no kernel would take. */
export function checkDevices(hostConfig: FullHostConfig): void {
  deviceRulesOf(hostConfig).forEach(parseDeviceRule);
  for (const { PathOnHost, CgroupPermissions = '' } of hostConfig.Devices ?? []) {
    if (!/^(?!.*(.).*\1)[rwm]{0,3}$/.test(CgroupPermissions)) {
      throw invalid(`invalid device mode: ${CgroupPermissions} of ${PathOnHost}, it is made of r, w and m`);
    }
  }
}

const deviceRulesOf = (hostConfig: FullHostConfig): string[] =>
  (hostConfig['DeviceCgroupRules'] as string[] | null) ?? [];

/** The device at a path, behind a link too; of a directory all that are in it, at the same places below another. */
async function mappedDevices({ PathOnHost, PathInContainer }: DeviceMapping): Promise<OciDevice[]> {
  const inside = PathInContainer || PathOnHost;
  const failed = (why: string) =>
    system(`error gathering device information while adding custom device "${PathOnHost}": ${why}`);
  const path = await realpath(PathOnHost).catch((error: unknown) => {
    throw failed(codeOf(error) === 'ENOENT' ? 'no such file or directory' : String(codeOf(error)));
  });
  const device = await deviceAt(path, inside);
  if (device) return [device];
  const below = await devicesBelow(path);
  if (below.length === 0) throw failed('not a device node');
  return below.map((each) => ({ ...each, path: posix.join(inside, posix.relative(path, each.path)) }));
}

async function devicesBelow(directory: string): Promise<OciDevice[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return devicesBelow(path);
      const device = await deviceAt(path, path);
      return device ? [device] : [];
    }),
  );
  return found.flat();
}

function parseDeviceRule(rule: string): DeviceRule {
  const [, type, major, minor, access] = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(rule) ?? [];
  if (!type || !access) throw invalid(`invalid device cgroup rule format: '${rule}'`);
  return {
    allow: true,
    type: type as 'a' | 'c' | 'b',
    ...(major !== '*' && { major: Number(major) }),
    ...(minor !== '*' && { minor: Number(minor) }),
    access,
  };
}

async function deviceAt(path: string, inside: string): Promise<OciDevice | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (!found || !(found.isCharacterDevice() || found.isBlockDevice())) return undefined;
  return {
    path: inside,
    type: found.isCharacterDevice() ? 'c' : 'b',
    major: ((found.rdev >>> 8) & 0xfff) | 0,
    minor: (found.rdev & 0xff) | ((found.rdev >>> 12) & 0xfff00),
    fileMode: found.mode & 0o777,
    uid: found.uid,
    gid: found.gid,
  };
}

async function usable(devices: OciDevice[]): Promise<OciDevice[]> {
  const allowed = await Promise.all(
    devices.map(({ path }) =>
      access(path, constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return devices.filter((_, index) => allowed[index]);
}

/** All device nodes of this machine, for a privileged container; what a container has of its own is left out. */
async function hostDevices(directory: string): Promise<OciDevice[]> {
  const devices: OciDevice[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (!['pts', 'shm', 'fd', 'mqueue', '.lxc'].includes(entry.name)) devices.push(...(await hostDevices(path)));
    } else if (!['console', 'ptmx', 'tty', 'null', 'zero', 'full', 'random', 'urandom'].includes(entry.name)) {
      const device = await deviceAt(path, path);
      if (device) devices.push(device);
    }
  }
  return devices;
}
