/** What each option of a container does, seen from inside. One engine, many short containers. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readlink, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, docker, loadBusybox, run, startEngine, type RunningEngine } from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 && 'needs root';
let engine: RunningEngine;
let folder: string;

before(async () => {
  if (skip) return;
  engine = await startEngine({ flags: ['--host-gateway-ip', '10.9.8.7', '--log-opt', 'max-size=20m'] });
  await loadBusybox(engine);
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-options-'));
  await mkdir(path.join(folder, 'devices'));
  for (const [name, minor] of [
    ['one', '3'],
    ['two', '5'],
  ] as const)
    await run('mknod', [path.join(folder, 'devices', name), 'c', '1', minor]);
  await symlink('/dev/zero', path.join(folder, 'link'));
  const forbids = (names: string[], more: object) => ({ names, action: 'SCMP_ACT_ERRNO', ...more });
  await writeFile(
    path.join(folder, 'profile.json'),
    JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      syscalls: [
        forbids(['mkdir', 'mkdirat'], { excludes: { caps: ['CAP_SYS_ADMIN'] } }),
        forbids(['symlink', 'symlinkat'], { errnoRet: 5, includes: { minKernel: '3.0' } }),
        forbids(['chmod', 'fchmodat'], { includes: { minKernel: '99.0' } }),
        forbids(['chown', 'lchown', 'fchownat'], { includes: { arches: ['s390x'] } }),
      ],
    }),
  );
  await mkdir(path.join(folder, 'tree/sub'), { recursive: true });
  await run('mount', ['-t', 'tmpfs', 'below', path.join(folder, 'tree/sub')]);
});
after(async () => {
  if (skip) return;
  await engine[Symbol.asyncDispose]();
  await run('umount', [path.join(folder, 'tree/sub')]);
  await rm(folder, { recursive: true });
});

const inside = async (options: string[], script: string): Promise<string> => {
  const wanted = options.map((option) => option.replace('FOLDER', folder));
  const network = wanted.some((option) => /^--net/.test(option)) ? [] : ['--network=none'];
  const ran = await docker(engine, ['run', '--rm', ...network, ...wanted, 'busybox:test', 'sh', '-c', script]);
  return (ran.stdout + ran.stderr).trim();
};

const status = (field: string) => `grep ^${field}: /proc/self/status | tr -d '\\t' | cut -d: -f2`;
const group = (v1: string, v2: string) => `cat /sys/fs/cgroup/${v1} 2>/dev/null || cat /sys/fs/cgroup/${v2}`;

const effects: [option: string, script: string, seen: string | RegExp][] = [
  ['--memory=64m', group('memory/memory.limit_in_bytes', 'memory.max'), '67108864'],
  ['--cpu-shares=512', group('cpu/cpu.shares', 'cpu.weight'), /^(512|20)$/],
  ['--cpus=0.5', group('cpu/cpu.cfs_quota_us', 'cpu.max'), /^50000/],
  ['--cpuset-cpus=0', status('Cpus_allowed_list'), '0'],
  ['--pids-limit=50', group('pids/pids.max', 'pids.max'), '50'],
  ['--oom-score-adj=300', 'cat /proc/self/oom_score_adj', '300'],
  ['--ulimit=nofile=100:200', 'ulimit -n; ulimit -Hn', '100\n200'],
  [
    '--device=/dev/kmsg:/dev/other:w',
    ': > /dev/other && echo open; head -c 1 /dev/other',
    /^open\n.*Operation not permitted/,
  ],
  ['--device=FOLDER/devices:/dev/many', 'ls /dev/many; echo x > /dev/many/one && echo written', 'one\ntwo\nwritten'],
  ['--device=FOLDER/link:/dev/linked', 'stat -c %t:%T /dev/linked', '1:5'],
  [
    '--device=/dev/nothing',
    'true',
    /error gathering device information while adding custom device "\/dev\/nothing": no such file or directory/,
  ],
  ['--device-cgroup-rule=c 1:11 rwm', 'mknod /k c 1 11 && : > /k && echo open', 'open'],
  ['--device-cgroup-rule=c 1:12 rwm', 'mknod /k c 1 11 && : > /k && echo open', /Operation not permitted/],
  ['--cap-drop=ALL', status('CapEff'), '0000000000000000'],
  ['--cap-drop=ALL --cap-add=cap_chown', status('CapEff'), '0000000000000001'],
  ['--cap-add=NET_ADMIN', status('CapEff'), '00000000a80435fb'],
  ['--privileged', 'mkdir /m && mount -t tmpfs x /m && echo mounted; test -c /dev/kmsg && echo kmsg', 'mounted\nkmsg'],
  ['--security-opt=seccomp=unconfined', status('Seccomp'), '0'],
  [
    '--security-opt=seccomp=FOLDER/profile.json',
    'mkdir /d; ln -s a /l; chmod 1 /tmp; chown 1 /tmp; stat -c "%a %u" /tmp',
    /mkdir: [^]*Operation not permitted[^]*ln: [^]*Input\/output error\n1 1$|^1 1[^]*mkdir: [^]*Operation not permitted[^]*ln: [^]*Input\/output error$/,
  ],
  ['--security-opt=seccomp=FOLDER/profile.json --cap-add=SYS_ADMIN', 'mkdir /d && echo made', 'made'],
  ['--security-opt=no-new-privileges', status('NoNewPrivs'), '1'],
  ['--security-opt=no-new-privileges:false', status('NoNewPrivs'), '0'],
  ['--security-opt=systempaths=unconfined', 'mount | grep -c " on /proc/"', '0'],
  ['--read-only', 'touch /x', /Read-only file system/],
  ['--read-only --tmpfs=/t', 'touch /t/x && echo made', 'made'],
  ['--tmpfs=/t:size=1m,mode=1700,exec', 'mount | grep " /t "', /^(?!.*noexec).*nosuid,nodev.*size=1024k.*mode=1700/],
  [
    '--mount=type=tmpfs,dst=/t,tmpfs-size=1048576,tmpfs-mode=0700',
    'mount | grep " /t "',
    /noexec.*size=1024k.*mode=700/,
  ],
  ['--tmpfs=/t:foo=1', 'true', /invalid tmpfs option \["foo=1"\]/],
  ['--shm-size=32m', 'df -k /dev/shm | tail -1', /^shm +32768 /],
  ['--sysctl=net.ipv4.ip_forward=1', 'cat /proc/sys/net/ipv4/ip_forward', '1'],
  ['--sysctl=kernel.msgmax=1234', 'cat /proc/sys/kernel/msgmax', '1234'],
  [
    '--network=host --sysctl=net.ipv4.ip_forward=1',
    'true',
    /sysctl "net.ipv4.ip_forward" not allowed in host network namespace/,
  ],
  ['--init', 'test $$ -gt 1 && echo not the first', 'not the first'],
  ['--hostname=h --domainname=d', 'hostname; cat /proc/sys/kernel/domainname', 'h\nd'],
  [
    '--network=bridge --dns=1.1.1.1 --dns-search=a.b --dns-option=ndots:1',
    'cat /etc/resolv.conf',
    'nameserver 1.1.1.1\nsearch a.b\noptions ndots:1',
  ],
  [
    '--network=bridge --add-host=a:1.2.3.4 --add-host=gate:host-gateway',
    'grep -wE "a|gate" /etc/hosts | tr "\\t" " "',
    '1.2.3.4 a\n10.9.8.7 gate',
  ],
  ['--group-add=web --group-add=77', 'id -G', '0 77 2000'],
  ['--user=app:web', 'id -u; id -g', '1000\n2000'],
  ['--user=1234:5678', 'id -u; id -g', '1234\n5678'],
  ['--workdir=/made/here', 'pwd', '/made/here'],
  ['--env=A=1 --env=B=x=y', 'echo $A $B', '1 x=y'],
  ['--volume=FOLDER/tree:/b:ro', 'touch /b/sub/x', /Read-only file system/],
  ['--mount=type=bind,src=FOLDER/tree,dst=/b,ro,bind-recursive=writable', 'touch /b/sub/x && echo made', 'made'],
  ['--mount=type=bind,src=FOLDER/tree,dst=/b,bind-recursive=disabled', 'touch /b/sub/y; mount | grep -c " /b/"', '0'],
  ['--volume=FOLDER/new/place:/n', 'stat -c %F:%u /n', 'directory:0'],
  ['--gpus=all', 'true', /could not select device driver "" with capabilities: \[\[gpu\]\]/],
  ['--storage-opt=size=1G', 'true', /--storage-opt is supported only for overlay over xfs with 'pquota' mount option/],
  ['--cpu-rt-runtime=1000', 'true', /real-time/],
  ['--log-driver=syslog', 'true', /plugin "syslog" not found/],
  [
    '--log-opt=max-size=1m --log-opt=max-file=2 --log-opt=compress=true',
    'echo said',
    /WARNING: Rotated logs are not compressed here[^]*said|said[^]*Rotated logs are not compressed here/,
  ],
];
for (const [option, script, seen] of effects) {
  test(option, { skip }, async () => {
    const output = await inside(option.split(/ (?=--)/), script);
    if (typeof seen === 'string') assert.equal(output, seen);
    else assert.match(output, seen);
  });
}

test('host namespaces are this machine’s, those of a container that container’s', { skip }, async () => {
  const link = (kind: string) => `readlink /proc/self/ns/${kind}`;
  const all = ['pid', 'ipc', 'uts', 'cgroup', 'net'];
  const options = ['--pid=host', '--ipc=host', '--uts=host', '--cgroupns=host', '--network=host'];
  const machine = await Promise.all(all.map((kind) => readlink(`/proc/${engine.process.pid}/ns/${kind}`)));
  assert.deepEqual((await inside(options, all.map(link).join(';'))).split('\n'), machine);
  const own = (await inside([], all.map(link).join(';'))).split('\n');
  for (const [index, name] of own.entries()) assert.notEqual(name, machine[index]);
  await docker(engine, [
    'run',
    '-d',
    '--name',
    'donor',
    '--network=none',
    '--ipc=shareable',
    'busybox:test',
    'sleep',
    '1000',
  ]);
  const shared = ['pid', 'ipc', 'net'];
  const donor = (await docker(engine, ['exec', 'donor', 'sh', '-c', shared.map(link).join(';')])).stdout.trim();
  const joined = ['--pid=container:donor', '--ipc=container:donor', '--network=container:donor'];
  assert.equal(await inside(joined, shared.map(link).join(';')), donor);
  await docker(engine, ['run', '-d', '--name', 'alone', '--network=none', 'busybox:test', 'sleep', '1000']);
  assert.match(await inside(['--ipc=container:alone'], 'true'), /non-shareable IPC \(hint: use IpcMode:shareable/);
  assert.match(
    await inside(['--network=container:donor', '--hostname=h'], 'true'),
    /conflicting options: hostname and the network mode/,
  );
  await docker(engine, ['rm', '-f', '-v', 'donor', 'alone']);
});

test('a cgroup parent has the container’s cgroup below it', { skip }, async () => {
  const parent = `slipway-parent-${process.pid}`;
  const seen = await inside(['--cgroupns=host', `--cgroup-parent=/${parent}`], 'cat /proc/self/cgroup');
  assert.match(seen, new RegExp(`:/(.*/)?${parent}/[0-9a-f]{64}$`, 'm'));
  const places = ['/sys/fs/cgroup', ...(await readdir('/sys/fs/cgroup')).map((name) => `/sys/fs/cgroup/${name}`)];
  for (const place of places) await rmdir(path.join(place, parent)).catch(() => undefined);
  assert.match(await inside(['--cgroup-parent=../x'], 'true'), /must not have \. or \.\. in it|cgroup parent/);
});

test('log options: what the engine was told, and attributes for --details', { skip }, async () => {
  const options = ['--name', 'logged', '--label', 'a=b', '--env', 'C=d', '--log-opt', 'labels=a', '--log-opt', 'env=C'];
  await docker(engine, [
    'run',
    '--network=none',
    ...options,
    '--log-opt',
    'tag={{.Name}}',
    'busybox:test',
    'echo',
    'said',
  ]);
  assert.equal((await docker(engine, ['logs', '--details', 'logged'])).stdout, 'C=d,a=b,tag=logged said\n');
  const { HostConfig } = await api<{ HostConfig: { LogConfig: object } }>(
    engine.socket,
    'GET',
    '/containers/logged/json',
  );
  assert.deepEqual(HostConfig.LogConfig, {
    Type: 'json-file',
    Config: { 'max-size': '20m', labels: 'a', env: 'C', tag: '{{.Name}}' },
  });
  await docker(engine, ['rm', 'logged']);
});
