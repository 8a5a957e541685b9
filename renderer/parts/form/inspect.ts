/** The form from a container that is there. */
import type { ContainerInspect, HostConfig } from '../../../main/contract/containers.js';
import type { ImageConfig } from '../../../main/contract/images.js';
import { joinCommand, quoted } from '../command-line.js';
import { sizeText, timeText } from '../sizes.js';
import { FLAG_OF } from './flags.js';
import { mountRow, type Mount } from './mounts.js';
import { plainForm, type ContainerForm, type DeviceRow, type Pair, type PortRow } from './value.js';

type Further = HostConfig & {
  Mounts?: Mount[] | null;
  Devices?: { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[] | null;
  DnsOptions?: string[] | null;
  DnsSearch?: string[] | null;
  DeviceCgroupRules?: string[] | null;
};

const pairsOf = (entries: Record<string, string> | null | undefined): Pair[] =>
  Object.entries(entries ?? {}).map(([key, value]) => ({ key, value }));
const size = (bytes: number | null | undefined): string =>
  bytes === -1 ? '-1' : bytes !== null && bytes !== undefined && bytes > 0 ? sizeText(bytes) : '';
const number = (value: number | null | undefined): string => (value ? String(value) : '');
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/**
 * What it was made with; with its image's configuration, without what it has from there. What neither a field nor a flag can say is
 * not in the form: who changes a container sends the difference of two forms, not the whole of one.
 */
export function formOf(inspect: ContainerInspect, image: ImageConfig = {}): ContainerForm {
  const { Config: config } = inspect;
  const host = inspect.HostConfig as Further;
  const unless = (value: string | undefined, inherited: string | undefined) =>
    value === undefined || value === (inherited ?? '') ? '' : value;
  const command = (config.Entrypoint ?? null) === null || same(config.Entrypoint, image.Entrypoint);
  const policy = host.RestartPolicy;
  return {
    ...plainForm,
    image: config.Image,
    name: inspect.Name.replace(/^\//, ''),
    command: command && same(config.Cmd, image.Cmd) ? '' : joinCommand(config.Cmd ?? []),
    entrypoint: entrypointOf(config.Entrypoint, image),
    workdir: unless(config.WorkingDir, image.WorkingDir),
    user: unless(config.User, image.User),
    hostname: inspect.Id.startsWith(config.Hostname) ? '' : config.Hostname,
    env: config.Env.filter((entry) => !image.Env?.includes(entry)).map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? { key: entry, value: '' } : { key: entry.slice(0, at), value: entry.slice(at + 1) };
    }),
    labels: pairsOf(config.Labels).filter(({ key, value }) => image.Labels?.[key] !== value),
    interactive: config.OpenStdin,
    tty: config.Tty,
    detach: !config.AttachStdout && !config.AttachStderr,
    autoRemove: host.AutoRemove,
    restart: policy.Name === '' ? 'no' : policy.Name,
    retries: policy.Name === 'on-failure' ? number(policy.MaximumRetryCount) : '',
    ports: portsOf(host),
    mounts: mountsOf(config.Volumes, host, image),
    tmpfs: [
      ...pairsOf(host.Tmpfs),
      ...(host.Mounts ?? []).flatMap((mount) => {
        const row = mountRow(mount);
        return row && 'key' in row ? [row] : [];
      }),
    ],
    volumesFrom: (host.VolumesFrom ?? []).join(' '),
    network: host.NetworkMode === 'default' ? '' : host.NetworkMode,
    dns: (host.Dns ?? []).join(' '),
    extraHosts: (host.ExtraHosts ?? []).map((entry) => {
      const at = entry.search(/[:=]/);
      return { key: entry.slice(0, at), value: entry.slice(at + 1) };
    }),
    memory: size(host.Memory),
    // What follows from the memory limit by itself is nobody's wish.
    memorySwap: host.MemorySwap === host.Memory * 2 ? '' : size(host.MemorySwap),
    cpus: host.NanoCpus ? String(host.NanoCpus / 1e9) : '',
    cpuset: host.CpusetCpus,
    pids: number(host.PidsLimit),
    shm: host.ShmSize === 64 * 2 ** 20 ? '' : size(host.ShmSize),
    capAdd: (host.CapAdd ?? []).join(' '),
    capDrop: (host.CapDrop ?? []).join(' '),
    privileged: host.Privileged,
    readOnly: host.ReadonlyRootfs,
    noNewPrivileges: (host.SecurityOpt ?? []).some((option) => /^no-new-privileges(?:[:=]true)?$/.test(option)),
    init: host.Init === true,
    devices: (host.Devices ?? []).map(deviceRow),
    sysctls: pairsOf(host.Sysctls),
    ulimits: (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({
      key: Name,
      value: Soft === Hard ? String(Soft) : `${Soft}:${Hard}`,
    })),
    stopSignal: unless(config.StopSignal, image.StopSignal),
    stopTimeout: config.StopTimeout === undefined ? '' : String(config.StopTimeout),
    health: healthForm(config.Healthcheck, image.Healthcheck),
    logDriver: host.LogConfig.Type === 'json-file' ? '' : host.LogConfig.Type,
    logOptions: pairsOf(host.LogConfig.Config),
    other: otherOf(inspect, host, image),
  };
}

function entrypointOf(own: string[] | null, image: ImageConfig): string {
  if (same(own, image.Entrypoint)) return '';
  return own?.length ? joinCommand(own) : `''`;
}

function portsOf(host: HostConfig): PortRow[] {
  return Object.entries(host.PortBindings ?? {}).flatMap(([port, bindings]) => {
    const [container = '', protocol = 'tcp'] = port.split('/');
    return bindings.map(({ HostIp, HostPort }) => ({
      ip: HostIp,
      host: HostPort,
      container,
      protocol: protocol as PortRow['protocol'],
    }));
  });
}

function mountsOf(volumes: Record<string, object> | null, host: Further, image: ImageConfig): ContainerForm['mounts'] {
  const rows = { mounts: [] as ContainerForm['mounts'] } as ContainerForm;
  for (const bind of host.Binds ?? []) FLAG_OF.get('-v')?.read?.(rows, bind);
  const strict = (host.Mounts ?? []).flatMap((mount) => {
    const row = mountRow(mount);
    return row && 'source' in row ? [row] : [];
  });
  const anonymous = Object.keys(volumes ?? {}).filter((path) => image.Volumes?.[path] === undefined);
  return [
    ...rows.mounts,
    ...strict,
    ...anonymous.map((target) => ({ source: '', target, readOnly: false, options: '', strict: false })),
  ];
}

const deviceRow = ({
  PathOnHost,
  PathInContainer,
  CgroupPermissions,
}: NonNullable<Further['Devices']>[number]): DeviceRow => ({
  host: PathOnHost,
  container: PathInContainer === PathOnHost ? '' : PathInContainer,
  permissions: CgroupPermissions === 'rwm' ? '' : CgroupPermissions,
});

function healthForm(
  own: ContainerInspect['Config']['Healthcheck'],
  inherited: ImageConfig['Healthcheck'],
): ContainerForm['health'] {
  if (!own || same(own, inherited)) return plainForm.health;
  const [kind, ...words] = own.Test ?? [];
  const time = (key: 'Interval' | 'Timeout' | 'StartPeriod') =>
    own[key] && own[key] !== inherited?.[key] ? timeText(own[key]) : '';
  const fromImage = own.Test === undefined || own.Test.length === 0 || same(own.Test, inherited?.Test);
  const exec = !fromImage && kind === 'CMD' ? joinCommand(words) : undefined;
  return {
    mode: kind === 'NONE' ? 'none' : fromImage ? 'image' : 'command',
    command: fromImage || kind === 'NONE' ? '' : (exec ?? words.join(' ')),
    ...(exec !== undefined && { exec }),
    interval: time('Interval'),
    timeout: time('Timeout'),
    startPeriod: time('StartPeriod'),
    retries: own.Retries !== inherited?.Retries ? number(own.Retries) : '',
  };
}

/** Whether its having no label follows from what it shares with the machine. */
const impliedLabel = ({ Privileged, PidMode, IpcMode, SecurityOpt }: Further): boolean =>
  (Privileged || PidMode === 'host' || IpcMode === 'host') && same(SecurityOpt, ['label=disable']);

/** Flags for what has no field. */
function otherOf(inspect: ContainerInspect, host: Further, image: ImageConfig): string {
  const { Config: config } = inspect;
  const published = Object.keys(host.PortBindings ?? {});
  const exposed = Object.keys(config.ExposedPorts ?? {});
  const startInterval = config.Healthcheck?.StartInterval;
  const said: [flag: string, values: (string | number | null | undefined)[] | null | undefined][] = [
    [
      '--security-opt',
      impliedLabel(host) ? [] : host.SecurityOpt?.filter((option) => !/^no-new-privileges/.test(option)),
    ],
    ['--mount', (host.Mounts ?? []).filter((mount) => !mountRow(mount)).map(mountFlag)],
    ['--group-add', host.GroupAdd],
    ['--ipc', host.IpcMode === 'private' ? [] : [host.IpcMode]],
    ['--pid', [host.PidMode]],
    ['--uts', [host.UTSMode]],
    ['--userns', [host.UsernsMode]],
    ['--cgroupns', host.CgroupnsMode === 'private' ? [] : [host.CgroupnsMode]],
    ['--cgroup-parent', [host.CgroupParent]],
    ['--runtime', host.Runtime === 'slipway' || host.Runtime === 'runc' ? [] : [host.Runtime]],
    ['--cpu-shares', [host.CpuShares]],
    ['--cpu-period', [host.CpuPeriod]],
    ['--cpu-quota', [host.CpuQuota]],
    ['--cpuset-mems', [host.CpusetMems]],
    ['--memory-reservation', [size(host.MemoryReservation)]],
    ['--memory-swappiness', [host.MemorySwappiness]],
    ['--oom-score-adj', [host.OomScoreAdj]],
    ['--blkio-weight', [host.BlkioWeight]],
    ['--device-read-bps', host.BlkioDeviceReadBps?.map(({ Path, Rate }) => `${Path}:${Rate}`)],
    ['--device-write-bps', host.BlkioDeviceWriteBps?.map(({ Path, Rate }) => `${Path}:${Rate}`)],
    ['--device-read-iops', host.BlkioDeviceReadIOps?.map(({ Path, Rate }) => `${Path}:${Rate}`)],
    ['--device-write-iops', host.BlkioDeviceWriteIOps?.map(({ Path, Rate }) => `${Path}:${Rate}`)],
    ['--device-cgroup-rule', host.DeviceCgroupRules],
    ['--dns-option', host.DnsOptions],
    ['--dns-search', host.DnsSearch],
    ['--link', host.Links],
    ['--annotation', pairsOf(host.Annotations).map(({ key, value }) => `${key}=${value}`)],
    ['--domainname', [config.Domainname]],
    [
      '--health-start-interval',
      startInterval === image.Healthcheck?.StartInterval ? [] : [timeText(startInterval ?? 0)],
    ],
    ['--expose', exposed.filter((port) => image.ExposedPorts?.[port] === undefined && !published.includes(port))],
  ];
  const flags = said.flatMap(([flag, values]) =>
    (values ?? [])
      .filter((value) => value !== '' && value !== 0 && value != null)
      .map((value) => `${flag} ${quoted(String(value))}`),
  );
  if (host.PublishAllPorts) flags.push('--publish-all');
  if (host.OomKillDisable) flags.push('--oom-kill-disable');
  return flags.join(' ');
}

function mountFlag({
  Type,
  Source,
  Target,
  ReadOnly,
  Consistency,
  BindOptions,
  VolumeOptions,
  TmpfsOptions,
  ImageOptions,
}: Mount): string {
  const { NoCopy, Subpath, Labels, DriverConfig } = VolumeOptions ?? {};
  const parts: [string, unknown][] = [
    ['type', Type],
    ['source', Source],
    ['target', Target],
    ['consistency', Consistency],
    ['bind-propagation', BindOptions?.['Propagation']],
    [
      'bind-recursive',
      BindOptions?.['NonRecursive'] ? 'disabled' : BindOptions?.['ReadOnlyNonRecursive'] ? 'writable' : undefined,
    ],
    ['volume-subpath', Subpath],
    ['image-subpath', ImageOptions?.Subpath],
    ['volume-driver', DriverConfig?.Name],
    ...pairsOf(DriverConfig?.Options).map(({ key, value }): [string, unknown] => ['volume-opt', `${key}=${value}`]),
    ...pairsOf(Labels).map(({ key, value }): [string, unknown] => ['volume-label', `${key}=${value}`]),
    ['tmpfs-size', TmpfsOptions?.SizeBytes],
    ['tmpfs-mode', TmpfsOptions?.Mode?.toString(8)],
  ];
  const text = parts
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}=${String(value)}`);
  return [...text, ...(ReadOnly ? ['readonly'] : []), ...(NoCopy ? ['volume-nocopy'] : [])].join(',');
}
