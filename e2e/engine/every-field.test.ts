/** Each field that Docker publishes of a container's wishes, with a value that is not its default: it has an effect, a warning or a refusal. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { makeDisk, type Disk } from '../fixtures/disk.js';
import { kernelHasIoWeights } from '../fixtures/io-weights.js';
import { loadBusybox, request, root, run, startEngine, type RunningEngine } from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 && 'needs root';
const weighs = skip ? false : await kernelHasIoWeights();
let engine: RunningEngine;
let folder: string;
let disk: Disk;

before(async () => {
  if (skip) return;
  engine = await startEngine();
  await loadBusybox(engine);
  disk = await makeDisk(16);
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-fields-'));
  await mkdir(path.join(folder, 'tree/sub'), { recursive: true });
  await run('mount', ['-t', 'tmpfs', 'below', path.join(folder, 'tree/sub')]);
  await run('mount', ['--make-shared', path.join(folder, 'tree/sub')]);
  await create('donor', { Cmd: ['sleep', '1000'], Volumes: { '/given': {} }, HostConfig: { IpcMode: 'shareable' } });
  await request(engine.socket, 'POST', '/containers/donor/start');
});
after(async () => {
  if (skip) return;
  await engine[Symbol.asyncDispose]();
  await disk[Symbol.asyncDispose]();
  await run('umount', [path.join(folder, 'tree/sub')]);
  await rm(folder, { recursive: true });
  // The parent that one of them wished for is nobody's to take away but ours.
  for (const place of ['', ...(await readdir('/sys/fs/cgroup'))])
    await rmdir(path.join('/sys/fs/cgroup', place, 'slipway-fields')).catch(() => undefined);
});

interface Wish {
  /** What is sent beside the image; FOLDER and DISK stand for places of the test. */
  body: Record<string, unknown>;
  /** A refusal, or one of the warnings. */
  says?: RegExp;
  /** What this prints inside, with `seen` in it; without the wish it prints something else. */
  script?: string;
  seen?: RegExp;
  /** Something of the inspect document of the container, after it has ended or run a moment. */
  shown?: (inspect: Inspect) => unknown;
  is?: unknown;
}

interface Inspect {
  Config: Record<string, unknown>;
  HostConfig: Record<string, unknown>;
  NetworkSettings: { Ports: object };
  RestartCount: number;
  State: { Status: string; ExitCode: number; Health?: { Status: string } };
}

const host = (HostConfig: object, more: object = {}) => ({ ...more, HostConfig });
const mount = (one: object) => host({ Mounts: [one] });
const here = (settings: object) => ({ NetworkingConfig: { EndpointsConfig: { bridge: settings } } });
const group = (v1: string, v2: string) => `cat /sys/fs/cgroup/${v1} 2>/dev/null || cat /sys/fs/cgroup/${v2}`;
const rate = { Path: 'DISK', Rate: 1_048_576 };
const throttle = (what: string) => group(`blkio/blkio.throttle.${what}_device`, 'io.max');
const status = (field: string) => `sed -n 's/^${field}:\\t//p' /proc/self/status`;
const health = (more: object) => ({ Healthcheck: { Test: ['CMD', 'false'], Interval: 1e8, Retries: 1, ...more } });
const mountsOf = (place: string) => `grep ' ${place}[ /]' /proc/mounts`;

const wishes: Record<string, Wish> = {
  Hostname: { body: { Hostname: 'web' }, script: 'hostname', seen: /^web$/ },
  Domainname: { body: { Domainname: 'example.org' }, script: 'cat /proc/sys/kernel/domainname', seen: /^example.org$/ },
  'Domainname of the machine': { body: { Domainname: 'x', HostConfig: { UTSMode: 'host' } }, says: /domain name/i },
  User: { body: { User: 'app' }, script: 'id -u', seen: /^1000$/ },
  ExposedPorts: {
    body: { ExposedPorts: { '80/tcp': {} }, HostConfig: { NetworkMode: 'bridge' } },
    shown: ({ Config }) => Config['ExposedPorts'],
    is: { '80/tcp': {} },
  },
  Tty: { body: { Tty: true }, script: 'tty', seen: /^\/dev\/pts\/0/ },
  OpenStdin: { body: { OpenStdin: true }, script: 'readlink /proc/self/fd/0', seen: /pipe|socket/ },
  Env: { body: { Env: ['A=b'] }, script: 'echo $A', seen: /^b$/ },
  Entrypoint: { body: { Entrypoint: ['echo', 'entered'] }, script: 'true', seen: /^entered sh -c true$/ },
  Volumes: { body: { Volumes: { '/v': {} } }, script: mountsOf('/v'), seen: / \/v / },
  WorkingDir: { body: { WorkingDir: '/some/where' }, script: 'pwd', seen: /^\/some\/where$/ },
  ArgsEscaped: { body: { ArgsEscaped: true }, says: /ArgsEscaped/ },
  NetworkDisabled: {
    body: { NetworkDisabled: true, HostConfig: { NetworkMode: 'bridge' } },
    script: 'ls /sys/class/net | tr "\\n" " "; echo',
    seen: /^lo$/,
  },
  MacAddress: {
    body: { MacAddress: '02:42:ac:11:00:05', HostConfig: { NetworkMode: 'bridge' } },
    script: 'cat /sys/class/net/eth0/address',
    seen: /^02:42:ac:11:00:05$/,
  },
  OnBuild: { body: { OnBuild: ['RUN true'] }, shown: ({ Config }) => Config['OnBuild'], is: ['RUN true'] },
  Labels: { body: { Labels: { a: 'b' } }, shown: ({ Config }) => Config['Labels'], is: { a: 'b' } },
  'Healthcheck.Test': {
    body: health({ StartPeriod: 0 }),
    script: 'sleep 2',
    shown: ({ State }) => State.Health?.Status,
    is: 'unhealthy',
  },
  'Healthcheck.Timeout': {
    body: health({ Test: ['CMD', 'sleep', '20'], Timeout: 1e8 }),
    script: 'sleep 2',
    shown: ({ State }) => State.Health?.Status,
    is: 'unhealthy',
  },
  'Healthcheck.StartInterval': {
    body: health({ Test: ['CMD', 'true'], Interval: 60e9, StartPeriod: 60e9, StartInterval: 1e8 }),
    script: 'sleep 2',
    shown: ({ State }) => State.Health?.Status,
    is: 'healthy',
  },
  Shell: {
    body: { ...health({ Test: ['CMD-SHELL', 'true'] }), Shell: ['/bin/false'] },
    script: 'sleep 2',
    shown: ({ State }) => State.Health?.Status,
    is: 'unhealthy',
  },
  StopSignal: {
    body: { StopSignal: 'USR1' },
    script: 'trap "echo asked; exit 0" USR1; touch /ready; while :; do sleep 0.05; done',
    seen: /^asked$/,
  },
  StopTimeout: {
    body: { StopTimeout: 0 },
    script: 'trap "" TERM; touch /ready; while :; do sleep 0.05; done',
    shown: ({ State }) => State.ExitCode,
    is: 137,
  },

  CpuShares: { body: host({ CpuShares: 512 }), script: group('cpu/cpu.shares', 'cpu.weight'), seen: /^(512|20)$/ },
  Memory: {
    body: host({ Memory: 2 ** 25 }),
    script: group('memory/memory.limit_in_bytes', 'memory.max'),
    seen: /^33554432$/,
  },
  CgroupParent: {
    body: host({ CgroupParent: '/slipway-fields', CgroupnsMode: 'host' }),
    script: 'cat /proc/self/cgroup',
    seen: /\/slipway-fields\/[0-9a-f]{64}/,
  },
  BlkioWeight: {
    body: host({ BlkioWeight: 300 }),
    ...(weighs
      ? { script: 'cat /sys/fs/cgroup/blkio/blkio*.weight /sys/fs/cgroup/io*.weight 2>/dev/null', seen: /\b300$/m }
      : { says: /does not support Block I\/O weight .* Weight discarded/ }),
  },
  BlkioWeightDevice: {
    body: host({ BlkioWeightDevice: [{ Path: 'DISK', Weight: 300 }] }),
    ...(weighs
      ? {
          script: 'cat /sys/fs/cgroup/blkio/blkio*.weight_device /sys/fs/cgroup/io*.weight 2>/dev/null',
          // Where the kernel's scheduler has no weights for devices, the start says so.
          seen: /^\d+:\d+ 300$|weight_device to \d+:\d+ 300: operation not supported/m,
        }
      : { says: /does not support Block I\/O weight_device .* Weight-device discarded/ }),
  },
  BlkioDeviceReadBps: { body: host({ BlkioDeviceReadBps: [rate] }), script: throttle('read_bps'), seen: /\b1048576\b/ },
  BlkioDeviceWriteBps: {
    body: host({ BlkioDeviceWriteBps: [rate] }),
    script: throttle('write_bps'),
    seen: /\b1048576\b/,
  },
  BlkioDeviceReadIOps: {
    body: host({ BlkioDeviceReadIOps: [rate] }),
    script: throttle('read_iops'),
    seen: /\b1048576\b/,
  },
  BlkioDeviceWriteIOps: {
    body: host({ BlkioDeviceWriteIOps: [rate] }),
    script: throttle('write_iops'),
    seen: /\b1048576\b/,
  },
  'CpuPeriod and CpuQuota': {
    body: host({ CpuPeriod: 50_000, CpuQuota: 25_000 }),
    script: 'cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us 2>/dev/null || cat cpu.max',
    seen: /^25000\s50000$/,
  },
  CpuRealtimePeriod: { body: host({ CpuRealtimePeriod: 100_000 }), says: /--cpu-rt-period/ },
  CpuRealtimeRuntime: { body: host({ CpuRealtimeRuntime: 1000 }), says: /--cpu-rt-runtime/ },
  CpusetCpus: { body: host({ CpusetCpus: '0' }), script: status('Cpus_allowed_list'), seen: /^0$/ },
  CpusetMems: { body: host({ CpusetMems: '63' }), says: /memory nodes are not available/ },
  'Devices.PathOnHost': {
    body: host({ Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/other', CgroupPermissions: 'rw' }] }),
    script: 'test -c /dev/other && (exec 3<>/dev/other) && echo opened',
    seen: /opened/,
  },
  'Devices.CgroupPermissions': {
    body: host({ Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'r' }] }),
    script: '(exec 3<>/dev/fuse) 2>/dev/null || echo refused; test -e /dev/fuse && echo there',
    seen: /refused\nthere/,
  },
  DeviceCgroupRules: {
    body: host({ DeviceCgroupRules: ['c 10:229 rwm'] }),
    script: 'mknod /d c 10 229; (exec 3<>/d) && echo opened',
    seen: /opened/,
  },
  DeviceRequests: {
    body: host({
      DeviceRequests: [{ Driver: 'x', Count: -1, DeviceIDs: ['0'], Capabilities: [['gpu']], Options: {} }],
    }),
    says: /could not select device driver "x"/,
  },
  KernelMemoryTCP: { body: host({ KernelMemoryTCP: 2 ** 25 }), says: /kernel memory/ },
  MemoryReservation: {
    body: host({ MemoryReservation: 2 ** 25 }),
    script: group('memory/memory.soft_limit_in_bytes', 'memory.low'),
    seen: /^33554432$/,
  },
  MemorySwap: {
    body: host({ Memory: 2 ** 25, MemorySwap: 2 ** 26 }),
    script: group('memory/memory.memsw.limit_in_bytes', 'memory.swap.max'),
    seen: /^(67108864|33554432)$/,
  },
  MemorySwappiness: {
    body: host({ MemorySwappiness: 7 }),
    script: 'cat /sys/fs/cgroup/memory/memory.swappiness',
    seen: /^7$/,
  },
  NanoCpus: { body: host({ NanoCpus: 5e8 }), script: group('cpu/cpu.cfs_quota_us', 'cpu.max'), seen: /^50000/ },
  OomKillDisable: {
    body: host({ OomKillDisable: true, Memory: 2 ** 25 }),
    script: 'cat /sys/fs/cgroup/memory/memory.oom_control',
    seen: /oom_kill_disable 1/,
  },
  Init: { body: host({ Init: true }), script: 'test $$ = 1 || echo child', seen: /^child$/ },
  PidsLimit: { body: host({ PidsLimit: 50 }), script: group('pids/pids.max', 'pids.max'), seen: /^50$/ },
  Ulimits: {
    body: host({ Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }] }),
    script: 'ulimit -n; ulimit -Hn',
    seen: /^100\n200$/,
  },
  CpuCount: { body: host({ CpuCount: 1 }), says: /CPU count/ },
  CpuPercent: { body: host({ CpuPercent: 10 }), says: /CPU percent/ },
  IOMaximumIOps: { body: host({ IOMaximumIOps: 5 }), says: /Maximum IO IOps/ },
  IOMaximumBandwidth: { body: host({ IOMaximumBandwidth: 5 }), says: /Maximum IO Bandwidth/ },

  Binds: { body: host({ Binds: ['FOLDER/tree:/b:ro'] }), script: mountsOf('/b'), seen: / \/b \S+ ro,/ },
  'LogConfig.Type': {
    body: host({ LogConfig: { Type: 'none', Config: {} } }),
    script: 'echo said',
    seen: /does not support reading/,
  },
  'LogConfig.Config': {
    body: host({ LogConfig: { Type: 'json-file', Config: { 'max-size': '1k', 'max-file': '1' } } }),
    script: 'i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done',
    seen: /^line 3\d\d\n[^]*line 399$/,
  },
  'LogConfig.Config of a driver that has none': {
    body: host({ LogConfig: { Type: 'none', Config: { 'max-size': '1k' } } }),
    says: /max-size/,
  },
  NetworkMode: {
    body: host({ NetworkMode: 'none' }),
    script: 'ls /sys/class/net | tr "\\n" " "; echo',
    seen: /^lo$/,
  },
  PortBindings: {
    body: host({ NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostPort: '18080' }] } }),
    shown: ({ HostConfig }) => HostConfig['PortBindings'],
    is: { '80/tcp': [{ HostIp: '', HostPort: '18080' }] },
  },
  RestartPolicy: {
    body: host({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 } }),
    script: 'exit 3',
    shown: ({ RestartCount, State }) => [RestartCount, State.Status],
    is: [1, 'exited'],
  },
  VolumeDriver: { body: host({ VolumeDriver: 'nosuch', Binds: ['named:/v'] }), says: /nosuch/ },
  VolumesFrom: { body: host({ VolumesFrom: ['donor'] }), script: mountsOf('/given'), seen: / \/given / },
  ConsoleSize: { body: host({ ConsoleSize: [33, 99] }, { Tty: true }), script: 'stty size', seen: /^33 99/ },
  CapAdd: { body: host({ CapAdd: ['NET_ADMIN'] }), script: status('CapEff'), seen: /a80435fb$/ },
  CapDrop: { body: host({ CapDrop: ['ALL'] }), script: status('CapEff'), seen: /^0+$/ },
  CgroupnsMode: { body: host({ CgroupnsMode: 'host' }), script: 'cat /proc/self/cgroup', seen: /[0-9a-f]{64}/ },
  Dns: { body: host({ Dns: ['192.0.2.1'] }), script: 'cat /etc/resolv.conf', seen: /^nameserver 192.0.2.1$/m },
  DnsOptions: { body: host({ DnsOptions: ['ndots:3'] }), script: 'cat /etc/resolv.conf', seen: /^options ndots:3$/m },
  DnsSearch: { body: host({ DnsSearch: ['a.test'] }), script: 'cat /etc/resolv.conf', seen: /^search a.test$/m },
  ExtraHosts: { body: host({ ExtraHosts: ['a:192.0.2.1'] }), script: 'cat /etc/hosts', seen: /^192.0.2.1\ta$/m },
  'ExtraHosts: host-gateway': {
    body: host({ ExtraHosts: ['gate:host-gateway'], NetworkMode: 'bridge' }),
    script: 'grep -c "^$(ip route | sed -n "s/^default via \\([^ ]*\\).*/\\1/p")[[:space:]]gate$" /etc/hosts',
    seen: /^1$/,
  },
  'ExtraHosts on the host’s network': {
    body: host({ ExtraHosts: ['a:192.0.2.1'], NetworkMode: 'host' }),
    script: 'cat /etc/hosts',
    seen: /^192.0.2.1\ta$/m,
  },
  GroupAdd: { body: host({ GroupAdd: ['77'] }), script: 'id -G', seen: /\b77\b/ },
  IpcMode: { body: host({ IpcMode: 'none' }), script: 'test -d /dev/shm && mount | grep -c /dev/shm', seen: /^(0|)$/ },
  Cgroup: { body: host({ Cgroup: 'container:donor' }), says: /Cgroup/ },
  Links: { body: host({ Links: ['donor:a'] }), says: /link/ },
  OomScoreAdj: { body: host({ OomScoreAdj: 300 }), script: 'cat /proc/self/oom_score_adj', seen: /^300$/ },
  PidMode: {
    body: host({ PidMode: 'container:donor' }),
    script: 'ps -o args | grep "^sleep 1000$"',
    seen: /sleep 1000/,
  },
  Privileged: { body: host({ Privileged: true }), script: status('Seccomp'), seen: /^0$/ },
  PublishAllPorts: {
    body: host({ PublishAllPorts: true }),
    shown: ({ HostConfig }) => HostConfig['PublishAllPorts'],
    is: true,
  },
  ReadonlyRootfs: {
    body: host({ ReadonlyRootfs: true }),
    script: 'touch /x 2>/dev/null || echo refused',
    seen: /refused/,
  },
  SecurityOpt: { body: host({ SecurityOpt: ['no-new-privileges'] }), script: status('NoNewPrivs'), seen: /^1$/ },
  StorageOpt: { body: host({ StorageOpt: { size: '1G' } }), says: /storage-opt/ },
  Tmpfs: { body: host({ Tmpfs: { '/t': 'size=1m' } }), script: mountsOf('/t'), seen: /size=1024k/ },
  UTSMode: { body: host({ UTSMode: 'host' }), script: 'readlink /proc/self/ns/uts', seen: /^MACHINE$/ },
  UsernsMode: { body: host({ UsernsMode: 'auto' }), script: 'cat /proc/self/uid_map', seen: /^0 +[1-9]\d+ +65536$/ },
  ShmSize: { body: host({ ShmSize: 2 ** 20 }), script: mountsOf('/dev/shm'), seen: /size=1024k/ },
  'ShmSize of another’s shared memory': {
    body: host({ ShmSize: 2 ** 20, IpcMode: 'container:donor' }),
    says: /ShmSize/,
  },
  'ShmSize of none': { body: host({ ShmSize: 2 ** 20, IpcMode: 'none' }), says: /ShmSize/ },
  Sysctls: {
    body: host({ Sysctls: { 'kernel.msgmax': '4096' } }),
    script: 'cat /proc/sys/kernel/msgmax',
    seen: /^4096$/,
  },
  Runtime: { body: host({ Runtime: 'nosuch' }), says: /runtime name: nosuch/ },
  Isolation: { body: host({ Isolation: 'process' }), says: /isolation/ },
  MaskedPaths: { body: host({ MaskedPaths: ['/etc/passwd'] }), script: 'wc -c < /etc/passwd', seen: /^0$/ },
  ReadonlyPaths: {
    body: host({ ReadonlyPaths: ['/tmp'] }),
    script: 'touch /tmp/x 2>/dev/null || echo refused',
    seen: /refused/,
  },

  'Mounts: a volume': {
    body: mount({ Type: 'volume', Source: 'vol', Target: '/m' }),
    script: mountsOf('/m'),
    seen: / \/m /,
  },
  'Mounts.ReadOnly': {
    body: mount({ Type: 'volume', Source: 'vol', Target: '/m', ReadOnly: true }),
    script: mountsOf('/m'),
    seen: / \/m \S+ ro,/,
  },
  'Mounts.Consistency': {
    body: mount({ Type: 'bind', Source: '/opt', Target: '/m', Consistency: 'sometimes' }),
    says: /consistency/i,
  },
  'Mounts.BindOptions.Propagation': {
    body: mount({ Type: 'bind', Source: 'FOLDER/tree/sub', Target: '/m', BindOptions: { Propagation: 'rslave' } }),
    script: "grep ' /m ' /proc/self/mountinfo",
    seen: /master:/,
  },
  'Mounts.BindOptions.NonRecursive': {
    body: mount({ Type: 'bind', Source: 'FOLDER/tree', Target: '/m', BindOptions: { NonRecursive: true } }),
    script: `${mountsOf('/m')} | wc -l`,
    seen: /^1$/,
  },
  'Mounts.BindOptions.CreateMountpoint': {
    body: mount({ Type: 'bind', Source: 'FOLDER/new', Target: '/m', BindOptions: { CreateMountpoint: true } }),
    script: mountsOf('/m'),
    seen: / \/m /,
  },
  'Mounts.BindOptions.ReadOnlyNonRecursive': {
    body: mount({
      ...{ Type: 'bind', Source: 'FOLDER/tree', Target: '/m', ReadOnly: true },
      BindOptions: { ReadOnlyNonRecursive: true },
    }),
    script: 'touch /m/sub/x && echo made; touch /m/x 2>/dev/null || echo refused',
    seen: /made\nrefused/,
  },
  'Mounts.BindOptions.ReadOnlyForceRecursive': {
    body: mount({
      ...{ Type: 'bind', Source: 'FOLDER/tree', Target: '/m', ReadOnly: true },
      BindOptions: { ReadOnlyForceRecursive: true },
    }),
    script: 'touch /m/sub/x',
    seen: /Read-only/,
  },
  'read-only bind options of what can be written': {
    body: mount({ Type: 'bind', Source: '/opt', Target: '/m', BindOptions: { ReadOnlyForceRecursive: true } }),
    says: /ReadOnlyForceRecursive/,
  },
  'Mounts.VolumeOptions.NoCopy': {
    body: mount({ Type: 'volume', Target: '/etc', VolumeOptions: { NoCopy: true } }),
    script: 'test -e /etc/passwd || echo none',
    seen: /none/,
  },
  'Mounts.VolumeOptions.DriverConfig': {
    body: mount({ Type: 'volume', Target: '/m', VolumeOptions: { DriverConfig: { Name: 'nosuch', Options: {} } } }),
    says: /nosuch/,
  },
  'Mounts.VolumeOptions.DriverConfig.Options': {
    body: mount({
      ...{ Type: 'volume', Target: '/m' },
      VolumeOptions: { DriverConfig: { Name: 'local', Options: { colour: 'red' } } },
    }),
    says: /colour/,
  },
  'Mounts.VolumeOptions.Subpath': {
    body: mount({ Type: 'volume', Source: 'vol', Target: '/m', VolumeOptions: { Subpath: '../a' } }),
    says: /subpath must be a relative path/,
  },
  'Mounts.TmpfsOptions': {
    body: mount({
      ...{ Type: 'tmpfs', Target: '/m' },
      TmpfsOptions: { SizeBytes: 2 ** 20, Mode: 0o700, Options: [['uid', '5']] },
    }),
    script: mountsOf('/m'),
    seen: /size=1024k,.*mode=700,.*uid=5/,
  },
  'options of another type: TmpfsOptions of a bind': {
    body: mount({ Type: 'bind', Source: '/opt', Target: '/m', TmpfsOptions: { SizeBytes: 5 } }),
    says: /TmpfsOptions must not be specified/,
  },
  'options of another type: VolumeOptions of a tmpfs': {
    body: mount({ Type: 'tmpfs', Target: '/m', VolumeOptions: { NoCopy: true } }),
    says: /VolumeOptions must not be specified/,
  },
  'IPAMConfig.IPv4Address': { body: here({ IPAMConfig: { IPv4Address: '172.17.0.9' } }), says: /IP address/ },
  'IPAMConfig.IPv6Address': { body: here({ IPAMConfig: { IPv6Address: '2001:db8::9' } }), says: /IP address/ },
  'IPAMConfig.LinkLocalIPs': { body: here({ IPAMConfig: { LinkLocalIPs: ['169.254.0.9'] } }), says: /link-local/ },
  'EndpointsConfig.Links': { body: here({ Links: ['donor:a'] }), says: /link/ },
  'EndpointsConfig.MacAddress': {
    body: host({ NetworkMode: 'bridge' }, here({ MacAddress: '02:42:ac:11:00:06' })),
    script: 'cat /sys/class/net/eth0/address',
    seen: /^02:42:ac:11:00:06$/,
  },
  'EndpointsConfig.Aliases': { body: here({ Aliases: ['a'] }), says: /alias/ },
  'EndpointsConfig.DriverOpts': { body: here({ DriverOpts: { a: 'b' } }), says: /driver option/i },
};

/** Proven elsewhere, or nothing that a container could show of itself. */
const ELSEWHERE: Record<string, string> = {
  ...{ Cmd: 'every test here', Image: 'every test here' },
  ...{ AttachStdin: 'what the client says of itself; shown', AttachStdout: 'the same', AttachStderr: 'the same' },
  StdinOnce: 'containers.test.ts: input through the CLI is read to its end',
  'HostConfig.ContainerIDFile': 'the client writes it; shown',
  'HostConfig.AutoRemove': 'life.test.ts',
  'HostConfig.Annotations': 'for other runtimes; shown',
  'HostConfig.Mounts.VolumeOptions.Labels': 'volumes.test.ts',
};
const OUTPUTS = /^NetworkingConfig\.EndpointsConfig\.(NetworkID|EndpointID|Gateway|IP\w+|Global\w+|DNSNames)$/;

async function create(name: string, body: object) {
  const text = JSON.stringify({ Image: 'busybox:test', ...body })
    .replaceAll('FOLDER', folder)
    .replaceAll('DISK', disk.device);
  const { socket } = engine;
  const answer = await request(socket, 'POST', `/v1.47/containers/create?name=${name}`, JSON.parse(text) as object);
  return {
    status: answer.status,
    ...(JSON.parse(answer.body.toString()) as { message?: string; Warnings?: string[] }),
  };
}

async function output(name: string, tty: boolean): Promise<string> {
  const { status, body } = await request(engine.socket, 'GET', `/containers/${name}/logs?stdout=1&stderr=1`);
  if (tty || status !== 200) return body.toString().trim();
  let text = '';
  for (let at = 0; at < body.length; at += 8 + body.readUInt32BE(at + 4))
    text += body.toString('utf8', at + 8, at + 8 + body.readUInt32BE(at + 4));
  return text.trim();
}

/** What the container prints, and how it is shown then. */
async function lived(name: string, body: Wish['body'], script: string): Promise<[text: string, inspect: Inspect]> {
  const { socket } = engine;
  const ask = (method: string, url: string) => request(socket, method, `/containers/${name}${url}`);
  const HostConfig = { NetworkMode: 'none', ...(body['HostConfig'] as object | undefined) };
  const made = await create(name, { Cmd: ['sh', '-c', script], ...body, HostConfig });
  assert.equal(made.status, 201, made.message);
  assert.deepEqual(made.Warnings, []);
  const started = await ask('POST', '/start');
  if (script.includes('/ready')) {
    while ((await ask('HEAD', '/archive?path=/ready')).status !== 200);
    await ask('POST', '/stop');
  }
  // The health is that of a container that runs.
  const looking = script.startsWith('sleep');
  const inspect = async () => JSON.parse((await ask('GET', '/json')).body.toString()) as Inspect;
  let seen = await inspect();
  for (let tries = 0; tries < 1000; tries++) {
    if (looking ? seen.State.Health?.Status !== 'starting' : !/running|restarting/.test(seen.State.Status)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen = await inspect();
  }
  const text = started.status === 204 ? await output(name, body['Tty'] === true) : started.body.toString();
  await request(socket, 'DELETE', `/containers/${name}?force=1&v=1`);
  return [text, seen];
}

for (const [name, wish] of Object.entries(wishes))
  test(name, { skip, timeout: 300_000 }, async () => {
    const { body, says, script = 'true', seen, shown, is } = wish;
    const called = `c-${Object.keys(wishes).indexOf(name)}`;
    if (says) {
      const { status, message, Warnings } = await create(called, { Cmd: ['true'], ...body });
      await request(engine.socket, 'DELETE', `/containers/${called}?force=1&v=1`);
      assert.match(status === 201 ? (Warnings ?? []).join('\n') : (message ?? ''), says);
      return;
    }
    const [text, inspect] = await lived(called, body, script);
    if (shown) assert.deepEqual(shown(inspect), is, text);
    if (!seen) return;
    const machine = (await run('readlink', [`/proc/${engine.process.pid}/ns/uts`])).stdout.trim();
    const expected = new RegExp(seen.source.replace('MACHINE', machine.replace(/[[\]]/g, '\\$&')), seen.flags);
    assert.match(text, expected);
    // The same of a container that wishes nothing would prove nothing.
    const usual = /^Network/.test(name) ? host({ NetworkMode: 'bridge' }) : {};
    const bare = await lived(`${called}-bare`, usual, script.replaceAll('/ready', '/tmp').replace(/while.*/, ''));
    assert.doesNotMatch(bare[0], expected);
  });

test('no field that is published is missing here', async () => {
  interface Schema {
    $ref?: string;
    allOf?: Schema[];
    items?: Schema;
    properties?: Record<string, Schema>;
  }
  const file = path.join(root, 'e2e/engine/schema/engine-api-1.47.json');
  const { definitions } = JSON.parse(await readFile(file, 'utf8')) as { definitions: Record<string, Schema> };
  const fields = (schema: Schema, at: string[]): string[] => {
    const { $ref, allOf = [], items, properties } = schema;
    if ($ref) return fields(definitions[$ref.split('/').at(-1) ?? ''] ?? {}, at);
    if (items) return fields(items, at);
    const inner = [...allOf.flatMap((part) => fields(part, at)), ...below(properties ?? {}, at)];
    return inner.length > 0 || at.length === 0 ? inner : [at.join('.')];
  };
  const below = (properties: Record<string, Schema>, at: string[]): string[] =>
    Object.entries(properties).flatMap(([name, schema]) => fields(schema, [...at, name]));
  const published = [
    ...fields({ $ref: 'ContainerConfig' }, []),
    ...fields({ $ref: 'HostConfig' }, ['HostConfig']),
    ...fields({ $ref: 'EndpointSettings' }, ['NetworkingConfig', 'EndpointsConfig']),
  ];
  const wished = new Set<string>();
  const note = (value: unknown, at: string[]): void => {
    wished.add(at.join('.'));
    if (Array.isArray(value)) value.forEach((one) => note(one, at));
    else if (typeof value === 'object' && value)
      for (const [key, inner] of Object.entries(value)) note(inner, key === 'bridge' ? at : [...at, key]);
  };
  for (const { body } of Object.values(wishes)) note(body, []);
  const missing = published.filter((field) => !wished.has(field) && !ELSEWHERE[field] && !OUTPUTS.test(field));
  assert.deepEqual(missing, []);
});
