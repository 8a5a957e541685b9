/** The flags of `docker run`: how each is read into the form, written from it, or, where the form has no field for it, put into the body. */
import { parseMemory } from '../sizes.js';
import { mountOf, mountRow, mountText, needsMount } from './mounts.js';
import { wordsOf, type ContainerForm, type HealthForm, type Pair, type Restart } from './value.js';

/** The body of create while it is being made. */
export interface Draft {
  [field: string]: unknown;
  HostConfig: Record<string, unknown>;
  /** Of the one network it is on. */
  endpoint: Record<string, unknown>;
}

export interface Flag {
  /** The first is how it is written. */
  names: string[];
  /** It takes no value. */
  bare?: true;
  /** Into the form's field; false: it does not fit there. */
  read?(form: ContainerForm, value: string): boolean | void;
  /** One line's worth each. */
  write?(form: ContainerForm): string[];
  /** Where it has no field, or what did not fit: into the body; false: the value is wrong. */
  body?(draft: Draft, value: string): boolean | void;
  /** It means something in a terminal only, or names a file that only the shell's machine has. */
  elsewhere?: 'terminal' | 'file';
}

type TextField = {
  [Key in keyof ContainerForm]: ContainerForm[Key] extends string ? Key : never;
}[keyof ContainerForm];
type PairField = { [Key in keyof ContainerForm]: ContainerForm[Key] extends Pair[] ? Key : never }[keyof ContainerForm];
type BooleanField = {
  [Key in keyof ContainerForm]: ContainerForm[Key] extends boolean ? Key : never;
}[keyof ContainerForm];

const assign = (form: ContainerForm, part: Partial<ContainerForm>) => void Object.assign(form, part);
const truth = (value: string) => !/^(?:false|0|f)$/i.test(value);

const text = (names: string, field: TextField): Flag => ({
  names: names.split(' '),
  read: (form, value) => assign(form, { [field]: value }),
  write: (form) => (form[field].trim() === '' ? [] : [form[field].trim()]),
});
const toggle = (names: string, field: BooleanField): Flag => ({
  names: names.split(' '),
  bare: true,
  read: (form, value) => assign(form, { [field]: truth(value) }),
  write: (form) => (form[field] ? [''] : []),
});
const several = (names: string, field: 'dns' | 'capAdd' | 'capDrop' | 'volumesFrom'): Flag => ({
  names: names.split(' '),
  read: (form, value) => assign(form, { [field]: [...wordsOf(form[field]), value].join(' ') }),
  write: (form) => wordsOf(form[field]),
});
/** `bare`: a name alone needs no separator. */
const pairs = (names: string, field: PairField, separator: string, bare = false, split = separator): Flag => ({
  names: names.split(' '),
  read: (form, value) => assign(form, { [field]: [...form[field], pairOf(value, split)] }),
  write: (form) =>
    form[field]
      .filter(({ key }) => key.trim() !== '')
      .map(({ key, value }) => (bare && value === '' ? key.trim() : `${key.trim()}${separator}${value}`)),
});
const health = (name: string, field: Exclude<keyof HealthForm, 'mode' | 'exec'>): Flag => ({
  names: [name],
  read: (form, value) =>
    assign(form, {
      health: { ...form.health, [field]: value, ...(field === 'command' && { mode: 'command' }) },
    }),
  write: ({ health: { mode, [field]: value } }) =>
    mode === 'none' || value.trim() === '' || (field === 'command' && mode !== 'command') ? [] : [value.trim()],
});

/** At the first of the separators. */
export function pairOf(value: string, separators: string): Pair {
  const at = [...value].findIndex((char) => separators.includes(char));
  return at < 0 ? { key: value, value: '' } : { key: value.slice(0, at), value: value.slice(at + 1) };
}

const host = (names: string, field: string, convert: (value: string) => unknown = (value) => value): Flag => ({
  names: names.split(' '),
  body: (draft, value) => (draft.HostConfig[field] = convert(value)) !== undefined,
});
const hostList = (names: string, field: string, convert: (value: string) => unknown = (value) => value): Flag => ({
  names: names.split(' '),
  body(draft, value) {
    const converted = convert(value);
    draft.HostConfig[field] = [...((draft.HostConfig[field] as unknown[] | undefined) ?? []), converted];
    return converted !== undefined;
  },
});
const hostPairs = (names: string, field: string): Flag => ({
  names: names.split(' '),
  body(draft, value) {
    const { key, value: said } = pairOf(value, '=');
    draft.HostConfig[field] = { ...(draft.HostConfig[field] as object | undefined), [key]: said };
  },
});
const hostToggle = (names: string, field: string): Flag => ({
  names: names.split(' '),
  bare: true,
  body: (draft, value) => void (draft.HostConfig[field] = truth(value)),
});
const elsewhere = (names: string, where: 'terminal' | 'file', bare?: true): Flag => ({
  names: names.split(' '),
  elsewhere: where,
  ...(bare && { bare }),
});
const whole = (value: string) => (/^-?\d+$/.test(value) ? Number(value) : undefined);
const deviceRate = (convert: (value: string) => number | undefined) => (value: string) => {
  const { key, value: said } = pairOf(value, ':');
  const Rate = convert(said);
  return Rate === undefined ? undefined : { Path: key, Rate };
};

/** In the order in which they are written. */
export const FLAGS: Flag[] = [
  toggle('-d --detach', 'detach'),
  toggle('-i --interactive', 'interactive'),
  toggle('-t --tty', 'tty'),
  toggle('--rm', 'autoRemove'),
  text('--name', 'name'),
  {
    names: ['--pull'],
    read(form, value) {
      if (!/^(?:always|missing|never)$/.test(value)) return false;
      form.pull = value as ContainerForm['pull'];
    },
    write: ({ pull }) => (pull === 'missing' ? [] : [pull]),
  },
  {
    names: ['--restart'],
    read(form, value) {
      const [policy = '', count = ''] = value.split(':');
      if (!/^(?:no|always|unless-stopped|on-failure)$/.test(policy)) return false;
      assign(form, { restart: policy as Restart, retries: count });
    },
    write: ({ restart, retries }) =>
      restart === 'no' ? [] : [restart === 'on-failure' && retries.trim() ? `${restart}:${retries.trim()}` : restart],
  },
  {
    names: ['-p', '--publish'],
    read(form, value) {
      const match =
        /^(?:(?:(\[[^\]]*\]|[^:]*):)?([\d-]*):)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/i.exec(value.trim()) ?? undefined;
      if (!match) return false;
      const [, ip = '', port = '', container = '', protocol = 'tcp'] = match;
      const row = { ip: ip.replace(/[[\]]/g, ''), host: port, container };
      assign(form, { ports: [...form.ports, { ...row, protocol: protocol.toLowerCase() as 'tcp' }] });
    },
    write: ({ ports }) =>
      ports
        .map((row) => ({ ...row, ip: row.ip.trim(), host: row.host.trim(), container: row.container.trim() }))
        .filter(({ container }) => container !== '')
        .map(({ ip, host: port, container, protocol }) => {
          const address = ip === '' ? '' : `${ip.includes(':') ? `[${ip}]` : ip}:`;
          const outer = address === '' && port === '' ? '' : `${address}${port}:`;
          return `${outer}${container}${protocol === 'tcp' ? '' : `/${protocol}`}`;
        }),
  },
  {
    names: ['-v', '--volume'],
    read(form, value) {
      const [first = '', second, mode = '', ...more] = value.split(':');
      if (more.length > 0) return false;
      const modes = mode.split(',').filter((word) => word !== '' && word !== 'rw');
      const options = modes.filter((word) => word !== 'ro').join(',');
      const row = { readOnly: modes.includes('ro'), options, strict: false };
      const places = second === undefined ? { source: '', target: first } : { source: first, target: second };
      assign(form, { mounts: [...form.mounts, { ...places, ...row }] });
    },
    write: ({ mounts }) =>
      mounts
        .filter((row) => !needsMount(row) && row.target.trim() !== '')
        .map(({ source, target, readOnly, options }) => {
          const mode = [...(readOnly ? ['ro'] : []), ...(options.trim() ? [options.trim()] : [])].join(',');
          return [source.trim(), target.trim(), mode].filter((part) => part !== '').join(':');
        }),
  },
  {
    names: ['--mount'],
    read(form, value) {
      const mount = mountOf(value);
      const row = mount && mountRow(mount);
      if (!row) return false;
      if ('key' in row) assign(form, { tmpfs: [...form.tmpfs, row] });
      else assign(form, { mounts: [...form.mounts, row] });
    },
    write: ({ mounts }) => mounts.filter((row) => needsMount(row) && row.target.trim() !== '').map(mountText),
    body(draft, value) {
      const mount = mountOf(value);
      draft.HostConfig['Mounts'] = [...((draft.HostConfig['Mounts'] as unknown[] | undefined) ?? []), mount];
      return mount !== undefined;
    },
  },
  pairs('--tmpfs', 'tmpfs', ':', true),
  several('--volumes-from', 'volumesFrom'),
  text('-w --workdir', 'workdir'),
  text('-u --user', 'user'),
  text('-h --hostname', 'hostname'),
  {
    names: ['--network', '--net'],
    read(form, value) {
      const { key, value: said } = pairOf(value, '=');
      if (value.includes(',') || (value.includes('=') && key !== 'name')) return false;
      form.network = said || value;
    },
    write: ({ network }) => (network === '' ? [] : [network]),
  },
  several('--dns', 'dns'),
  pairs('--add-host', 'extraHosts', ':', false, ':='),
  text('-m --memory', 'memory'),
  text('--memory-swap', 'memorySwap'),
  text('--cpus', 'cpus'),
  text('--cpuset-cpus', 'cpuset'),
  text('--pids-limit', 'pids'),
  text('--shm-size', 'shm'),
  several('--cap-add', 'capAdd'),
  several('--cap-drop', 'capDrop'),
  toggle('--privileged', 'privileged'),
  toggle('--read-only', 'readOnly'),
  {
    names: ['--security-opt'],
    read(form, value) {
      if (!/^no-new-privileges(?:[:=](?:true|false))?$/.test(value)) return false;
      form.noNewPrivileges = !value.endsWith('false');
    },
    write: ({ noNewPrivileges }) => (noNewPrivileges ? ['no-new-privileges'] : []),
    body(draft, value) {
      draft.HostConfig['SecurityOpt'] = [...((draft.HostConfig['SecurityOpt'] as string[] | undefined) ?? []), value];
      // A profile is a file, and the API takes its content.
      return !/^seccomp[:=](?!unconfined$|builtin$|\{)/.test(value);
    },
  },
  toggle('--init', 'init'),
  {
    names: ['--device'],
    read(form, value) {
      const [first = '', second, third = ''] = value.split(':');
      const permissions = second !== undefined && third === '' && /^[rwm]+$/.test(second);
      const row = permissions
        ? { host: first, container: '', permissions: second }
        : { host: first, container: second ?? '', permissions: third };
      assign(form, { devices: [...form.devices, row] });
    },
    write: ({ devices }) =>
      devices
        .filter(({ host: path }) => path.trim() !== '')
        .map((row) =>
          [row.host, row.container, row.permissions]
            .map((part) => part.trim())
            .filter((part) => part !== '')
            .join(':'),
        ),
  },
  pairs('--sysctl', 'sysctls', '='),
  pairs('--ulimit', 'ulimits', '='),
  text('--stop-signal', 'stopSignal'),
  text('--stop-timeout', 'stopTimeout'),
  {
    names: ['--no-healthcheck'],
    bare: true,
    read: (form, value) => assign(form, { health: { ...form.health, mode: truth(value) ? 'none' : 'image' } }),
    write: ({ health: { mode } }) => (mode === 'none' ? [''] : []),
  },
  health('--health-cmd', 'command'),
  health('--health-interval', 'interval'),
  health('--health-timeout', 'timeout'),
  health('--health-start-period', 'startPeriod'),
  health('--health-retries', 'retries'),
  text('--log-driver', 'logDriver'),
  pairs('--log-opt', 'logOptions', '='),
  pairs('-l --label', 'labels', '=', true),
  pairs('-e --env', 'env', '='),

  // Without a field of their own.
  hostList('--group-add', 'GroupAdd'),
  host('--ipc', 'IpcMode'),
  host('--pid', 'PidMode'),
  host('--uts', 'UTSMode'),
  host('--userns', 'UsernsMode'),
  host('--cgroupns', 'CgroupnsMode'),
  host('--cgroup-parent', 'CgroupParent'),
  host('--runtime', 'Runtime'),
  host('--isolation', 'Isolation'),
  host('--volume-driver', 'VolumeDriver'),
  host('-c --cpu-shares', 'CpuShares', whole),
  host('--cpu-period', 'CpuPeriod', whole),
  host('--cpu-quota', 'CpuQuota', whole),
  host('--cpu-rt-period', 'CpuRealtimePeriod', whole),
  host('--cpu-rt-runtime', 'CpuRealtimeRuntime', whole),
  host('--cpuset-mems', 'CpusetMems'),
  host('--memory-reservation', 'MemoryReservation', parseMemory),
  host('--memory-swappiness', 'MemorySwappiness', whole),
  host('--kernel-memory', 'KernelMemory', parseMemory),
  host('--oom-score-adj', 'OomScoreAdj', whole),
  hostToggle('--oom-kill-disable', 'OomKillDisable'),
  hostToggle('-P --publish-all', 'PublishAllPorts'),
  host('--blkio-weight', 'BlkioWeight', whole),
  hostList('--blkio-weight-device', 'BlkioWeightDevice', (value) => {
    const rate = deviceRate(whole)(value);
    return rate && { Path: rate.Path, Weight: rate.Rate };
  }),
  hostList('--device-read-bps', 'BlkioDeviceReadBps', deviceRate(parseMemory)),
  hostList('--device-write-bps', 'BlkioDeviceWriteBps', deviceRate(parseMemory)),
  hostList('--device-read-iops', 'BlkioDeviceReadIOps', deviceRate(whole)),
  hostList('--device-write-iops', 'BlkioDeviceWriteIOps', deviceRate(whole)),
  hostList('--device-cgroup-rule', 'DeviceCgroupRules'),
  hostList('--dns-option --dns-opt', 'DnsOptions'),
  hostList('--dns-search', 'DnsSearch'),
  hostList('--link', 'Links'),
  hostPairs('--annotation', 'Annotations'),
  hostPairs('--storage-opt', 'StorageOpt'),
  hostList('--gpus', 'DeviceRequests', (value) => {
    if (value !== 'all' && whole(value) === undefined) return undefined;
    return { Driver: '', Count: value === 'all' ? -1 : Number(value), Capabilities: [['gpu']] };
  }),
  {
    names: ['--expose'],
    body(draft, value) {
      const port = value.includes('/') ? value : `${value}/tcp`;
      draft['ExposedPorts'] = { ...(draft['ExposedPorts'] as object | undefined), [port]: {} };
      return /^\d+(?:-\d+)?\/(?:tcp|udp|sctp)$/.test(port);
    },
  },
  { names: ['--domainname'], body: (draft, value) => void (draft['Domainname'] = value) },
  { names: ['--mac-address'], body: (draft, value) => void (draft['MacAddress'] = value) },
  {
    names: ['--health-start-interval'],
    body: (draft, value) => void (draft['healthStartInterval'] = value),
  },
  {
    names: ['--network-alias', '--net-alias'],
    body: ({ endpoint }, value) =>
      void (endpoint['Aliases'] = [...((endpoint['Aliases'] as string[] | undefined) ?? []), value]),
  },
  {
    names: ['--ip'],
    body: ({ endpoint }, value) =>
      void (endpoint['IPAMConfig'] = { ...(endpoint['IPAMConfig'] as object | undefined), IPv4Address: value }),
  },
  {
    names: ['--ip6'],
    body: ({ endpoint }, value) =>
      void (endpoint['IPAMConfig'] = { ...(endpoint['IPAMConfig'] as object | undefined), IPv6Address: value }),
  },
  // Not part of the body: asked for with it.
  { names: ['--platform'], body: () => undefined },

  elsewhere('-a --attach', 'terminal'),
  elsewhere('--detach-keys', 'terminal'),
  elsewhere('--sig-proxy', 'terminal', true),
  elsewhere('-q --quiet', 'terminal', true),
  elsewhere('--disable-content-trust', 'terminal', true),
  elsewhere('--cidfile', 'file'),
  elsewhere('--env-file', 'file'),
  elsewhere('--label-file', 'file'),
];

/** `--entrypoint` stands apart: it takes one word, and what follows it is the beginning of the command. */
export const ENTRYPOINT: Flag = {
  names: ['--entrypoint'],
  read: () => undefined,
};

/** Of podman and nerdctl, where they take a value: so that the next word is not taken for the image. */
const FOREIGN = new Set(
  '--pod --systemd --secret --tz --umask --hooks-dir --arch --os --variant --authfile --conmon-pidfile --pidfile --requires --sdnotify --subuidname --subgidname --uidmap --gidmap --image-volume --decryption-key --creds --rdt-class --group-entry --passwd-entry --timeout --env-merge --unsetenv --chrootdirs --seccomp-policy --stop-timeout --log-level --namespace'.split(
    ' ',
  ),
);
export const takesValue = (name: string): boolean => FOREIGN.has(name);

export const FLAG_OF = new Map([...FLAGS, ENTRYPOINT].flatMap((flag) => flag.names.map((name) => [name, flag])));
