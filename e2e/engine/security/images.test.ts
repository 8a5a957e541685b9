/** Attacks by what an image brings along: users, mount points, volumes, programs. Each tries to reach the host, and must not. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { api, run } from '../../fixtures/engine.js';
import { COVERED, loadImage, needsRoot, open, up, type Ground } from './ground.js';

for (const who of ['root', 'an ordinary user'] as const)
  describe(`the attacker's image, run by ${who}`, { skip: needsRoot, timeout: 900_000 }, () => {
    let ground: Ground;
    let outside: string;
    before(async () => {
      ground = await open(who);
      outside = path.join(ground.folder, 'outside');
      await writeFile(path.join(outside, 'secret'), 'of the host\n');
    });
    after(() => ground?.[Symbol.asyncDispose]());

    /** Nothing came, nothing changed. */
    const untouched = async (what: string) => {
      assert.deepEqual(await readdir(outside), ['secret'], what);
      assert.equal(await readFile(path.join(outside, 'secret'), 'utf8'), 'of the host\n', what);
    };

    test('has a passwd or group file that never ends, blocks, or is a file of the host (CVE-2017-14992, CVE-2024-9676)', async () => {
      const attempts: [name: string, what: string, make: (file: string) => Promise<unknown>][] = [
        ['passwd', 'a FIFO', (file) => run('mkfifo', [file])],
        ['passwd', 'a file of the host', (file) => symlink(`${up}${outside}/secret`, file)],
        ['passwd', '2 MiB', (file) => run('truncate', ['-s', '2M', file])],
        ['group', 'a FIFO', (file) => run('mkfifo', [file])],
      ];
      // An ordinary user's layers have no devices.
      if (who === 'root') attempts.push(['passwd', 'a device', (file) => run('mknod', [file, 'c', '1', '5'])]);
      for (const [name, what, make] of attempts) {
        const tag = `evil:${name}`;
        await loadImage(ground, tag, {
          async change(layer) {
            await mkdir(path.join(layer, 'etc'));
            await make(path.join(layer, 'etc', name));
          },
        });
        const ran = await ground.run('run', '--rm', '-u', name === 'passwd' ? 'app' : '1000:web', tag, 'id');
        assert.ok(ran.code > 0, `/etc/${name} is ${what}: ${ran.code} ${ran.stdout}`); // -1: it had to be ended
      }
      await untouched('passwd');
    });

    test('names a volume outside of itself, by path and by link (CVE-2022-23648)', async () => {
      await loadImage(ground, 'evil:volume', {
        change: (layer) => symlink(`${up}${outside}`, path.join(layer, 'link')),
        config: { Volumes: { [`/${up}${outside}`]: {}, '/link': {}, '/link/deep': {} } },
      });
      const ran = await ground.run(
        'run',
        '--name',
        'volumes',
        'evil:volume',
        'sh',
        '-c',
        `cat ${outside}/secret /link/secret; touch /link/new ${outside}/new`,
      );
      assert.ok(!ran.stdout.includes('of the host'), ran.stdout);
      await untouched('volume');
      await ground.says('rm', '-f', '-v', 'volumes');
      await untouched('volume removed');
    });

    test('has links where the engine puts files and mounts (CVE-2024-9341)', async () => {
      await loadImage(ground, 'evil:targets', {
        async change(layer) {
          await mkdir(path.join(layer, 'etc'));
          for (const name of ['hosts', 'hostname', 'resolv.conf'])
            await symlink(`${up}${outside}/${name}`, path.join(layer, 'etc', name));
          await symlink(`${up}${outside}`, path.join(layer, 'data'));
          await symlink(`${up}${outside}`, path.join(layer, 'work'));
          await symlink(`${up}${outside}/secret`, path.join(layer, 'file'));
        },
      });
      const script = 'cat /data/secret /file; echo x >> /etc/hosts; echo x > /data/new; touch /work/new /file';
      const mounts = [
        '--tmpfs',
        '/data/tmp',
        '-v',
        `${ground.folder}/tools:/work/tools`,
        '-v',
        `${ground.folder}/tools:/file`,
      ];
      for (const options of [[], mounts, ['-w', '/work/made'], ['--read-only']]) {
        const ran = await ground.run('run', '--rm', ...options, 'evil:targets', 'sh', '-c', script);
        assert.ok(!ran.stdout.includes('of the host'), ran.stdout);
        await untouched(options.join(' '));
      }
    });

    test('has links where the kernel’s file systems go, or /dev is one (CVE-2019-19921, CVE-2023-27561, CVE-2026-41579, CVE-2026-47766)', async () => {
      const inside = ['dev/pts', 'dev/shm', 'dev/mqueue', 'dev/null', 'dev/console', 'sys/fs/cgroup'];
      for (const names of [['proc'], ['sys'], ['dev'], inside]) {
        await loadImage(ground, 'evil:kernel', {
          async change(layer) {
            for (const name of names) {
              await mkdir(path.dirname(path.join(layer, name)), { recursive: true });
              await symlink(`${up}${outside}`, path.join(layer, name));
            }
          },
        });
        const script =
          '(touch /dev/new /proc/new /sys/new; cat /proc/kcore /proc/keys) 2>/dev/null | wc -c; grep -c " /proc proc " /proc/mounts';
        for (const options of names === inside ? [[], ['-t']] : [[]]) {
          const ran = await ground.run('run', '--rm', ...options, 'evil:kernel', 'sh', '-c', script);
          if (ran.code === 0) assert.match(ran.stdout, /^0\r?\n1\r?\n$/, `${names.join()} ${options.join()}`);
          await untouched(`${names.join()} ${options.join()}`);
        }
      }
    });

    test('hides as /dev/null, /dev/console or /dev/pts what is to be shown or written (CVE-2025-31133, CVE-2025-52565)', async () => {
      const dev = path.join(ground.folder, 'dev');
      await mkdir(dev);
      await symlink('/proc/sys/kernel/core_pattern', path.join(dev, 'null'));
      await symlink('/proc/sysrq-trigger', path.join(dev, 'console'));
      await symlink('/proc/kcore', path.join(dev, 'tty'));
      await run('chmod', ['-R', 'a+rwX', dev]);
      await loadImage(ground, 'evil:null', {
        async change(layer) {
          await mkdir(path.join(layer, 'dev'));
          for (const name of ['null', 'console', 'tty'])
            await symlink('/proc/sys/kernel/core_pattern', path.join(layer, 'dev', name));
        },
      });
      const before = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
      for (const terminal of [[], ['-t']])
        for (const what of [['evil:null'], ['-v', `${dev}:/dev`, 'busybox:test'], ['-v', `${dev}:/dev`, 'evil:null']]) {
          const ran = await ground.run('run', '--rm', ...terminal, ...what, 'sh', '-c', COVERED);
          if (ran.code === 0) assert.match(ran.stdout, /^0\r?\nend\r?\n$/, what.join(' '));
          else assert.doesNotMatch(ran.stdout, /wrote/);
        }
      assert.equal(await readFile('/proc/sys/kernel/core_pattern', 'utf8'), before);
      await untouched('dev');
    });

    test('brings a false /proc, so that settings go elsewhere (CVE-2019-16884, CVE-2025-52881)', async () => {
      const fake = path.join(ground.folder, 'fake');
      await mkdir(path.join(fake, 'sys/net/ipv4'), { recursive: true });
      await mkdir(path.join(fake, 'self/attr'), { recursive: true });
      await run('chmod', ['-R', 'a+rwX', fake]);
      for (const options of [
        ['-v', `${fake}:/proc`],
        ['--tmpfs', '/proc'],
        ['-v', `${fake}:/proc/sys/net`],
        ['-v', `${fake}:/sys`],
      ]) {
        const ran = await ground.run(
          'run',
          '--rm',
          ...options,
          '--sysctl',
          'net.ipv4.ip_forward=1',
          'busybox:test',
          'sh',
          '-c',
          'cat /proc/self/status /proc/kcore | head -c 100000',
        );
        if (options[1] !== `${fake}:/sys`) assert.notEqual(ran.code, 0, options.join(' '));
      }
      await loadImage(ground, 'evil:proc', { config: { Volumes: { '/proc': {}, '/sys': {}, '/dev': {} } } });
      const ran = await ground.run(
        'run',
        '--rm',
        'evil:proc',
        'sh',
        '-c',
        'cat /proc/self/status; cat /proc/kcore | wc -c',
      );
      if (ran.code === 0) assert.match(ran.stdout, /^Seccomp:\t2$[^]*\n0\n$/m);
      assert.deepEqual(await readdir(path.join(fake, 'sys/net/ipv4')), []);
    });

    test('replaces programs that the engine might run for top, exec and health (CVE-2022-1227)', async () => {
      const script = `#!/bin/sh\ntouch /ran-$$ ${outside}/ran\n`;
      await loadImage(ground, 'evil:ps', {
        async change(layer) {
          await mkdir(path.join(layer, 'usr/bin'), { recursive: true });
          for (const name of ['ps', 'nsenter', 'env', 'runc', 'newuidmap'])
            await writeFile(path.join(layer, 'usr/bin', name), script, { mode: 0o755 });
        },
      });
      await ground.says('run', '-d', '--name', 'poisoned', 'evil:ps', 'sleep', '1000');
      assert.match(await ground.says('top', 'poisoned'), /sleep 1000/);
      assert.match(await ground.says('top', 'poisoned', '-eo', 'pid,args'), /sleep 1000/);
      await ground.says('exec', '-u', 'app', 'poisoned', 'true');
      assert.equal(await ground.says('exec', 'poisoned', 'sh', '-c', 'ls / | grep -c ran || true'), '0\n');
      await untouched('top');
      await ground.says('rm', '-f', 'poisoned');
    });

    test('carries settings of ours in its labels and its environment (CVE-2026-53488, CVE-2026-53489)', async () => {
      const overlay = JSON.stringify({ lower: ['/'], upper: outside, work: outside });
      const labels = {
        'dev.slipway.overlay': overlay,
        'dev.slipway.user': '0',
        'dev.slipway.init': 'true',
        'io.podman.annotations.userns': 'host',
      };
      await loadImage(ground, 'evil:labels', {
        config: {
          Labels: labels,
          Annotations: labels,
          User: 'app',
          Env: ['LD_PRELOAD=/evil.so', 'SLIPWAY_HELPER=/evil', 'NODE_OPTIONS=--require=/evil.js'],
        },
      });
      await ground.says('run', '-d', '--name', 'labelled', 'evil:labels', 'sleep', '1000');
      assert.equal(
        await ground.says('exec', 'labelled', 'sh', '-c', 'id -u; cat /proc/1/comm; ls /'),
        await ground.says('run', '--rm', '-u', 'app', 'busybox:test', 'sh', '-c', 'id -u; echo sleep; ls /'),
      );
      const { Config } = await api<{ Config: { Labels: object } }>(ground.socket, 'GET', '/containers/labelled/json');
      assert.deepEqual(Config.Labels, labels);
      await untouched('labels');
      await ground.says('rm', '-f', 'labelled');
    });
  });

describe('the same attacks against runc', { skip: needsRoot, timeout: 900_000 }, () => {
  test('end the same way: the tests ask for nothing that nobody has', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'slipway-runc-'));
    await using ground = await open('root', ['--add-runtime', 'runc=/usr/sbin/runc']);
    const ran = async (...args: string[]) => ground.run('run', '--rm', '--runtime=runc', ...args);
    assert.notEqual((await ran('-w', '/proc/self/fd/7', 'busybox:test', 'cat', '../../../../etc/shadow')).code, 0);
    assert.notEqual((await ran('-v', `${folder}:/proc`, 'busybox:test', 'true')).code, 0);
    assert.notEqual((await ran('-u', '4294967296', 'busybox:test', 'true')).code, 0);
    assert.equal(
      (await ran('busybox:test', 'sh', '-c', "sed -n 's/^CapInh:\\t//p' /proc/self/status")).stdout,
      `${'0'.repeat(16)}\n`,
    );
    await rm(folder, { recursive: true });
  });
});
