import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { capabilities, compileInto, makePerson, unable, Yard } from './bundles.mjs';

/** Cgroup v2 alone, as on most machines of today. */
const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');

const sh = (script) => ['sh', '-c', script];

/** Keeps the container for `script`, which finds it running. */
const kept = (script) =>
  `oci create -b "$BUNDLE" "$ID" </dev/null >/dev/null || exit 125; oci start "$ID" || exit 126; ${script}; code=$?; oci delete -f "$ID" || exit 124; exit $code`;

for (const who of ['an ordinary user', 'root'])
  describe(`a container of ${who}`, { skip: unable }, () => {
    const rootless = who !== 'root';
    let yard, person;
    before(() => {
      person = rootless ? makePerson(`slipwayoci${process.pid}`) : undefined;
      yard = new Yard(person);
    });
    after(() => {
      yard.close();
      person?.remove();
    });

    const says = (script, options) => {
      const { stdout, stderr, status } = yard.run(sh(script), options);
      assert.equal(status, 0, stderr);
      return stdout;
    };

    test('has a name, a root, namespaces, a HOME and nothing of the host', () => {
      assert.equal(
        says('hostname; pwd; echo $$ $HOME; id -u; ls /'),
        'yard\n/\n1 /root\n0\nbin\ndev\netc\nproc\nroot\nsys\ntmp\n',
      );
      assert.match(says('ip addr show lo'), /UP.*\n.*\n *inet 127\.0\.0\.1/);
    });

    test('holds the descriptors 0, 1 and 2 and no other, whatever its caller leaks', () => {
      const script =
        'exec 7</etc 8</ 9</etc/passwd; oci create -b "$BUNDLE" "$ID" && oci start "$ID"; ended; oci delete "$ID"';
      assert.equal(says('cd /proc/self/fd; for fd in *; do [ -e $fd ] && echo $fd; done', { script }), '0\n1\n2\n');
    });

    test("has Docker's capabilities, none that is inherited or ambient", () => {
      const mask = (list) => list.map((name) => 1n << BigInt(numbers[name])).reduce((a, b) => a | b);
      const numbers = {
        CAP_CHOWN: 0,
        CAP_DAC_OVERRIDE: 1,
        CAP_FOWNER: 3,
        CAP_FSETID: 4,
        CAP_KILL: 5,
        CAP_SETGID: 6,
        CAP_SETUID: 7,
        CAP_SETPCAP: 8,
        CAP_NET_BIND_SERVICE: 10,
        CAP_NET_RAW: 13,
        CAP_SYS_CHROOT: 18,
        CAP_MKNOD: 27,
        CAP_AUDIT_WRITE: 29,
        CAP_SETFCAP: 31,
      };
      const hex = mask(capabilities).toString(16).padStart(16, '0');
      const none = '0'.repeat(16);
      assert.equal(
        says("sed -n 's/^Cap[A-Z][a-z]*:\\t//p' /proc/self/status"),
        `${none}\n${hex}\n${hex}\n${hex}\n${none}\n`,
      );
    });

    test('loses its capabilities with its user, and keeps to the groups it was given', () => {
      const change = ({ process }) =>
        Object.assign(process, { user: { uid: 1000, gid: 1000, additionalGids: [1000, 33], umask: 0o77 } });
      assert.equal(says('id -u; id -G; umask; echo $HOME', { change }), '1000\n1000 33\n0077\n/home/app\n');
      assert.equal(
        says("sed -n 's/^Cap[EPAI][a-z]*:\\t//p' /proc/self/status", { change }),
        `${'0'.repeat(16)}\n`.repeat(4),
      );
      const script = '(oci create -b "$BUNDLE" "$ID" && oci start "$ID"; ended; oci delete "$ID") | cat'; // Node's own "pipes" are sockets
      assert.equal(says('echo again > /dev/stdout', { change, script }), 'again\n');
    });

    test('is confined by seccomp, with and without no_new_privs', () => {
      for (const noNewPrivileges of [false, true]) {
        const change = ({ process }) => Object.assign(process, { noNewPrivileges });
        assert.match(
          says('grep -E "^(Seccomp|NoNewPrivs):" /proc/self/status', { change }),
          new RegExp(`NoNewPrivs:\\t${+noNewPrivileges}\\nSeccomp:\\t2`),
        );
        assert.match(
          says('unshare -U true; unshare -m true; mount -t tmpfs x /tmp; true', { change, script: undefined }),
          /^$/,
        );
        assert.equal(
          says(
            'unshare -Ur true 2>/dev/null && echo out; mount -t tmpfs x /tmp 2>/dev/null && echo mounted; echo end',
            { change },
          ),
          'end\n',
        );
      }
    });

    test('sees only masked and read-only what it must not touch', () => {
      assert.equal(says('cat /proc/kcore /proc/keys | wc -c; ls /sys/firmware | wc -l'), '0\n0\n');
      assert.equal(
        says(
          'for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/profiling; do (echo x > $f) 2>/dev/null && echo wrote $f; done; echo end',
        ),
        'end\n',
      );
      assert.equal(
        says(
          'touch /sys/fs/cgroup/x 2>/dev/null && echo wrote; mkdir /sys/fs/cgroup/*/x 2>/dev/null && echo made; echo end',
        ),
        'end\n',
      );
    });

    test('has the devices it needs and may make no more', () => {
      assert.equal(
        says(
          'echo x > /dev/null; head -c 4 /dev/zero | od -An -tx1; echo x > /dev/full; head -c 8 /dev/urandom | wc -c',
        ),
        ' 00 00 00 00\n8\n',
      );
      assert.equal(
        says(
          'mknod /tmp/disk b 254 0 2>/dev/null && cat /tmp/disk 2>/dev/null | head -c 1 | wc -c; ls /dev | tr "\\n" " "',
        ),
        `${rootless ? '' : '0\n'}core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero `,
      );
    });

    test('with a read-only root writes nowhere but where it may', () => {
      const change = (config) => (config.root.readonly = true);
      assert.equal(says('touch /x 2>/dev/null && echo wrote; touch /dev/shm/x && echo shm', { change }), 'shm\n');
    });

    test('finds in a tmpfs that asks for it what the image has there, and what it writes stays in the tmpfs', () => {
      const change = (config, bundle) => {
        const data = join(bundle, 'rootfs/data');
        mkdirSync(join(data, 'sub'), { recursive: true });
        writeFileSync(join(data, 'sub/file'), 'kept', { mode: 0o640 });
        symlinkSync('sub/file', join(data, 'link'));
        chmodSync(data, 0o1770);
        config.root.readonly = true;
        config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'nosuid'] });
        config.mounts.push({ destination: '/etc', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'ro'] });
      };
      const script = 'cat /data/link; stat -c " %a %n" /data /data/sub/file; echo x > /data/new; ls /data; touch /etc/x 2>/dev/null || head -n 1 /etc/passwd';
      assert.equal(
        says(script, { change }),
        'kept 1770 /data\n 640 /data/sub/file\nlink\nnew\nsub\nroot:x:0:0:root:/root:/bin/sh\n',
      );
      const bind = ({ mounts }) => mounts.push({ destination: '/x', type: 'bind', source: '/', options: ['bind', 'tmpcopyup'] });
      assert.match(yard.run(sh('true'), { change: bind }).stderr, /tmpcopyup is for a tmpfs/);
    });

    test('gets its mounts: binds, read-only, tmpfs, files, below symlinks of the image', () => {
      const change = (config, bundle) => {
        mkdirSync(join(bundle, 'data/deep'), { recursive: true });
        writeFileSync(join(bundle, 'data/deep/file'), 'content\n');
        writeFileSync(join(bundle, 'hosts'), 'hosts\n');
        symlinkSync('/somewhere/else', join(bundle, 'rootfs/link'));
        config.mounts.push(
          { destination: '/mnt/rw', type: 'bind', source: join(bundle, 'data'), options: ['rbind', 'rprivate'] },
          { destination: '/mnt/ro', type: 'bind', source: 'data', options: ['rbind', 'ro'] },
          { destination: '/etc/hosts', type: 'bind', source: join(bundle, 'hosts'), options: ['bind', 'ro'] },
          { destination: '/link/inside', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'noexec'] },
          { destination: '/mnt/rw/../out', type: 'bind', source: join(bundle, 'data/deep/file'), options: ['bind'] },
        );
      };
      assert.equal(
        says(
          'cat /mnt/rw/deep/file /etc/hosts /mnt/out; touch /mnt/rw/new; touch /mnt/ro/no 2>/dev/null && echo wrote; ls /mnt/ro; grep -c somewhere/else/inside /proc/mounts',
          { change },
        ),
        'content\nhosts\ncontent\ndeep\nnew\n1\n',
      );
    });

    test('its working directory is made where the image has none', () => {
      assert.equal(
        says('pwd; stat -c %u:%a .', { change: ({ process }) => (process.cwd = '/srv/app/here') }),
        '/srv/app/here\n0:755\n',
      );
    });

    test('has a terminal of its own on its own devpts, of the size asked for', () => {
      const script = `python3 - "$BUNDLE" <<'END' &
import array,os,socket,sys,select
s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]+'/console'); s.listen(1)
c,_=s.accept(); m,a,_,_=c.recvmsg(64,256); fd=array.array('i',a[0][2])[0]
out=b''
while True:
  try: b=os.read(fd,4096)
  except OSError: break
  if not b: break
  out+=b
sys.stdout.write(out.decode().replace('\\r',''))
END
        while [ ! -S "$BUNDLE/console" ]; do sleep 0.01; done
        oci create -b "$BUNDLE" --console-socket "$BUNDLE/console" --pid-file "$BUNDLE/pid" "$ID" || exit 125
        [ "$(cat "$BUNDLE/pid")" = "$(pid)" ] || exit 123
        oci start "$ID"; wait; ended; oci delete "$ID"`;
      const change = ({ process }) =>
        Object.assign(process, { terminal: true, consoleSize: { height: 33, width: 101 } });
      assert.equal(
        says('tty; stty size; [ -c /dev/console ] && echo console; ls -l /proc/1/fd | grep -c pts/0', {
          change,
          script,
        }),
        '/dev/pts/0\n33 101\nconsole\n3\n',
      );
    });

    test('failures are told at create, in the words Docker has for them', () => {
      const failure = (args, change) => {
        const { status, stderr } = yard.run(args, { change });
        assert.equal(status, 125);
        return stderr.trim();
      };
      assert.equal(failure(['nope']), 'exec: "nope": executable file not found in $PATH');
      assert.equal(failure(['/nope']), 'exec: "/nope": stat /nope: no such file or directory');
      assert.equal(failure(['/etc/passwd']), 'exec: "/etc/passwd": permission denied');
      assert.equal(failure(['/etc']), 'exec: "/etc": is a directory');
      assert.match(
        failure(['sh'], ({ process }) => (process.cwd = '/etc/passwd')),
        /^chdir to cwd \("\/etc\/passwd"\) set in config\.json failed: Not a directory$/,
      );
      assert.match(
        failure(['sh'], (config) =>
          config.mounts.push({ destination: '/x', type: 'bind', source: '/does/not/exist', options: ['rbind'] }),
        ),
        /^mount \/does\/not\/exist on \/x: No such file or directory$/,
      );
      assert.match(
        failure(['sh'], (config) =>
          config.mounts.push({ destination: '/x', type: 'tmpfs', source: 'tmpfs', options: ['size=lots'] }),
        ),
        /size.*tmpfs.*Invalid argument$/,
      );
      assert.deepEqual(
        readdirSync(join(yard.root, 'state')).filter((name) => name !== '.seccomp'),
        [],
      );
    });

    test('a program that the kernel refuses is told at start', () => {
      const change = (config, bundle) => {
        writeFileSync(join(bundle, 'rootfs/bin/odd'), '\x01\x02\x03\n', { mode: 0o755 });
        writeFileSync(join(bundle, 'rootfs/bin/lost'), '#!/no/interpreter\n', { mode: 0o755 });
      };
      assert.equal(yard.run(['odd'], { change }).stderr.trim(), 'exec /bin/odd: exec format error');
      const { stderr, status } = yard.run(['/bin/lost'], { change });
      assert.equal(stderr.trim(), 'exec /bin/lost: no such file or directory');
      assert.equal(status, 126);
    });

    test('what we do not understand is refused by its name', () => {
      const refused = (change) => yard.run(['true'], { change }).stderr.trim();
      if (!existsSync('/sys/module/apparmor'))
        assert.match(
          refused(({ process }) => (process.apparmorProfile = 'docker-default')),
          /process\.apparmorProfile is docker-default, and this kernel has no AppArmor/,
        );
      for (const [place, change] of Object.entries({
        'process\\.rlimits\\[0\\]': ({ process }) => (process.rlimits = [{ type: 'RLIMIT_CORE', soft: 1, hard: 1, odd: 1 }]),
        'process\\.consoleSize': ({ process }) => (process.consoleSize = { height: 1, width: 1, odd: 1 }),
        'linux\\.namespaces\\[0\\]': ({ linux }) => (linux.namespaces[0].odd = 1),
        'linux\\.devices\\[0\\]': ({ linux }) => (linux.devices = [{ type: 'c', path: '/dev/x', major: 1, minor: 3, odd: 1 }]),
        'linux\\.resources\\.pids': ({ linux }) => (linux.resources.pids = { limit: 1, odd: 1 }),
        'linux\\.uidMappings\\[0\\]': ({ linux }) => (linux.uidMappings = [{ containerID: 0, hostID: 1, size: 1, odd: 1 }]),
        'mounts\\[0\\]': ({ mounts }) => (mounts[0].odd = 1),
      }))
        assert.match(refused(change), new RegExp(`${place}\\.odd is not supported by this runtime`));
      assert.match(
        refused(({ process }) => (process.selinuxLabel = 'x')),
        /process\.selinuxLabel is not supported/,
      );
      assert.match(
        refused(({ linux }) => (linux.intelRdt = { closID: 'x' })),
        /linux\.intelRdt is not supported/,
      );
      assert.match(
        refused((config) => (config.hooks = { startContainer: [{ path: '/x' }] })),
        /hooks\.startContainer is not supported/,
      );
      assert.match(
        refused(({ process }) => (process.user.uid = 4294967295)),
        /process\.user\.uid must be between/,
      );
      assert.match(
        refused(({ process }) => (process.user.uid = -1)),
        /process\.user\.uid must be between/,
      );
      assert.match(
        refused(({ process }) => (process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 1, hard: '2' }])),
        /process\.rlimits\[0\]\.hard must be an integer/,
      );
      assert.match(
        refused(({ process }) => (process.capabilities.effective = ['CAP_EVERYTHING'])),
        /capabilities\.effective\[0\] is not the name/,
      );
      assert.match(
        refused(({ linux }) => (linux.seccomp.syscalls[0].action = 'SCMP_ACT_NOTIFY')),
        /seccomp: unsupported action SCMP_ACT_NOTIFY/,
      );
      assert.match(
        refused(({ linux }) => (linux.sysctl = { 'kernel.core_pattern': '|/x' })),
        /kernel\.core_pattern is the whole machine's/,
      );
      assert.match(
        refused(({ mounts }) =>
          mounts.push({ destination: '/x', type: 'bind', source: '/etc', options: ['bind', 'size=1'] }),
        ),
        /size=1 means nothing for a bind mount/,
      );
      assert.match(
        refused(({ linux }) => (linux.cgroupsPath = '/a/../../b')),
        /must not have \. or \.\./,
      );
    });

    test('resource limits and settings of its own namespaces are set', () => {
      const change = ({ process, linux }) => {
        process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
        process.oomScoreAdj = 500;
        linux.sysctl = { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '4096' };
      };
      assert.equal(
        says(
          'ulimit -Sn; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/self/oom_score_adj',
          { change },
        ),
        '100\n200\n1\n4096\n500\n',
      );
    });

    test('a further process joins all of it', () => {
      const script = kept(
        `oci exec "$ID" sh -c 'echo $$; hostname; cd /proc/self/fd; for fd in *; do [ -e $fd ] && echo $fd; done; grep -E "^(CapEff|Seccomp):" /proc/self/status; [ "$(readlink /proc/self/ns/net)" = "$(readlink /proc/1/ns/net)" ] && cmp /proc/self/cgroup /proc/1/cgroup && echo same'`,
      );
      const out = says('sleep 1000', { script }).split('\n');
      assert.ok(Number(out[0]) > 1);
      assert.deepEqual(out.slice(1, 5), ['yard', '0', '1', '2']);
      assert.match(out[5], /CapEff:\t00000000a80425fb/);
      assert.match(out[6], /Seccomp:\t2/);
      assert.equal(out[7], 'same');
    });

    test('a further process gives its status, takes its input, and fails in known words', () => {
      assert.equal(yard.run(sh('sleep 1000'), { script: kept('oci exec "$ID" sh -c "exit 7"') }).status, 7);
      assert.equal(
        yard.run(sh('sleep 1000'), { script: kept('oci exec "$ID" cat'), input: 'typed\n' }).stdout,
        'typed\n',
      );
      assert.equal(
        yard.run(sh('sleep 1000'), { script: kept('oci exec "$ID" nope') }).stderr.trim(),
        'exec: "nope": executable file not found in $PATH',
      );
      assert.match(
        yard.run(sh('sleep 1000'), { script: kept('oci exec --cwd /nope "$ID" true') }).stderr.trim(),
        /^chdir to cwd \("\/nope"\)/,
      );
      assert.equal(
        yard.run(sh('sleep 1000'), {
          script: kept('oci exec -u 1000:33 -e A=b "$ID" sh -c "id -u; id -g; id -G; echo \\$A"'),
        }).stdout,
        '1000\n33\n33\nb\n',
      );
    });

    test('a further process may be left alone', () => {
      const script = kept(
        'oci exec -d --pid-file "$BUNDLE/pid" "$ID" sleep 500 </dev/null >/dev/null 2>&1; cat /proc/$(cat "$BUNDLE/pid")/cmdline | tr "\\0" " "',
      );
      assert.equal(says('sleep 1000', { script }), 'sleep 500 ');
    });

    test('states, signals and refusals are as other runtimes have them', () => {
      const script = `oci create -b "$BUNDLE" "$ID"; state; oci delete nothing; echo $?; oci delete -f nothing; echo $?
        oci create -b "$BUNDLE" "$ID"; echo $?; oci start "$ID"; state; oci start "$ID"; echo $?; oci delete "$ID"; echo $?
        oci kill "$ID" KILL; ended; state; oci kill "$ID" TERM; echo $?; oci delete "$ID"; oci state "$ID"; echo $?`;
      const { stdout, stderr } = yard.run(sh('sleep 1000'), { script });
      assert.equal(stdout, 'created\n1\n0\n1\nrunning\n1\n1\nstopped\n1\n1\n');
      assert.match(
        stderr,
        /container does not exist\ncontainer with given ID already exists\ncannot start a container that is running\ncannot delete container \S+ that is not stopped: running\ncontainer not running\ncontainer does not exist/,
      );
    });

    test('the default profile has no way around it', () => {
      const { stdout, stderr } = yard.run(['/bin/calls'], {
        change: (config, bundle) => compileInto(join(bundle, 'rootfs/bin'), 'calls'),
      });
      const said = Object.fromEntries(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.match(/^(.*) (\S+)$/).slice(1)),
      );
      const allowed = ['socket AF_INET', 'socket AF_UNIX', '32-bit socket AF_INET', 'fchmodat2'];
      const unknown = ['a call that does not exist', 'clone3'];
      assert.ok(Object.keys(said).length > 40, stderr);
      for (const [call, result] of Object.entries(said)) {
        const wanted = allowed.includes(call) ? 'ok' : unknown.includes(call) ? 'ENOSYS' : 'EPERM';
        assert.equal(`${call}: ${result}`, `${call}: ${wanted}`);
      }
    });

    // ---- attacks that must fail (reference/security-cases.md) ----

    test('a working directory behind /proc/self/fd is no way out', () => {
      for (let fd = 3; fd < 20; fd++) {
        const { stdout, stderr, status } = yard.run(sh('ls -a; cat ../../../../etc/shadow'), {
          change: ({ process }) => (process.cwd = `/proc/self/fd/${fd}`),
        });
        assert.equal(status, 125, stdout);
        assert.match(stderr, /chdir to cwd|working directory/);
      }
    });

    test('an image whose /proc or /sys is a symlink or a volume is refused', () => {
      for (const path of ['proc', 'sys']) {
        const change = (config, bundle) => {
          rmSync(join(bundle, 'rootfs', path), { recursive: true });
          symlinkSync('/tmp', join(bundle, 'rootfs', path));
        };
        assert.match(yard.run(['true'], { change }).stderr, new RegExp(`/${path} must be an ordinary directory`));
      }
      const volume = (config, bundle) => {
        mkdirSync(join(bundle, 'volume'));
        config.mounts.unshift({
          destination: '/proc',
          type: 'bind',
          source: join(bundle, 'volume'),
          options: ['rbind'],
        });
      };
      assert.match(yard.run(['true'], { change: volume }).stderr, /mounted on \/proc must be a proc file system/);
      const inside = (config) =>
        config.mounts.push({ destination: '/proc/sys/net', type: 'tmpfs', source: 'tmpfs', options: [] });
      assert.match(yard.run(['true'], { change: inside }).stderr, /\/proc\/sys\/net cannot be mounted over: it is inside \/proc/);
    });

    test('an image whose /dev is a symlink out of it makes nothing on the host', () => {
      const change = (config, bundle) => {
        rmSync(join(bundle, 'rootfs/dev'), { recursive: true });
        symlinkSync('../../../../../../../../..' + join(bundle, 'host'), join(bundle, 'rootfs/dev'));
        mkdirSync(join(bundle, 'host'));
        config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
      };
      const { bundle } = yard.run(['true'], { change });
      assert.deepEqual(readdirSync(join(bundle, 'host')), []);
    });

    test('a mount point that is a symlink to the host stays inside', () => {
      const change = (config, bundle) => {
        mkdirSync(join(bundle, 'outside'));
        symlinkSync(join(bundle, 'outside'), join(bundle, 'rootfs/data'));
        config.mounts.push({ destination: '/data/sub', type: 'tmpfs', source: 'tmpfs', options: [] });
      };
      const { bundle, status, stderr } = yard.run(sh('touch /data/sub/file'), { change });
      assert.equal(status, 0, stderr);
      assert.deepEqual(readdirSync(join(bundle, 'outside')), []);
    });

    test('a mount point swapped for a symlink while mounts are made below it leads nowhere else', () => {
      // CVE-2021-30465 and CVE-2024-45310: the volume is another container's too, and that one swaps without end.
      const change = (config, bundle) => {
        mkdirSync(join(bundle, 'volume/a'), { recursive: true });
        mkdirSync(join(bundle, 'outside'));
        symlinkSync(`../../../../../../../../../..${join(bundle, 'outside')}`, join(bundle, 'volume/b'));
        compileInto(bundle, 'swap');
        const bind = { type: 'bind', source: join(bundle, 'volume'), options: ['rbind', 'rprivate'] };
        config.mounts.push(
          { destination: '/vol', ...bind },
          { destination: '/vol/a/x/y', type: 'tmpfs', source: 'tmpfs', options: [] },
          { destination: '/vol/a/file', ...bind, source: '/etc/hostname' },
        );
      };
      const script = `"$BUNDLE/swap" "$BUNDLE/volume/a" "$BUNDLE/volume/b" & swapper=$!
        n=0; while [ $n -lt 60 ]; do oci create -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1; oci delete -f "$ID"; n=$((n+1)); done; kill $swapper; find "$BUNDLE/outside" -mindepth 1; grep -c "$BUNDLE/outside" /proc/self/mountinfo`;
      assert.equal(yard.run(['true'], { change, script }).stdout, '0\n');
    });

    test('an entry point that is /proc/self/exe runs a copy that nobody can write to', () => {
      const before = readFileSync(yard.runtime);
      const change = (config, bundle) => {
        writeFileSync(join(bundle, 'rootfs/bin/evil'), '#!/proc/self/exe\n', { mode: 0o755 });
      };
      yard.run(['/bin/evil'], { change });
      const loop = `i=0; while [ $i -lt 2000 ]; do for p in /proc/[0-9]*; do [ "$p" = /proc/1 ] || [ "$p" = /proc/$$ ] || (echo overwritten > $p/exe) 2>/dev/null; done; i=$((i+1)); done`;
      yard.run(sh(loop), { script: kept('for n in 1 2 3 4 5 6 7 8; do oci exec "$ID" true; done') });
      assert.ok(before.equals(readFileSync(yard.runtime)), 'the runtime was overwritten');
    });

    test('what hides as /dev/null, /dev/console or /dev/pts is found out', () => {
      const change = (config, bundle) => {
        config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
        mkdirSync(join(bundle, 'rootfs/dev/pts'), { recursive: true });
        symlinkSync('/proc/sys/kernel/core_pattern', join(bundle, 'rootfs/dev/null'));
      };
      const { stderr, stdout, status } = yard.run(sh('cat /proc/kcore | wc -c; cat /proc/keys | wc -c'), { change });
      if (status === 0) assert.equal(stdout, '0\n0\n');
      else assert.match(stderr, /the device \/dev\/null|bind \/dev\/null|inside the container/);
    });

    test('no cgroup of version 1 can be mounted to write a release agent', () => {
      assert.equal(
        says(
          'mount -t cgroup -o memory c /tmp 2>/dev/null && echo mounted; unshare -UrC sh -c "mount -t cgroup -o memory c /tmp && echo mounted" 2>/dev/null; echo end',
        ),
        'end\n',
      );
    });
  });

describe('limits of a container of root', { skip: unable }, () => {
  let yard;
  before(() => (yard = new Yard()));
  after(() => {
    yard.close();
    for (const name of ['.', ...readdirSync('/sys/fs/cgroup')]) {
      const path = join('/sys/fs/cgroup', name, 'slipway-oci');
      if (existsSync(path)) spawnSync('rmdir', [path]); // refused while another run of these tests is in there
    }
  });
  const limited =
    (resources) =>
    ({ linux }) =>
      Object.assign(linux.resources, resources);

  test('memory: more than allowed is killed', () => {
    const { stdout } = yard.run(sh('(head -c 64m /dev/zero | tail | wc -c) 2>/dev/null; echo $?'), {
      change: limited({ memory: { limit: 16 << 20, swap: 16 << 20 } }),
    });
    assert.notEqual(stdout.split('\n')[0], String(64 << 20));
  });

  test('processes: no more than allowed', () => {
    const { stdout, stderr } = yard.run(sh('for i in 1 2 3 4 5 6 7 8 9; do sleep 20 & done; wait; echo end'), {
      change: limited({ pids: { limit: 5 } }),
    });
    assert.match(stdout + stderr, /can't fork/);
  });

  test('cpu: a fifth of one is a fifth of one', () => {
    const busy = (change) =>
      Number(
        /user ([\d.]+)/.exec(
          yard
            .run(sh('( time -p timeout 1 sh -c "while :; do :; done" ) 2>&1'), { change })
            .stdout.replaceAll('\n', ' '),
        )?.[1],
      );
    assert.ok(busy(limited({ cpu: { quota: 20000, period: 100000 } })) < 0.4);
  });

  test('devices: what is not allowed cannot be opened, what is allowed can', () => {
    // A fuse file system's device: opening it does nothing, and every machine has it.
    const script = sh(
      'mknod /tmp/d c 10 229; for how in "<" ">"; do (eval "exec 3$how/tmp/d") 2>/dev/null && echo "opened $how"; done; echo end',
    );
    assert.equal(yard.run(script).stdout, 'end\n');
    const allowed = limited({
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 10, minor: 229, access: 'r' },
      ],
    });
    assert.equal(yard.run(script, { change: allowed }).stdout, 'opened <\nend\n');
  });

  test('pausing stops it, and killing works while paused', () => {
    const script = `oci create -b "$BUNDLE" "$ID" </dev/null; oci start "$ID"; oci pause "$ID"; state; a=$(wc -c < "$BUNDLE/rootfs/tmp/n"); sleep 0.3; [ "$a" = "$(wc -c < "$BUNDLE/rootfs/tmp/n")" ] && echo still
      oci resume "$ID"; until [ "$a" != "$(wc -c < "$BUNDLE/rootfs/tmp/n")" ]; do sleep 0.1; done; echo moves; oci pause "$ID"; oci kill "$ID" KILL; ended; state; oci delete "$ID"`;
    assert.equal(
      yard.run(sh('while :; do echo -n x >> /tmp/n; usleep 10000; done'), { script }).stdout,
      'paused\nstill\nmoves\nstopped\n',
    );
  });

  test('limits can be changed while it runs, and its processes listed', () => {
    const script = kept(
      `echo '{"pids":{"limit":77},"memory":{"limit":33554432}}' | oci update -r - "$ID" || exit 9; cat /sys/fs/cgroup/${unified ? '' : 'pids/'}slipway-oci/$ID/pids.max /sys/fs/cgroup/${unified ? 'slipway-oci/$ID/memory.max' : 'memory/slipway-oci/$ID/memory.limit_in_bytes'}; oci ps --format json "$ID" | tr -d ' \\n'; echo; pid`,
    );
    const { stdout, stderr } = yard.run(['sleep', '1000'], {
      script,
      change: limited({ memory: { limit: 64 << 20 } }),
    });
    const [pids, memory, list, pid] = stdout.trim().split('\n');
    assert.deepEqual([pids, memory], ['77', '33554432'], stderr);
    assert.equal(list, `[${pid}]`);
  });

  test('nothing is left of its cgroups when it is deleted', () => {
    const { id } = yard.run(['true']);
    const left = readdirSync('/sys/fs/cgroup').filter((name) =>
      existsSync(join('/sys/fs/cgroup', name, 'slipway-oci', id)),
    );
    assert.deepEqual(left, []);
  });
});
