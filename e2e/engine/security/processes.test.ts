/** Attacks on how processes are made, by whom and with what: each tries to get out of the container, and must not. */
import assert from 'node:assert/strict';
import { lstat, readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { api, request, run } from '../../fixtures/engine.js';
import { control, everybody, fingerprint, loadImage, needsRoot, open, TRUSTED, type Ground } from './ground.js';

for (const who of [...everybody, control] as const)
  describe(`the attacker in a container of ${who}`, { skip: needsRoot, timeout: 900_000 }, () => {
    let ground: Ground;
    const tools = () => ['-v', `${ground.folder}/tools:/t:ro`];
    before(async () => {
      ground = await open(who);
      const calls = path.join(ground.folder, 'tools/calls');
      const built = await run('gcc', ['-static', '-O1', '-o', calls, path.resolve('native/tests/inside/calls.c')]);
      assert.equal(built.code, 0, built.stderr);
    });
    after(() => ground?.[Symbol.asyncDispose]());
    /** What every capability goes along with: runc gives up where its own engine has not all of them, as on this kind of machine. */
    const mighty = <Args>(args: Args[]): Args[] => (who === control ? [] : args);

    test('makes the runtime its entry point and writes to it (CVE-2019-5736)', async () => {
      const before = await fingerprint(ground);
      await loadImage(ground, 'evil:entry', {
        change: (layer) => writeFile(path.join(layer, 'evil'), '#!/proc/self/exe\n', { mode: 0o755 }),
      });
      const ran = await ground.run('run', '--rm', ...TRUSTED, 'evil:entry', '/evil');
      assert.notEqual(ran.code, 0, ran.stdout);
      assert.equal(await fingerprint(ground), before);
    });

    test('begins in a directory that is a descriptor (CVE-2024-21626)', async () => {
      await ground.says('run', '-d', '--name', 'shell', 'busybox:test', 'sleep', '1000');
      const inside = async (...args: string[]) => {
        const ran = await ground.run(
          ...args,
          'sh',
          '-c',
          'ls -a ../../../../../../../..; cat ../../../../../../../../etc/shadow',
        );
        assert.ok(!/^(boot|srv|lost\+found)$/m.test(ran.stdout) && !/^root:[^x]/m.test(ran.stdout), ran.stdout);
        return ran.code;
      };
      for (let fd = 3; fd < 20; fd += 2) {
        assert.notEqual(await inside('exec', '-w', `/proc/self/fd/${fd}`, 'shell'), 0);
        if (fd % 4 === 3) assert.notEqual(await inside('run', '--rm', '-w', `/proc/self/fd/${fd}`, 'busybox:test'), 0);
      }
      await loadImage(ground, 'evil:directory', { config: { WorkingDir: '/proc/self/fd/7' } });
      assert.notEqual(await inside('run', '--rm', 'evil:directory'), 0);
    });

    test('finds descriptors that were left open (CVE-2016-9962)', async () => {
      const list = ['sh', '-c', 'cd /proc/self/fd; for fd in *; do [ -e $fd ] && echo $fd; done; true'];
      assert.equal(await ground.says('run', '--rm', 'busybox:test', ...list), '0\n1\n2\n');
      assert.equal(await ground.says('exec', 'shell', ...list), '0\n1\n2\n');
      for (const flag of mighty(['--privileged']))
        assert.equal(await ground.says('exec', flag, 'shell', ...list), '0\n1\n2\n');
    });

    test('inherits capabilities that were not given to it (CVE-2022-24769, -27649, -27650, -29162)', async () => {
      const read = ['sh', '-c', "sed -n 's/^Cap\\(Inh\\|Amb\\):\\t//p' /proc/self/status | sort -u"];
      const none = `${'0'.repeat(16)}\n`;
      for (const args of [[], ['--cap-add', 'NET_ADMIN'], ...mighty([['-u', '1000', '--cap-add', 'ALL']])])
        assert.equal(await ground.says('run', '--rm', ...args, 'busybox:test', ...read), none);
      if (who !== 'root with user namespaces')
        for (const flag of mighty(['--privileged']))
          assert.equal(await ground.says('run', '--rm', flag, 'busybox:test', ...read), none);
      for (const args of [[], ['-u', '1000'], ...mighty([['--privileged']])])
        assert.equal(await ground.says('exec', ...args, 'shell', ...read), none);
    });

    test('gains by leaving its group, or names a user that is another number (CVE-2022-36109, CVE-2024-40635, CVE-2026-30892)', async () => {
      assert.equal(await ground.says('run', '--rm', '-u', '1000', 'busybox:test', 'id', '-G'), '1000 2000\n');
      assert.equal(await ground.says('run', '--rm', '-u', '1234', 'busybox:test', 'id', '-G'), '0\n');
      assert.equal(await ground.says('run', '--rm', '-u', '1000:1000', 'busybox:test', 'id', '-G'), '1000\n');
      assert.equal(await ground.says('exec', '-u', '1000:1000', 'shell', 'id', '-G'), '1000\n');
      const users = ['4294967296', '2147483648', '-1', '1000:', '0x0', '+0', ' 0', '1e3', '0:4294967296', 'root:0x0'];
      await Promise.all(
        users.map(async (user) => {
          const exec = await ground.run('exec', '-u', user, 'shell', 'id');
          assert.notEqual(exec.code, 0, `exec -u '${user}': ${exec.stdout}`);
        }),
      );
      for (const user of users.filter((_, index) => index % 2 === 1)) {
        const ran = await ground.run('run', '--rm', '-u', user, 'busybox:test', 'id');
        assert.notEqual(ran.code, 0, `-u '${user}': ${ran.stdout}`);
      }
      await loadImage(ground, 'evil:user', { config: { User: '4294967296' } });
      assert.notEqual((await ground.run('run', '--rm', 'evil:user', 'id')).code, 0);
    });

    test('mounts a cgroup to write a release agent, with and without its seccomp filter (CVE-2022-0492)', async () => {
      const attack = (before: string) =>
        `${before} sh -c 'for c in memory rdma freezer; do mount -t cgroup -o $c c /tmp && echo /x > /tmp/release_agent && echo escaped; done'`;
      for (const options of [[], ['--security-opt', 'seccomp=unconfined']]) {
        const ran = await ground.run(
          'run',
          '--rm',
          ...options,
          'busybox:test',
          'sh',
          '-c',
          `${attack('')}; ${attack('unshare -UrmC')}`,
        );
        assert.ok(!ran.stdout.includes('escaped'), ran.stdout);
      }
    });

    const its =
      who === control &&
      'where cgroups are its own, runc gives a container a tmpfs to put them in that it may write to';
    test("writes to the host's cgroups where they are shared (CVE-2023-25809)", { skip: its }, async () => {
      const script =
        'cd /sys/fs/cgroup; touch x; mkdir x */x; for f in cgroup.procs */cgroup.procs; do echo 1 > $f && echo wrote $f; done; ls -d x */x';
      for (const mode of ['private', 'host']) {
        const ran = await ground.run(
          'run',
          '--rm',
          `--cgroupns=${mode}`,
          'busybox:test',
          'sh',
          '-c',
          `(${script}) 2>/dev/null`,
        );
        assert.equal(ran.stdout, '', mode);
      }
    });

    test('asks the kernel for what it must not have, also by exec (CVE-2026-31431, the kernel class)', async () => {
      await ground.says('run', '-d', '--name', 'caller', ...tools(), 'busybox:test', 'sleep', '1000');
      for (const args of [
        ['run', '--rm', ...tools(), 'busybox:test'],
        ['exec', 'caller'],
        ['exec', '-u', '1000', 'caller'],
      ]) {
        const lines = (await ground.says(...args, '/t/calls')).trim().split('\n');
        const allowed = ['socket AF_INET', 'socket AF_UNIX', '32-bit socket AF_INET', 'fchmodat2'];
        const open = lines.filter((line) => line.endsWith(' ok')).map((line) => line.slice(0, -3));
        assert.deepEqual(
          open.filter((call) => !allowed.includes(call)),
          [],
          args.join(' '),
        );
        assert.ok(lines.length > 40);
      }
    });

    test('finds our sockets in the network of the host, or our directories open (CVE-2020-15257)', async () => {
      const sockets = await readFile('/proc/net/unix', 'utf8');
      const helper = Number(
        /"pid":\s?(\d+)/.exec(await said(path.join(ground.runDir, 'helper.sock'), '{"op":"hello"}\n'))?.[1],
      );
      assert.ok(helper > 1);
      for (const pid of [helper, ground.pid, ...(await monitors(ground))])
        for (const name of await readdir(`/proc/${pid}/fd`)) {
          const target = await readlink(`/proc/${pid}/fd/${name}`).catch(() => '');
          const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
          const line = sockets.split('\n').find((each) => inode && each.includes(` ${inode} `));
          assert.ok(!line?.includes('@'), `process ${pid} has an abstract socket: ${line}`);
        }
      assert.equal((await lstat(ground.runDir)).mode & 0o077, 0);
      for (const name of ['', 'containers', 'layers'])
        assert.equal((await lstat(path.join(ground.dataRoot, name))).mode & 0o066, 0, name);
      const [any] = await readdir(path.join(ground.dataRoot, 'containers'));
      assert.equal((await lstat(path.join(ground.dataRoot, 'containers', any ?? ''))).mode & 0o066, 0);
    });

    test('reaches the engine over TCP from a web page (the host-side web attack)', async () => {
      const listening =
        (await readFile(`/proc/${ground.pid}/net/tcp`, 'utf8')) +
        (await readFile(`/proc/${ground.pid}/net/tcp6`, 'utf8'));
      const inodes = new Set(
        listening
          .split('\n')
          .map((line) => line.trim().split(/\s+/))
          .filter(([, , , state]) => state === '0A')
          .map((fields) => fields[9]),
      );
      for (const pid of [ground.pid, ...(await monitors(ground))])
        for (const name of await readdir(`/proc/${pid}/fd`)) {
          const target = await readlink(`/proc/${pid}/fd/${name}`).catch(() => '');
          assert.ok(!inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? ''), `process ${pid} listens on TCP`);
        }
      assert.equal((await lstat(ground.socket)).mode & 0o007, 0);
    });

    test('finds in its environment what another container was given (CVE-2020-14370)', async () => {
      const ids = await Promise.all(
        ['SECRET=one', 'OTHER=two', undefined].map((Env) =>
          api<{ Id: string }>(ground.socket, 'POST', '/containers/create', {
            Image: 'busybox:test',
            Cmd: ['env'],
            Tty: false,
            ...(Env && { Env: [Env] }),
          }),
        ),
      );
      const shown = [];
      for (const { Id } of ids) shown.push(await ground.says('start', '-a', Id));
      assert.deepEqual(
        shown.map((text) => /SECRET|OTHER/.exec(text)?.[0]),
        ['SECRET', 'OTHER', undefined],
      );
    });

    test('passes settings of ours through the API (CVE-2026-53488, -53489, -53492, -50195)', async () => {
      const overlay = JSON.stringify({ lower: ['/'], upper: ground.folder, work: ground.folder });
      const { status, body } = await request(ground.socket, 'POST', '/containers/create?name=annotated', {
        Image: 'busybox:test',
        Cmd: ['ls', '/'],
        Labels: { 'dev.slipway.overlay': overlay, 'dev.slipway.user': '0' },
        HostConfig: {
          Annotations: { 'dev.slipway.overlay': overlay, 'dev.slipway.init': 'true' },
          LogConfig: { Type: 'json-file', Config: { path: '/x' } },
        },
      });
      assert.equal(status, 400, body.toString());
      const made = await request(ground.socket, 'POST', '/containers/create?name=annotated', {
        Image: 'busybox:test',
        Cmd: ['ls', '/'],
        Labels: { 'dev.slipway.overlay': overlay },
        HostConfig: { Annotations: { 'dev.slipway.overlay': overlay } },
      });
      if (made.status === 400) return;
      assert.ok(!(await ground.says('start', '-a', 'annotated')).includes('boot'));
    });
  });

/** The monitors of what runs. */
async function monitors({ runDir }: Ground): Promise<number[]> {
  const names = await readdir(path.join(runDir, 'c')).catch(() => []);
  const texts = await Promise.all(
    names.map((name) => readFile(path.join(runDir, 'c', name, 'monitor.json'), 'utf8').catch(() => '{}')),
  );
  return texts.map((text) => (JSON.parse(text) as { pid?: number }).pid).filter((pid) => pid !== undefined);
}

async function said(socket: string, request: string): Promise<string> {
  const { connect } = await import('node:net');
  return new Promise((resolve, reject) => {
    let text = '';
    const connection = connect(socket)
      .on('error', reject)
      .on('end', () => resolve(text))
      .on('data', (chunk) => (text += String(chunk)));
    connection.write(request);
  });
}
