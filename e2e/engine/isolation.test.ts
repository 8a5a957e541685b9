/** What a container is shown and allowed, option by option: on our engine and beside it on Debian's dockerd. */
import assert from 'node:assert/strict';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { after, before, test } from 'node:test';
import { docker, loadBusybox, startDockerd, startEngine, type Ran, type RunningEngine } from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 && 'needs root';
let ours: RunningEngine;
let theirs: Awaited<ReturnType<typeof startDockerd>>;

before(async () => {
  if (skip) return;
  [ours, theirs] = await Promise.all([startEngine(), startDockerd()]);
  for (const engine of [ours, theirs]) {
    await loadBusybox(engine);
    const options = ['--network', 'none', '--ipc', 'shareable', '-h', 'neighbour'];
    const ran = await docker(engine, ['run', '-d', '--name', 'neighbour', ...options, 'busybox:test', 'sleep', '1000']);
    assert.equal(ran.code, 0, ran.stderr);
  }
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

const run = (engine: { socket: string }, options: string[], script: string) =>
  docker(engine, ['run', '--rm', '--network', 'none', ...options, 'busybox:test', 'sh', '-c', script]);

const status = (field: string) => `sed -n 's/^${field}:\t//p' /proc/self/status`;
const mountOf = (place: string) => `sed -n 's#^[^ ]* \\(${place} .*\\) 0 0$#\\1#p' /proc/mounts | sort`;

/** Options and a script that shows what came of them. What they print and end with is dockerd's. */
const same: Record<string, [options: string[], script: string][]> = {
  'a device, under another name, for reading alone': [
    [
      ['--device', '/dev/fuse:/dev/other:r'],
      'ls -l /dev/other | cut -c1-30; for how in "<" ">" "<>"; do (eval "exec 3$how/dev/other") 2>/dev/null && echo "opened $how"; done',
    ],
    [['--device', '/dev/fuse'], '(exec 3<>/dev/fuse) && echo opened'],
    [['--device', '/dev/not-there'], 'true'],
    [['--device', '/etc/passwd:/dev/passwd'], 'true'],
  ],
  'device rules': [
    [[], 'mknod /d c 10 229; (exec 3<>/d) 2>/dev/null || echo refused'],
    [['--device-cgroup-rule', 'c 10:* rwm'], 'mknod /d c 10 229; (exec 3<>/d) 2>/dev/null && echo opened'],
    [['--device-cgroup-rule', 'c 10:* m'], 'mknod /d c 10 229; (exec 3<>/d) 2>/dev/null || echo refused'],
  ],
  capabilities: [
    [['--cap-add', 'NET_ADMIN', '--cap-drop', 'CHOWN'], status('CapEff')],
    [['--cap-drop', 'ALL'], `${status('CapEff')}; chown 5 /tmp 2>/dev/null || echo refused`],
    [['--cap-drop', 'ALL', '--cap-add', 'CAP_CHOWN'], status('CapPrm')],
    [['--cap-add', 'NOT_THERE'], 'true'],
  ],
  'resource limits': [
    [
      ['--ulimit', 'nofile=100:200', '--ulimit', 'core=0', '--ulimit', 'nproc=50'],
      'ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -p',
    ],
    [['-u', 'app', '--ulimit', 'nofile=100:200'], 'ulimit -Sn; ulimit -Hn'],
  ],
  'a root that is only read': [
    [
      ['--read-only'],
      'touch /x 2>/dev/null || echo refused; touch /dev/shm/x /dev/x && echo ok; touch /proc/x /sys/x 2>/dev/null; true',
    ],
    [
      ['--read-only', '--tmpfs', '/run:size=1m,mode=700,uid=5'],
      `touch /run/x && echo ok; stat -c %a:%u /run; ${mountOf('/run')}`,
    ],
    [['--tmpfs', '/t:exec,ro'], mountOf('/t')],
  ],
  'shared memory': [
    [['--shm-size', '1m'], mountOf('/dev/shm')],
    [['--ipc', 'container:neighbour'], 'echo from $HOSTNAME >/dev/null; touch /dev/shm/shared && ls /dev/shm'],
    [['--ipc', 'none'], 'test -d /dev/shm; echo $?'],
    [['--ipc', 'container:neighbour', '-u', 'app'], 'rm -f /dev/shm/shared 2>/dev/null; ls /dev/shm'],
  ],
  'processes of another': [
    [['--pid', 'container:neighbour'], 'ps -o args | grep -c "^[s]leep 1000"'],
    [['--pid', 'container:not-there'], 'true'],
    [['--pid', 'nonsense'], 'true'],
  ],
  'kernel settings': [
    [
      ['--sysctl', 'kernel.msgmax=4096', '--sysctl', 'net.core.somaxconn=99'],
      'cat /proc/sys/kernel/msgmax /proc/sys/net/core/somaxconn',
    ],
    [[], 'echo 1 2>/dev/null > /proc/sys/kernel/msgmax || echo refused; cat /proc/sys/net/ipv4/ping_group_range'],
  ],
  'paths that are covered': [
    [['--security-opt', 'systempaths=unconfined'], 'grep -c " /proc/" /proc/mounts'],
    [
      [],
      '(echo x > /proc/sysrq-trigger) 2>/dev/null || echo refused; cat /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls /sys/firmware | wc -l',
    ],
  ],
  'security options': [
    [['--security-opt', 'no-new-privileges'], `${status('NoNewPrivs')}; ${status('Seccomp')}`],
    [['--security-opt', 'seccomp=unconfined'], `${status('NoNewPrivs')}; ${status('Seccomp')}`],
    [['--security-opt', 'nonsense=1'], 'true'],
    [['--security-opt', 'seccomp=/not/there'], 'true'],
  ],
  'an init, groups, scores and names': [
    [['--init'], 'echo $$ | grep -qv "^1$" && echo child; (sleep 0 & exec true); sleep 0.1; ps -o stat | grep -c Z'],
    [['--group-add', '77', '--group-add', 'web', '-u', 'app'], 'id -G'],
    [['--oom-score-adj', '500'], 'cat /proc/self/oom_score_adj'],
    [
      ['-h', 'web', '--domainname', 'example.org'],
      'hostname; cat /proc/sys/kernel/domainname; grep -c web /etc/hosts || true',
    ],
  ],
};

for (const [name, cases] of Object.entries(same))
  test(`as with dockerd: ${name}`, { skip, timeout: 600_000 }, async () => {
    for (const [options, script] of cases) {
      const [mine, oracle] = await Promise.all([run(ours, options, script), run(theirs, options, script)]);
      const shown = ({ code, stdout, stderr }: Ran) => `${code}\n${stdout}${stderr}`;
      const of = `${options.join(' ')} ${script}\nours: ${shown(mine)}\ntheirs: ${shown(oracle)}`;
      assert.deepEqual([mine.code, mine.stdout], [oracle.code, oracle.stdout], of);
    }
  });

test(
  'a privileged container has every capability, device and file system that this engine has',
  { skip, timeout: 300_000 },
  async () => {
    const own = (await readFile('/proc/self/status', 'utf8')).match(/^CapBnd:\t(\w+)$/m)?.[1];
    const script = `${status('CapBnd')}; ${status('Seccomp')}; mkdir /t; mount -t tmpfs x /t && echo mounted; ls -l /dev/fuse | cut -c1; (exec 3<>/dev/fuse) && echo opened; grep " /proc/" /proc/mounts; ${mountOf('/sys')}`;
    const ran = await run(ours, ['--privileged'], script);
    assert.equal(ran.stdout, `${own}\n0\nmounted\nc\nopened\n/sys sysfs rw,nosuid,nodev,noexec,relatime\n`, ran.stderr);
    const user = await run(ours, ['--privileged', '-u', '1000'], status('CapEff'));
    assert.equal(user.stdout, `${'0'.repeat(16)}\n`);
  },
);

test("host modes are the host's namespaces, all others the container's own", { skip, timeout: 300_000 }, async () => {
  const host = (file: string) => readlink(`/proc/self/ns/${file}`);
  for (const [option, file] of [
    ['--pid', 'pid'],
    ['--ipc', 'ipc'],
    ['--uts', 'uts'],
    ['--cgroupns', 'cgroup'],
  ] as const) {
    const shared = await run(ours, [option, 'host'], `readlink /proc/self/ns/${file}`);
    assert.equal(shared.stdout.trim(), await host(file), shared.stderr);
    assert.notEqual((await run(ours, [], `readlink /proc/self/ns/${file}`)).stdout.trim(), await host(file));
  }
  assert.equal((await run(ours, ['--uts', 'host'], 'hostname')).stdout.trim(), hostname());
  assert.match((await run(ours, ['--uts', 'host', '-h', 'other'], 'true')).stderr, /conflicting options/);
});

test('a setting of the whole machine is refused by name', { skip, timeout: 300_000 }, async () => {
  for (const setting of ['kernel.panic=1', 'vm.swappiness=1', 'fs.file-max=1']) {
    const ran = await run(ours, ['--sysctl', setting], 'true');
    assert.notEqual(ran.code, 0);
    assert.match(ran.stderr, new RegExp(setting.split('=')[0]!.replaceAll('.', '\\.')));
  }
});
