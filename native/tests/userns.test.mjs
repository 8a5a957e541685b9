/** Containers of root whose user ids are their own: a user namespace over id-mapped layers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { compileInto } from './bundles.mjs';
import { Bench, frames, unable } from './harness.mjs';

const FIRST = 300_000;
const SECOND = 400_000;

const mapped =
  (first, more) =>
  (config, folder) => {
    config.linux.namespaces.push({ type: 'user' });
    config.linux.uidMappings = config.linux.gidMappings = [{ containerID: 0, hostID: first, size: 65536 }];
    return more?.(config, folder);
  };

describe('a container with user ids of its own', { skip: unable }, () => {
  let bench;
  before(async () => {
    bench = await Bench.open();
    assert.equal(bench.hello.overlay.idmapped, true, 'this machine cannot show layers under other ids');
  });
  after(() => bench.close());

  const says = async (script, options) => {
    const { stdout, stderr, exit, container } = await bench.sh(script, { change: mapped(FIRST), ...options });
    assert.equal(stderr.toString(), '');
    assert.equal(exit.code, '0');
    return Object.assign([stdout.toString()], { container });
  };

  test('is root inside, nobody outside', async () => {
    const container = await bench.run(['/bin/sleep', '100'], { change: mapped(FIRST) });
    await container.start();
    const status = await readFile(`/proc/${container.pid}/status`, 'utf8');
    assert.match(status, new RegExp(`^Uid:\t${FIRST}\t${FIRST}\t${FIRST}\t${FIRST}$`, 'm'));
    assert.match(status, new RegExp(`^Gid:\t${FIRST}\t${FIRST}\t${FIRST}\t${FIRST}$`, 'm'));
    assert.match(await readFile(`/proc/${container.pid}/uid_map`, 'utf8'), new RegExp(`^ +0 +${FIRST} +65536\n$`));
    const exec = await bench.exec(container, ['/bin/sh', '-c', 'id -u; touch /root/from-exec; cat /proc/self/uid_map']);
    const streams = await exec.attach({ stdin: false });
    await exec.start();
    assert.match(frames(await streams.rest()).stdout.toString(), new RegExp(`^0\n +0 +${FIRST} +65536\n$`));
    assert.equal((await stat(join(container.folder, 'upper/root/from-exec'))).uid, 0);
    const app = await bench.exec(container, ['/bin/id'], { user: 'app:web' });
    const said = await app.attach({ stdin: false });
    await app.start();
    assert.match(frames(await said.rest()).stdout.toString(), /^uid=1000\(app\) gid=33\(web\)/);
  });

  test('sees the ids of its layers, and what it writes has plain ids on disk', async () => {
    const script = `stat -c %u:%g /etc /bin/busybox; touch /mine; chown 33:44 /mine; stat -c %u:%g /mine
      echo changed >> /etc/group; rm -r /home; mkdir /home; cp /bin/busybox /tmp/setuid; chmod u+s /tmp/setuid; chown 1000 /tmp/setuid; stat -c %a:%u /tmp/setuid`;
    const [said] = await says(script);
    assert.equal(said, '0:0\n0:0\n33:44\n755:1000\n');
    const upper = join(bench.containers.at(-1).folder, 'upper');
    const owner = async (name) => {
      const { uid, gid } = await stat(join(upper, name));
      return `${uid}:${gid}`;
    };
    assert.deepEqual(
      [await owner(''), await owner('mine'), await owner('etc/group'), await owner('home'), await owner('tmp/setuid')],
      ['0:0', '33:44', '0:0', '0:0', '1000:0'],
    );
  });

  test('the changeset is the same as that of a container without', async () => {
    const script = 'rm -r /home /etc/group; mkdir /home; touch -d @0 /home /new; chown 5:6 /new; touch -d @0 / /etc; true';
    const contents = async (options) => {
      const { container } = await bench.sh(script, options);
      const wire = bench.wire();
      wire.socket.end(
        `${JSON.stringify({ op: 'pack', lower: [join(bench.data, 'layers/1/fs')], upper: join(container.folder, 'upper') })}\n`,
      );
      assert.match(await wire.line(), /"ok": ?true/);
      const listed = spawnSync('tar', ['-tv', '--numeric-owner', '--full-time'], { input: await wire.rest() });
      return listed.stdout.toString().replace(/\S+ \S+ (\S*\.wh\.\S+)/g, '$1'); // a whiteout is as old as the removal
    };
    const own = await contents({ change: mapped(FIRST) });
    assert.match(own, /5\/6 .* new\n/);
    assert.equal(own, await contents({}));
  });

  test('setuid programs and file capabilities count inside', async () => {
    const folder = join(bench.data, 'layers/1/fs/bin');
    compileInto(folder, 'identity');
    for (const name of ['setuid', 'capable']) await cp(join(folder, 'identity'), join(folder, name));
    await chmod(join(folder, 'setuid'), 0o4755);
    // cap_net_raw=ep, as an image's layer brings it along: without a user namespace in it.
    const attribute = `import os; os.setxattr('${folder}/capable', 'security.capability', bytes.fromhex('0100000200200000000000000000000000000000'))`;
    assert.equal(spawnSync('python3', ['-c', attribute]).status, 0);
    const [said] = await says('identity; setuid; capable', { user: 'app', change: mapped(FIRST) });
    const none = '0'.repeat(16);
    assert.equal(said, `1000 ${none}\n0 00000000a80425fb\n1000 0000000000002000\n`);
  });

  test('two with different ids share a layer, and neither can touch the other', async () => {
    const one = await bench.run(['/bin/sleep', '100'], { change: mapped(FIRST) });
    const other = await bench.run(['/bin/sleep', '100'], { change: mapped(SECOND) });
    await one.start();
    await other.start();
    assert.match(await readFile(`/proc/${other.pid}/status`, 'utf8'), new RegExp(`^Uid:\t${SECOND}\t`, 'm'));
    const [said] = await says('stat -c %u /etc/passwd', { change: mapped(SECOND) });
    assert.equal(said, '0\n');
  });

  test('a volume is id-mapped where asked for, and the host’s own directories are not', async () => {
    const change = mapped(FIRST, async (config, folder) => {
      for (const name of ['volume', 'plain']) await mkdir(join(folder, name));
      await writeFile(join(folder, 'hosts'), 'hosts\n');
      config.mounts.push(
        { destination: '/volume', type: 'bind', source: join(folder, 'volume'), options: ['rbind', 'idmap'] },
        { destination: '/plain', type: 'bind', source: join(folder, 'plain'), options: ['rbind'] },
        { destination: '/etc/hosts', type: 'bind', source: join(folder, 'hosts'), options: ['bind', 'idmap'] },
      );
    });
    const [said] = await says(
      'stat -c %u /volume /plain /etc/hosts; echo more >> /etc/hosts; touch /volume/x; touch /plain/x 2>/dev/null || echo refused',
      { change },
    );
    assert.equal(said, '0\n65534\n0\nrefused\n');
    const { folder } = bench.containers.at(-1);
    assert.equal((await stat(join(folder, 'volume/x'))).uid, 0);
    assert.deepEqual(await readdir(join(folder, 'plain')), []);
    assert.equal(await readFile(join(folder, 'hosts'), 'utf8'), 'hosts\nmore\n');
  });

  test('has the file systems of the kernel, devices, a terminal and limits like any other', async () => {
    const { bytes } = await bench.sh('tty; test -c /dev/console && echo console; stat -c %u /dev/pts/0 /dev/shm /dev', {
      change: mapped(FIRST),
      tty: true,
    });
    assert.equal(bytes.toString().replaceAll('\r', ''), '/dev/pts/0\nconsole\n0\n0\n0\n');
    const change = mapped(FIRST, (config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }];
      config.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
      config.linux.devices = [{ path: '/dev/renamed', type: 'c', major: 1, minor: 7, fileMode: 0o666 }];
    });
    const [said] = await says(
      'ulimit -Sn; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward; echo x > /dev/null; stat -c %t:%T /dev/renamed; hostname; touch /dev/shm/x; ls /sys/class/net',
      { change },
    );
    assert.equal(said, '100\n200\n1\n1:7\nbench\nlo\n');
  });

  test('joins the user namespace of another to share its other namespaces', async () => {
    const first = await bench.run(['/bin/sleep', '100'], { change: mapped(FIRST) });
    await first.start();
    const change = mapped(FIRST, ({ linux }) => {
      for (const namespace of linux.namespaces) {
        const file = { user: 'user', network: 'net', ipc: 'ipc', pid: 'pid' }[namespace.type];
        if (file) namespace.path = `/proc/${first.pid}/ns/${file}`;
      }
    });
    const [said] = await says('ps -o args | grep -c "[s]leep 100"; stat -c %u /etc/passwd; touch /x; echo ok', { change });
    assert.equal(said, '1\n0\nok\n');
    assert.equal((await stat(join(bench.containers.at(-1).folder, 'upper/x'))).uid, 0);
  });

  test('a map without root, and a file system that cannot be mapped, are refused in a sentence', async () => {
    const rootless = mapped(FIRST, ({ linux }) => {
      linux.uidMappings = linux.gidMappings = [{ containerID: 1000, hostID: FIRST, size: 1 }];
    });
    await assert.rejects(bench.run(['/bin/true'], { change: rootless }), { message: /must map id 0/ });
    const unmappable = mapped(FIRST, ({ mounts }) =>
      mounts.push({ destination: '/p', type: 'bind', source: '/proc', options: ['bind', 'idmap'] }),
    );
    await assert.rejects(bench.run(['/bin/true'], { change: unmappable }), { message: /\/proc cannot show other ids/ });
  });
});
