import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerCreate } from '../../contract/containers.js';
import type { ImageConfig } from '../../contract/images.js';
import type { HelperHello } from '../helper/index.js';
import { capabilitiesOf } from './capabilities.js';
import { DetachKeys, parseDetachKeys } from './detach-keys.js';
import { checkedName, inventName } from './names.js';
import { resolvConfOf } from './network-files.js';
import { argumentsOf } from './config.js';
import { logLimits } from './log-options.js';
import { planContainer } from './plan.js';
import { securityOptions } from './security.js';
import { NEVER, type ContainerRecord } from './record.js';
import { nextDelay, wantsRestart } from './restart-policy.js';
import { parseProfile, resolveProfile, Seccomp, type SeccompProfile } from './seccomp.js';
import { signalNumber } from './signals.js';
import { buildSpec, mergeEnvironment, specText } from './spec.js';
import { startFailure } from './start-failure.js';
import { inWords, statusInWords } from './words.js';

const hello: HelperHello = {
  version: 1,
  pid: 1,
  rootless: false,
  uidMap: [],
  gidMap: [],
  cgroup: { version: 1, controllers: ['memory', 'cpu', 'pids', 'cpuset'], limits: true },
  overlay: { native: true, userxattr: false, idmapped: true },
  apparmor: false,
  kernel: '6.18.0',
  warnings: [],
};
const id = 'c0ffee'.padEnd(64, '0');
const imageOf = () => ({ id: 'sha256:1', chainId: 'sha256:2' });
const plan = (body: ContainerCreate = {}, image: ImageConfig = {}, machine = hello) =>
  planContainer(id, { Image: 'busybox', Cmd: ['sh'], ...body }, image, { hello: machine, mountsOf: () => [], imageOf });

test('the request wins and the image fills what it left open', async () => {
  const image: ImageConfig = {
    Env: ['A=image', 'B=image'],
    Cmd: ['serve'],
    Entrypoint: ['/entry'],
    User: 'app',
    WorkingDir: '/srv',
    Labels: { a: 'image', b: 'image' },
    StopSignal: 'SIGINT',
    ExposedPorts: { '80/tcp': {} },
  };
  const { config } = await plan({ Cmd: [], Env: ['A=own'], Labels: { a: 'own' } }, image);
  assert.deepEqual(argumentsOf(config), ['/entry', 'serve']);
  assert.deepEqual(config.Env, ['A=own', 'B=image']);
  assert.deepEqual(config.Labels, { a: 'own', b: 'image' });
  assert.deepEqual([config.User, config.WorkingDir, config.StopSignal], ['app', '/srv', 'SIGINT']);
  assert.deepEqual(config.ExposedPorts, { '80/tcp': {} });
  assert.equal(config.Hostname, id.slice(0, 12));
  assert.deepEqual(argumentsOf((await plan({ Cmd: ['x'] }, image)).config), ['/entry', 'x']);
  // An entrypoint of one's own takes the image's command away too; an empty one takes the entrypoint away.
  assert.deepEqual(argumentsOf((await plan({ Cmd: [], Entrypoint: ['y'] }, image)).config), ['y']);
  assert.deepEqual(argumentsOf((await plan({ Cmd: ['x'], Entrypoint: [''] }, image)).config), ['x']);
  await assert.rejects(plan({ Cmd: [], Entrypoint: [''] }, image), {
    kind: 'invalid',
    message: 'No command specified',
  });
});

test("Docker's checks are made in Docker's words", async () => {
  const bad: [ContainerCreate, string][] = [
    [
      { HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } } },
      "can't create 'AutoRemove' container with restart policy",
    ],
    [
      { HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } } },
      "maximum retry count cannot be used with restart policy 'always'",
    ],
    [{ HostConfig: { Memory: 1000 } }, 'Minimum memory limit allowed is 6MB'],
    [
      { HostConfig: { MemorySwap: 100 } },
      'You should always set the Memory limit when using Memoryswap limit, see usage',
    ],
    [{ HostConfig: { CapAdd: ['FOO'] } }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
    [{ WorkingDir: 'rel' }, "the working directory 'rel' is invalid, it needs to be an absolute path"],
    [{ Env: ['=x'] }, 'invalid environment variable: =x'],
    [{ StopSignal: 'FOO' }, 'Invalid signal: FOO'],
    [
      { HostConfig: { LogConfig: { Type: 'foo', Config: {} } } },
      'error looking up logging plugin foo: plugin "foo" not found',
    ],
    [
      { HostConfig: { LogConfig: { Type: 'json-file', Config: { foo: '1' } } } },
      "unknown log opt 'foo' for json-file log driver",
    ],
    [{ HostConfig: { ShmSize: -1 } }, 'SHM size can not be less than 0'],
    [{ HostConfig: { OomScoreAdj: 2000 } }, 'Invalid value 2000, range for oom score adj is [-1000, 1000]'],
    [{ HostConfig: { SecurityOpt: ['foo'] } }, 'invalid --security-opt 1: "foo"'],
    [{ HostConfig: { SecurityOpt: ['foo=bar'] } }, 'invalid --security-opt 2: "foo=bar"'],
    [{ HostConfig: { Binds: ['/a:/b:zz'] } }, 'invalid mode: zz'],
    [{ HostConfig: { Binds: ['/a:/b', '/c:/b/'] } }, 'Duplicate mount point: /b'],
    [
      { HostConfig: { Binds: ['/a:/'] } },
      `invalid volume specification: '/a:/': invalid mount config for type "bind": invalid specification: destination can't be '/'`,
    ],
  ];
  for (const [body, message] of bad) await assert.rejects(plan(body), { kind: 'invalid', message }, message);
});

test('what this version cannot do is refused by name', async () => {
  await assert.rejects(plan({ HostConfig: { Links: ['a:b'] } }), { kind: 'not-implemented' });
  const ordinary = { ...hello, rootless: true };
  const published: ContainerCreate['HostConfig'][] = [
    { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } },
    { PublishAllPorts: true },
  ];
  for (const HostConfig of published)
    await assert.rejects(plan({ HostConfig }, {}, ordinary), { kind: 'not-implemented', message: /need root/ });
});

test('ports that are none are refused', async () => {
  for (const [port, HostIp, HostPort] of [
    ['x/tcp', '', '1'],
    ['80/tcp', '', 'x'],
    ['80/what', '', '1'],
    ['0/tcp', '', '1'],
    ['80/tcp', 'host', '1'],
    ['80/tcp', '', '9-8'],
    ['80/tcp', '', '70000'],
  ] as const) {
    const HostConfig = { PortBindings: { [port]: [{ HostIp, HostPort }] } };
    await assert.rejects(plan({ HostConfig }), { kind: 'invalid' }, port);
  }
});

test('limits that the machine cannot enforce are dropped with a warning', async () => {
  const weak = { ...hello, cgroup: { ...hello.cgroup, limits: false } };
  const wish = { Memory: 64 * 2 ** 20, NanoCpus: 5e8, PidsLimit: 10, CpusetCpus: '0' };
  const { hostConfig, warnings } = await plan({ HostConfig: wish }, {}, weak);
  assert.equal(warnings.length, 4);
  assert.deepEqual(
    [hostConfig.Memory, hostConfig.MemorySwap, hostConfig.NanoCpus, hostConfig.PidsLimit],
    [0, 0, 0, null],
  );
  assert.deepEqual((await plan({ HostConfig: wish })).warnings, []);
  assert.equal((await plan({ HostConfig: wish })).hostConfig.MemorySwap, 128 * 2 ** 20);
});

test('a log rotates, at ten megabytes and three files unless its options say otherwise', () => {
  assert.deepEqual(logLimits({}), { maxSize: 10 * 2 ** 20, maxFile: 3 });
  assert.deepEqual(logLimits({ 'max-size': '1k' }), { maxSize: 1024, maxFile: 1 });
  assert.deepEqual(logLimits({ 'max-size': '-1' }), { maxSize: 0, maxFile: 1 });
  assert.deepEqual(logLimits({ 'max-size': '10m', 'max-file': '3' }), { maxSize: 10 * 2 ** 20, maxFile: 3 });
  assert.throws(() => logLimits({ 'max-size': 'lots' }), { kind: 'invalid' });
});

test('capabilities are the default ones, more, fewer, all or none', () => {
  const of = (CapAdd: string[] | null, CapDrop: string[] | null, Privileged = false) =>
    capabilitiesOf({ CapAdd, CapDrop, Privileged }, 40);
  assert.equal(of(null, null).length, 14);
  assert.ok(of(['net_admin'], null).includes('CAP_NET_ADMIN'));
  assert.ok(!of(null, ['CAP_CHOWN']).includes('CAP_CHOWN'));
  assert.deepEqual(of(null, ['ALL']), []);
  assert.deepEqual(of(['CHOWN'], ['all']), ['CAP_CHOWN']);
  assert.equal(of(['ALL'], null).length, 41);
  assert.equal(of(['ALL'], ['SYS_ADMIN']).length, 40);
  assert.equal(of(null, null, true).length, 41);
});

test('names are checked, and invented ones are valid', () => {
  assert.equal(checkedName('/web_1'), 'web_1');
  assert.throws(() => checkedName('a'), { kind: 'invalid', message: /Invalid container name \(a\)/ });
  for (let i = 0; i < 100; i++) assert.match(checkedName(inventName()), /^[a-z]+_[a-z]+$/);
});

test('signals are known by name, short name, number and real-time offset', () => {
  assert.deepEqual(['TERM', 'sigkill', '9', 'SIGRTMIN+3', 'RTMAX'].map(signalNumber), [15, 9, 9, 37, 64]);
  for (const bad of ['FOO', '0', '65', 'RTMIN+31', '']) assert.throws(() => signalNumber(bad), { kind: 'invalid' });
});

test('durations and states are worded as Docker words them', () => {
  const s = 1000;
  const words: [number, string][] = [
    [0, 'Less than a second'], [s, '1 second'], [59 * s, '59 seconds'], [60 * s, 'About a minute'], [119 * s, 'About a minute'],
    [120 * s, '2 minutes'], [3600 * s, 'About an hour'], [5400 * s, '2 hours'], [47 * 3600 * s, '47 hours'],
    [48 * 3600 * s, '2 days'], [14 * 86400 * s, '2 weeks'], [60 * 86400 * s, '2 months'], [731 * 86400 * s, '2 years'],
  ]; // prettier-ignore
  for (const [duration, expected] of words) assert.equal(inWords(duration), expected);
  const at = { exitCode: 3, startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:01:30Z' };
  const now = Date.parse('2026-01-01T00:03:00Z');
  assert.equal(statusInWords({ ...at, status: 'running' }, now), 'Up 3 minutes');
  assert.equal(statusInWords({ ...at, status: 'paused' }, now), 'Up 3 minutes (Paused)');
  assert.equal(statusInWords({ ...at, status: 'exited' }, now), 'Exited (3) About a minute ago');
  assert.equal(statusInWords({ ...at, status: 'restarting' }, now), 'Restarting (3) About a minute ago');
  assert.equal(statusInWords({ ...at, status: 'created' }, now), 'Created');
});

test('restart policies decide by exit status, count and who stopped it', () => {
  const run = { exitCode: 1, restartCount: 0, stoppedByHand: false };
  const policy = (Name: 'always' | 'unless-stopped' | 'on-failure' | 'no', MaximumRetryCount = 0) => ({
    Name,
    MaximumRetryCount,
  });
  assert.equal(wantsRestart(policy('no'), run), false);
  assert.equal(wantsRestart(policy('always'), { ...run, exitCode: 0, stoppedByHand: true }), true);
  assert.equal(wantsRestart(policy('unless-stopped'), { ...run, stoppedByHand: true }), false);
  assert.equal(wantsRestart(policy('on-failure'), { ...run, exitCode: 0 }), false);
  assert.equal(wantsRestart(policy('on-failure', 2), { ...run, restartCount: 1 }), true);
  assert.equal(wantsRestart(policy('on-failure', 2), { ...run, restartCount: 2 }), false);
  assert.deepEqual(
    [nextDelay(0, 0), nextDelay(100, 500), nextDelay(50_000, 0), nextDelay(800, 20_000)],
    [100, 200, 60_000, 100],
  );
});

test('detach keys are found across chunks, and what only begins like them is passed on', () => {
  assert.deepEqual([...parseDetachKeys(undefined)], [16, 17]);
  assert.deepEqual([...parseDetachKeys('ctrl-a,x,ctrl-]')], [1, 120, 29]);
  assert.throws(() => parseDetachKeys('ctrl-ä'), { kind: 'invalid' });
  const keys = new DetachKeys(parseDetachKeys(undefined));
  assert.deepEqual([...keys.filter(Uint8Array.of(97, 16)).input], [97]);
  assert.deepEqual([...keys.filter(Uint8Array.of(98)).input], [16, 98]);
  assert.equal(keys.filter(Uint8Array.of(16)).detached, false);
  assert.equal(keys.filter(Uint8Array.of(17)).detached, true);
});

test('seccomp rules are kept where the machine and the capabilities meet their conditions', () => {
  const profile: SeccompProfile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    archMap: [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: null },
    ],
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW' },
      { names: ['bpf'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_BPF'] } },
      { names: ['clone'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['new'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '6.20' } },
      { names: ['ptrace'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' } },
      { names: ['elsewhere'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['s390x'] } },
    ],
  };
  const names = (capabilities: string[]) =>
    (
      resolveProfile(profile, { capabilities, kernel: '6.18.4-x' }) as { syscalls: { names: string[] }[] }
    ).syscalls.flatMap((rule) => rule.names);
  assert.deepEqual(names([]), ['read', 'clone', 'ptrace']);
  assert.deepEqual(names(['CAP_BPF', 'CAP_SYS_ADMIN']), ['read', 'bpf', 'ptrace']);
  assert.throws(() => parseProfile('{}'), { kind: 'invalid' });
  assert.deepEqual(securityOptions(['no-new-privileges', 'seccomp=unconfined', 'apparmor=unconfined']), {
    noNewPrivileges: true,
    seccomp: 'unconfined',
  });
  assert.equal(securityOptions(['apparmor:mine']).appArmor, 'mine');
  assert.throws(() => securityOptions(['label=type:x']), { kind: 'not-implemented' });
});

test('resolvers on a loopback address are left out, and something always remains', () => {
  const of = (host: string, dns: string[] = [], names = false) =>
    resolvConfOf(host, { mode: 'bridge', dns, dnsSearch: [], dnsOptions: [], names });
  assert.equal(of('nameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch lan\n'), 'nameserver 10.0.0.1\nsearch lan\n');
  assert.equal(of('# none\nnameserver ::1\n'), 'nameserver 8.8.8.8\nnameserver 8.8.4.4\n');
  assert.equal(of('nameserver 10.0.0.1\n', ['1.1.1.1']), 'nameserver 1.1.1.1\n');
  const asked = 'nameserver 127.0.0.11\nsearch lan\noptions rotate ndots:0\n';
  assert.equal(of('nameserver 10.0.0.1\nsearch lan\noptions rotate\n', ['1.1.1.1'], true), asked);
});

test('an environment entry replaces one of its name, a bare name takes it away', () => {
  assert.deepEqual(mergeEnvironment(['A=1', 'B=2', 'C=3'], ['B=x=y', 'C', 'D=']), ['A=1', 'B=x=y', 'D=']);
});

test('the words of a failed start carry the exit status that the CLI reads from them', () => {
  const record = { config: { User: '' }, mounts: [] } as unknown as ContainerRecord;
  const code = (message: string) => startFailure(new Error(message), record).exitCode;
  assert.equal(code('exec: "nope": executable file not found in $PATH'), 127);
  assert.equal(code('exec: "/nope": stat /nope: no such file or directory'), 127);
  assert.equal(code('exec: "/etc/passwd": permission denied'), 126);
  assert.equal(code('something else'), 128);
});

async function specOf(body: ContainerCreate, machine = hello) {
  const { config, hostConfig, mounts } = await plan(body, {}, machine);
  const record: ContainerRecord = {
    ...{
      id,
      name: 'x',
      created: NEVER,
      image: { id: 'i', reference: 'busybox', chainId: 'c' },
      config,
      hostConfig,
      mounts,
    },
    ...{
      network: 'none',
      runtime: null,
      running: false,
      paused: false,
      bootId: '',
      startedAt: NEVER,
      finishedAt: NEVER,
    },
    ...{ exitCode: 0, error: '', oomKilled: false, stoppedByHand: false, restartCount: 0, restartPending: false },
  };
  const spec = await buildSpec({
    ...{
      record,
      hello: machine,
      overlay: { lower: ['/l'], upper: '/u', work: '/w' },
      hostname: 'h',
      lastCapability: 40,
    },
    files: { hostname: '/f/hostname', hosts: '/f/hosts', resolvConf: '/f/resolv.conf' },
    seccomp: new Seccomp({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [] }),
    pidOf: () => 42,
    users: undefined,
    bundle: '/b',
    layers: new Map([['sha256:2', { lower: ['/l2'] }]]),
  });
  return JSON.parse(specText(spec)) as {
    process: { args: string[]; env: string[]; rlimits?: { soft: number }[]; capabilities: { bounding: string[] } };
    mounts: { destination: string; options: string[] }[];
    annotations: Record<string, string>;
    linux: {
      namespaces: { type: string; path?: string }[];
      resources: { memory?: object; cpu?: object; pids?: object };
      maskedPaths?: string[];
      sysctl?: Record<string, string>;
      seccomp?: object;
    };
  };
}

test('the specification has namespaces of its own for everything, and limits where asked', async () => {
  const spec = await specOf({ HostConfig: { Memory: 64 * 2 ** 20, NanoCpus: 5e8, PidsLimit: 10 } });
  assert.deepEqual(
    spec.linux.namespaces.map(({ type }) => type),
    ['mount', 'network', 'uts', 'pid', 'ipc', 'cgroup'],
  );
  assert.deepEqual(spec.linux.resources.memory, { limit: 64 * 2 ** 20, swap: 128 * 2 ** 20 });
  assert.deepEqual(spec.linux.resources.cpu, { period: 100_000, quota: 50_000 });
  assert.deepEqual(spec.linux.resources.pids, { limit: 10 });
  assert.ok(spec.linux.maskedPaths?.includes('/proc/kcore') && spec.linux.seccomp);
  assert.equal(spec.annotations['dev.slipway.overlay'], '{"lower":["/l"],"upper":"/u","work":"/w"}');
});

test('modes that share take the namespace of the other, or none', async () => {
  const spec = await specOf({ HostConfig: { PidMode: 'container:web', IpcMode: 'host', UTSMode: 'host' } });
  const types = Object.fromEntries(spec.linux.namespaces.map(({ type, path }) => [type, path ?? 'own']));
  assert.deepEqual(types, { mount: 'own', network: 'own', pid: '/proc/42/ns/pid', cgroup: 'own' });
  assert.ok(spec.mounts.find(({ destination }) => destination === '/dev/shm')?.options.includes('rbind'));
});

test('privileged means all capabilities, nothing masked, no filter', async () => {
  const spec = await specOf({ HostConfig: { Privileged: true } });
  assert.equal(spec.process.capabilities.bounding.length, 41);
  assert.equal(spec.linux.maskedPaths, undefined);
  assert.equal(spec.linux.seccomp, undefined);
});

test("a person's mounts come after ours, parents first, and take the place of ours", async () => {
  const spec = await specOf({
    HostConfig: { Binds: ['/s:/a/b/c:ro', '/t:/a', '/h:/etc/hosts'], Tmpfs: { '/dev/shm': 'size=1m', '/run': 'exec' } },
  });
  const places = spec.mounts.map(({ destination }) => destination);
  assert.equal(places.filter((place) => place === '/etc/hosts').length, 1);
  assert.equal(places.filter((place) => place === '/dev/shm').length, 1);
  assert.ok(places.indexOf('/a') < places.indexOf('/a/b/c'));
  assert.deepEqual(spec.mounts.find(({ destination }) => destination === '/a/b/c')?.options, [
    'rbind',
    'rprivate',
    'ro',
    'rro',
  ]);
  assert.deepEqual(spec.mounts.find(({ destination }) => destination === '/run')?.options, [
    'nosuid',
    'nodev',
    'rprivate',
    'exec',
  ]);
});

test('an unlimited ulimit stays exact', async () => {
  const { hostConfig } = await plan({ HostConfig: { Ulimits: [{ Name: 'core', Soft: -1, Hard: -1 }] } });
  assert.equal(
    specText({ rlimits: [18446744073709551615n], n: hostConfig.Ulimits?.length }),
    '{"rlimits":[18446744073709551615],"n":1}',
  );
});
