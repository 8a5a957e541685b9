/** Everything a container can be created with, beside Debian's dockerd: what each answers, warns of and shows; then what each option does. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadBusybox, request, startDockerd, startEngine, type RunningEngine } from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 && 'needs root';
let ours: RunningEngine;
let theirs: Awaited<ReturnType<typeof startDockerd>>;

before(async () => {
  if (skip) return;
  [ours, theirs] = await Promise.all([startEngine(), startDockerd()]);
  await Promise.all([loadBusybox(ours), loadBusybox(theirs)]);
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

interface Answer {
  status: number;
  message?: string;
  warnings?: string[];
  hostConfig?: Record<string, unknown>;
  config?: Record<string, unknown>;
  mounts?: unknown[];
}

const MB = 2 ** 20;
const host = (HostConfig: object, more: object = {}) => ({ HostConfig, ...more });

/** Version 1.41 is the newest that both speak. */
async function create({ socket }: { socket: string }, body: object): Promise<Answer> {
  const whole = { Image: 'busybox:test', Cmd: ['true'], ...body };
  const answer = await request(socket, 'POST', '/v1.41/containers/create', whole);
  const said = JSON.parse(answer.body.toString()) as { Id: string; Warnings: string[]; message: string };
  if (answer.status !== 201) return { status: answer.status, message: said.message };
  const shown = await request(socket, 'GET', `/v1.41/containers/${said.Id}/json`);
  const seen = JSON.parse(shown.body.toString()) as {
    HostConfig: Record<string, unknown>;
    Config: Record<string, unknown>;
    Mounts: { Destination: string; Type: string; Name?: string; Source: string }[];
  };
  await request(socket, 'DELETE', `/v1.41/containers/${said.Id}?force=1&v=1`);
  const place = (text: string) => text.replace(/^.*\/volumes\/[0-9a-f]{64}\//, 'D/').replace(/^.*\/volumes\//, 'D/');
  const mounts = seen.Mounts.map((mount) => ({
    ...mount,
    Source: place(mount.Source),
    ...(mount.Name && { Name: mount.Name.replace(/^[0-9a-f]{64}$/, 'ID') }),
  })).sort((a, b) => (a.Destination < b.Destination ? -1 : 1));
  const { Hostname, ...config } = seen.Config;
  return {
    status: answer.status,
    warnings: said.Warnings ?? [],
    hostConfig: seen.HostConfig,
    config: { ...config, Hostname: Hostname === said.Id.slice(0, 12) ? 'ID' : Hostname },
    mounts,
  };
}

const cases: Record<string, object> = {
  nothing: {},
  memory: host({ Memory: 64 * MB }),
  'memory and swap': host({ Memory: 64 * MB, MemorySwap: 128 * MB, MemoryReservation: 32 * MB }),
  'unlimited swap': host({ Memory: 64 * MB, MemorySwap: -1 }),
  swappiness: host({ MemorySwappiness: 30 }),
  'swappiness of -1': host({ MemorySwappiness: -1 }),
  'too little memory': host({ Memory: 1000 }),
  'swap below memory': host({ Memory: 64 * MB, MemorySwap: 32 * MB }),
  'swap without memory': host({ MemorySwap: 32 * MB }),
  'swappiness too high': host({ MemorySwappiness: 101 }),
  'reservation above memory': host({ Memory: 64 * MB, MemoryReservation: 128 * MB }),
  'OOM killer off': host({ OomKillDisable: true }),
  'OOM killer off with a limit': host({ OomKillDisable: true, Memory: 64 * MB }),
  'OOM score': host({ OomScoreAdj: 500 }),
  'OOM score out of range': host({ OomScoreAdj: 1001 }),
  cpus: host({ NanoCpus: 5e8 }),
  'too many cpus': host({ NanoCpus: 5e12 }),
  'cpus and a quota': host({ NanoCpus: 5e8, CpuQuota: 50000 }),
  'cpus and a period': host({ NanoCpus: 5e8, CpuPeriod: 50000 }),
  'a quota and a period': host({ CpuQuota: 50000, CpuPeriod: 100000 }),
  'a period too short': host({ CpuPeriod: 10 }),
  'a quota too short': host({ CpuQuota: 10 }),
  shares: host({ CpuShares: 512 }),
  'percent of a cpu': host({ CpuPercent: 10 }),
  cpuset: host({ CpusetCpus: '0', CpusetMems: '0' }),
  'cpuset beyond': host({ CpusetCpus: '900' }),
  'cpuset nonsense': host({ CpusetCpus: 'a' }),
  pids: host({ PidsLimit: 10 }),
  'pids unlimited': host({ PidsLimit: -1 }),
  'pids of zero': host({ PidsLimit: 0 }),
  'block I/O rates': host({ BlkioDeviceReadBps: [{ Path: '/dev/vda', Rate: 1024 }] }),
  'block I/O weight out of range': host({ BlkioWeight: 5 }),
  ulimits: host({ Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }] }),
  devices: host({ Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/x', CgroupPermissions: 'rwm' }] }),
  'device rules': host({ DeviceCgroupRules: ['c 1:3 rw'] }),
  capabilities: host({ CapAdd: ['NET_ADMIN', 'CAP_SYS_TIME'], CapDrop: ['all'] }),
  'an unknown capability': host({ CapAdd: ['FOO'] }),
  'an unknown capability dropped': host({ CapDrop: ['FOO'] }),
  privileged: host({ Privileged: true }),
  'no new privileges': host({ SecurityOpt: ['no-new-privileges'] }),
  'no new privileges: false': host({ SecurityOpt: ['no-new-privileges:false'] }),
  'no new privileges: nonsense': host({ SecurityOpt: ['no-new-privileges:maybe'] }),
  'no filter': host({ SecurityOpt: ['seccomp=unconfined'] }),
  'a security option without a value': host({ SecurityOpt: ['foo'] }),
  'an unknown security option': host({ SecurityOpt: ['foo=bar'] }),
  'no label': host({ SecurityOpt: ['label=disable'] }),
  'read-only root': host({ ReadonlyRootfs: true }),
  tmpfs: host({ Tmpfs: { '/t': 'size=1m' } }),
  'shm size': host({ ShmSize: 32 * MB }),
  'shm size below zero': host({ ShmSize: -1 }),
  sysctls: host({ Sysctls: { 'net.ipv4.ip_forward': '1' } }),
  init: host({ Init: true }),
  'host namespaces': host({ PidMode: 'host', IpcMode: 'host', UTSMode: 'host', NetworkMode: 'host' }),
  'no network': host({ NetworkMode: 'none' }),
  'a container of no name': host({ NetworkMode: 'container:' }),
  'a cgroup namespace of an unknown kind': host({ CgroupnsMode: 'foo' }),
  'a private cgroup namespace': host({ CgroupnsMode: 'private' }),
  'hostname and domain name': { Hostname: 'h', Domainname: 'd' },
  'hostname with the UTS mode': host({ UTSMode: 'host' }, { Hostname: 'h' }),
  dns: host({ Dns: ['1.1.1.1'], DnsSearch: ['a.b'], DnsOptions: ['ndots:1'] }),
  hosts: host({ ExtraHosts: ['a:1.2.3.4', 'b:host-gateway'] }),
  'a host without an address': host({ ExtraHosts: ['a'] }),
  'a host with a wrong address': host({ ExtraHosts: ['a:b'] }),
  groups: host({ GroupAdd: ['web', '12'] }),
  'user, directory, entry point': { User: 'app:web', WorkingDir: '/tmp/', Entrypoint: ['sh', '-c'] },
  'a relative directory': { WorkingDir: 'a' },
  'labels and variables': { Labels: { a: 'b' }, Env: ['A=1', 'B'] },
  'a variable without a name': { Env: ['=a'] },
  'stop signal and time': { StopSignal: 'SIGINT', StopTimeout: 3 },
  'a stop signal that is none': { StopSignal: 'FOO' },
  'restart always': host({ RestartPolicy: { Name: 'always' } }),
  'restart on failure': host({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } }),
  'restart always, three times': host({ RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } }),
  'restart on failure, fewer than none': host({ RestartPolicy: { Name: 'on-failure', MaximumRetryCount: -3 } }),
  'restart at will': host({ RestartPolicy: { Name: 'foo' } }),
  'restart and remove': host({ AutoRemove: true, RestartPolicy: { Name: 'always' } }),
  'health check': { Healthcheck: { Test: ['CMD', 'true'], Interval: 1e9, Timeout: 1e9, Retries: 2, StartPeriod: 1e9 } },
  'no health check': { Healthcheck: { Test: ['NONE'] } },
  'health check too often': { Healthcheck: { Interval: 10 } },
  'health check with no time': { Healthcheck: { Timeout: 10 } },
  'health check with a late start': { Healthcheck: { StartPeriod: 10 } },
  'health check with less than no retries': { Healthcheck: { Retries: -1 } },
  'log sizes': host({ LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } } }),
  'no log': host({ LogConfig: { Type: 'none' } }),
  'a log option that is none': host({ LogConfig: { Type: 'json-file', Config: { foo: '1' } } }),
  'a log driver that is none': host({ LogConfig: { Type: 'foo' } }),
  'a log mode that is none': host({ LogConfig: { Type: 'json-file', Config: { mode: 'foo' } } }),
  'a log buffer without its mode': host({ LogConfig: { Type: 'json-file', Config: { 'max-buffer-size': '1m' } } }),
  isolation: host({ Isolation: 'hyperv' }),
  'I/O on Windows': host({ IOMaximumIOps: 5 }),
  'storage options': host({ StorageOpt: { size: '1G' } }),
  binds: host({ Binds: ['/etc:/e', '/usr:/u:ro', '/tmp:/t:rw,rslave'] }),
  volumes: host({ Binds: ['named:/n', 'other:/o:ro,nocopy', '/anon'] }),
  'a volume of the image form': { Volumes: { '/v': {}, '/w/../x': {} } },
  'mounts of each type': host({
    Mounts: [
      { Type: 'bind', Source: '/etc', Target: '/e', ReadOnly: true, BindOptions: { Propagation: 'rshared' } },
      { Type: 'volume', Source: 'named', Target: '/n' },
      { Type: 'volume', Target: '/a' },
      { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: MB, Mode: 0o700 } },
    ],
  }),
  'an unknown mode': host({ Binds: ['/a:/b:foo'] }),
  'a mode twice': host({ Binds: ['/a:/b:ro,rw'] }),
  'a bind without first content': host({ Binds: ['/a:/b:nocopy'] }),
  'a volume that shares its mounts': host({ Binds: ['named:/n:rshared'] }),
  'a tmpfs at no absolute path': host({ Tmpfs: { a: '' } }),
  'no destination': host({ Binds: ['/a:'] }),
  'four parts': host({ Binds: ['/a:/b:ro:x'] }),
  'the root as destination': host({ Binds: ['/a:/'] }),
  'a relative destination': host({ Binds: ['/a:b'] }),
  'one destination twice': host({ Binds: ['/etc:/b', '/usr:/b'] }),
  'a bind where a tmpfs is': host({ Binds: ['/etc:/b'], Tmpfs: { '/b': '' } }),
  'a volume of a bad name': host({ Binds: ['a b:/x'] }),
  'a mount of no type': host({ Mounts: [{ Target: '/x' }] }),
  'a mount without a target': host({ Mounts: [{ Type: 'bind', Source: '/etc' }] }),
  'a mount of what is not there': host({ Mounts: [{ Type: 'bind', Source: '/nothing', Target: '/x' }] }),
  'a mount of what is in no directory': host({ Mounts: [{ Type: 'bind', Source: '/etc/passwd/x', Target: '/x' }] }),
  'a mount of a relative source': host({ Mounts: [{ Type: 'bind', Source: 'etc', Target: '/x' }] }),
  'a mount without a source': host({ Mounts: [{ Type: 'bind', Target: '/x' }] }),
  'a mount of an unknown propagation': host({
    Mounts: [{ Type: 'bind', Source: '/etc', Target: '/x', BindOptions: { Propagation: 'foo' } }],
  }),
  'a mount with the options of another': host({
    Mounts: [{ Type: 'bind', Source: '/etc', Target: '/x', VolumeOptions: {} }],
  }),
  'a tmpfs with a source': host({ Mounts: [{ Type: 'tmpfs', Source: '/etc', Target: '/x' }] }),
  'an anonymous volume to read only': host({ Mounts: [{ Type: 'volume', Target: '/x', ReadOnly: true }] }),
  'volumes from nobody': host({ VolumesFrom: ['nobody'] }),
  'volumes from nobody in a mode': host({ VolumesFrom: ['nobody:foo'] }),
  "compose's way": {
    ...{ Labels: { 'com.docker.compose.project': 'p' }, Entrypoint: null, Volumes: null, ExposedPorts: null },
    HostConfig: {
      ...{ Binds: null, PortBindings: {}, Links: null, VolumesFrom: null, Mounts: null, NetworkMode: 'bridge' },
      ...{ RestartPolicy: { Name: '' }, LogConfig: { Type: '', Config: null }, Ulimits: null, Dns: null, Tmpfs: null },
    },
    NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig: null, Links: null, Aliases: null } } },
  },
  'no endpoint settings': { NetworkingConfig: { EndpointsConfig: { bridge: null } } },
  'two endpoints': { NetworkingConfig: { EndpointsConfig: { bridge: {}, host: {} } } },
};

/** What every container shows otherwise, and why. */
function alike(answer: Answer, ours: boolean): Answer {
  const { hostConfig, ...rest } = answer;
  if (!hostConfig) return answer;
  const {
    CgroupnsMode, // private here on cgroup v1 too, since it can be
    Runtime, // each has its own name for its own
    MaskedPaths, // as newer versions of dockerd mask them
    RestartPolicy, // `no` where nothing is said, as newer versions say it
    ...same
  } = hostConfig as Record<string, unknown> & { RestartPolicy: { Name: string } };
  if (ours) assert.equal(Runtime, 'slipway');
  else assert.ok(Runtime === 'runc' || Runtime === undefined);
  assert.ok(['private', 'host'].includes(String(CgroupnsMode)));
  assert.equal(MaskedPaths === null || Array.isArray(MaskedPaths), true);
  return { ...rest, hostConfig: { ...same, RestartPolicy: { ...RestartPolicy, Name: RestartPolicy.Name || 'no' } } };
}

const BLAME = 'a mistake of the request, which dockerd answers with 500';
/** Where we mean to answer otherwise: why, and what. */
const differences: Record<string, { why: string; ours: Partial<Answer> }> = {
  ...Object.fromEntries(
    [
      ...['no new privileges: nonsense', 'a security option without a value', 'an unknown security option'],
      ...['isolation', 'storage options', 'an unknown mode', 'a mode twice', 'no destination', 'four parts'],
      ...['the root as destination', 'a relative destination', 'a bind without first content'],
      'a volume that shares its mounts',
    ].map((name) => [name, { why: BLAME, ours: { status: 400 } }]),
  ),
  'I/O on Windows': {
    why: 'one sentence for both, where dockerd has three',
    ours: {
      status: 400,
      message: 'Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps',
    },
  },
  'block I/O weight out of range': {
    why: 'dockerd does not know the weights of the scheduler that this kernel has, and drops them',
    ours: { status: 400, message: 'Range of blkio weight is from 10 to 1000' },
  },
  'two endpoints': {
    why: 'in the words of newer versions',
    ours: { status: 400, message: 'Container cannot be created with multiple network endpoints: bridge, host' },
  },
};

for (const [name, body] of Object.entries(cases)) {
  test(`create: ${name}`, { skip }, async () => {
    const [own, other] = await Promise.all([create(ours, body), create(theirs, body)]);
    const difference = differences[name];
    if (!difference) return assert.deepEqual(alike(own, true), alike(other, false));
    const { status, message } = own;
    assert.deepEqual({ status, message }, { status, message: other.message, ...difference.ours });
    assert.notDeepEqual(
      { status, message },
      { status: other.status, message: other.message },
      'no difference any more',
    );
  });
}
