/** Attacks by what is in a volume, and by an image that says where its volumes are. Each tries to reach the host, and must not. */
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { rounds } from '../../fixtures/campaign.js';
import { request, run } from '../../fixtures/engine.js';
import { everybody, loadImage, needsRoot, open, up, type Ground } from './ground.js';

const SECRET = 'what the host keeps to itself\n';

for (const who of everybody)
  describe(`the attacker's volume, run by ${who}`, { skip: needsRoot, timeout: 900_000 }, () => {
    let ground: Ground;
    let outside: string;
    before(async () => {
      ground = await open(who);
      outside = path.join(ground.folder, 'outside');
      await writeFile(path.join(outside, 'secret'), SECRET);
      const swap = path.join(ground.folder, 'tools/swap');
      const built = await run('gcc', ['-static', '-O1', '-o', swap, path.resolve('native/tests/inside/swap.c')]);
      assert.equal(built.code, 0, built.stderr);
    });
    after(() => ground?.[Symbol.asyncDispose]());

    const tools = () => ['-v', `${ground.folder}/tools:/t:ro`, '--network=none'];
    const untouched = async (what: string) => {
      assert.deepEqual(await readdir(outside), ['secret'], what);
      assert.equal(await readFile(path.join(outside, 'secret'), 'utf8'), SECRET, what);
      assert.ok(!(await readFile('/proc/self/mountinfo', 'utf8')).includes(outside), what);
    };
    const start = async (Mounts: object[], Cmd: string[], more: object = {}) => {
      const HostConfig = { Mounts, NetworkMode: 'none', ...more };
      const body = { Image: 'busybox:test', Cmd, HostConfig };
      const made = await request(ground.socket, 'POST', '/containers/create?name=victim', body);
      if (made.status === 201) await request(ground.socket, 'POST', '/containers/victim/start');
      const said = made.status === 201 ? await ground.run('logs', '-f', 'victim') : { stdout: made.body.toString() };
      await ground.run('rm', '-f', '-v', 'victim');
      return said.stdout;
    };

    test('swaps a part of it for a link while another container mounts that part (CVE-2017-1002101, CVE-2021-25741)', async () => {
      const make = `mkdir -p /v/a; echo harmless > /v/a/secret; ln -s ${up}${outside} /v/b; exec /t/swap /v/a /v/b`;
      const named = ['-v', 'shared:/v', ...tools(), 'busybox:test', 'sh', '-c', make];
      await ground.says('run', '-d', '--name', 'swapper', ...named);
      let mounted = 0;
      for (let round = 0; round < rounds(12, 10_000) || mounted === 0; round++) {
        const Subpath = round % 2 ? 'a' : 'a/secret';
        const part = { Type: 'volume', Source: 'shared', Target: '/p', VolumeOptions: { Subpath } };
        const said = await start([part], ['sh', '-c', 'cat /p /p/secret 2>/dev/null; echo x > /p/planted']);
        assert.ok(!said.includes(SECRET.trim()), `round ${round}`);
        if (said.includes('harmless')) mounted++;
        const archive = await request(ground.socket, 'GET', '/containers/swapper/archive?path=/v/a/secret');
        assert.ok(!archive.body.includes(SECRET.trim()), `round ${round}`);
        await untouched(`round ${round}`);
      }
      await ground.says('rm', '-f', 'swapper');
      await ground.says('volume', 'rm', 'shared');
    });

    test('puts links in the way while an image’s files are copied into it', async () => {
      await loadImage(ground, 'evil:first', {
        async change(layer) {
          // Names of a file twice, so that the second is a link to the first; and what leads out if it is followed.
          for (const name of ['d/sub', 'd/zone']) await mkdir(path.join(layer, name), { recursive: true });
          for (let index = 0; index < 300; index++) await writeFile(path.join(layer, `d/sub/${index}`), 'plain\n');
          await writeFile(path.join(layer, 'd/sub/secret'), 'plain\n');
          await run('ln', [path.join(layer, 'd/sub/secret'), path.join(layer, 'd/zone/secret')]);
          await symlink(`${up}${outside}`, path.join(layer, 'd/out'));
          await run('mkfifo', [path.join(layer, 'd/fifo')]);
        },
        config: { Volumes: { '/d': {} } },
      });
      // Another container has the volume and puts links to the host in the place of whatever comes to be in it.
      const away = `cd /v/part; while :; do for d in .slipway-copying .slipway-copied; do
        [ -d $d/sub ] && mv $d/sub /v/moved.$$ 2>/dev/null && ln -s ${up}${outside} $d/sub; rm -rf /v/moved.*; done; done`;
      await ground.says(
        ...['run', '-d', '--name', 'waiting', '-v', 'part:/v', ...tools(), 'busybox:test', 'sh', '-c'],
        `mkdir /v/part; touch /v/ready; ${away}`,
      );
      while ((await ground.run('exec', 'waiting', 'ls', '/v/ready')).code !== 0);
      for (let round = 0; round < rounds(4, 2000); round++) {
        const Mounts = [{ Type: 'volume', Source: 'part', Target: '/d', VolumeOptions: { Subpath: 'part' } }];
        const body = {
          Image: 'evil:first',
          Cmd: ['cat', '/d/zone/secret', '/d/sub/secret'],
          HostConfig: { Mounts, NetworkMode: 'none' },
        };
        const made = await request(ground.socket, 'POST', '/containers/create?name=filled', body);
        if (made.status === 201) {
          const said = await ground.run('start', '-a', 'filled');
          assert.ok(!said.stdout.includes(SECRET.trim()), said.stdout);
          await ground.says('rm', '-f', 'filled');
        }
        await untouched(`round ${round}`);
        await ground.run('exec', 'waiting', 'sh', '-c', 'rm -rf /v/part/* /v/part/.slipway*');
      }
      const { stdout } = await run('find', [outside, '-links', '+1', '-type', 'f']);
      assert.equal(stdout, '', 'a file of the host has got another name');
      await ground.says('rm', '-f', 'waiting');
      await ground.says('volume', 'rm', 'part');
    });

    test('an image has its volumes where the kernel’s file systems are, or leads there by links', async () => {
      const places = [
        '/proc',
        '/proc/sys',
        '/sys',
        '/sys/fs/cgroup',
        '/dev',
        '/dev/pts',
        '/dev/shm',
        '/link',
        '/link/sys',
        '/../../proc',
      ];
      for (const place of places) {
        await loadImage(ground, 'evil:places', {
          change: (layer) => symlink('/proc', path.join(layer, 'link')),
          config: { Volumes: { [place]: {} } },
        });
        const look =
          'for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger; do (echo x > $f) 2>/dev/null && grep -q "^proc /proc proc" /proc/mounts && echo wrote; done; head -c 100 /proc/kcore 2>/dev/null | wc -c; echo end';
        const before = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
        const ran = await ground.run('run', '--rm', '--network=none', 'evil:places', 'sh', '-c', look);
        if (ran.code === 0) assert.equal(ran.stdout, '0\nend\n', place);
        assert.equal(await readFile('/proc/sys/kernel/core_pattern', 'utf8'), before, place);
        await untouched(place);
      }
      assert.equal(await ground.says('volume', 'ls', '-q'), '');
    });

    test('leaves setuid programs and what everybody may read where others of this machine find it (CVE-2021-41091)', async () => {
      const leave = 'cp /bin/busybox /v/su; chmod 6755 /v/su; echo kept > /v/file; chmod 644 /v/file; chmod 755 /v';
      await ground.says('run', '--rm', '--network=none', '-v', 'left:/v', 'busybox:test', 'sh', '-c', leave);
      const left = path.join(ground.dataRoot, 'volumes/left/_data');
      assert.equal(await readFile(path.join(left, 'file'), 'utf8'), 'kept\n');
      const other = ['--reuid=65533', '--regid=65533', '--clear-groups', 'sh', '-c'];
      for (const command of [`cat ${left}/file`, `${left}/su`, `ls ${ground.dataRoot}`]) {
        const { stdout, stderr } = await run('setpriv', [...other, command]);
        assert.equal(stdout, '', command);
        assert.match(stderr, /Permission denied/, command);
      }
      await ground.says('volume', 'rm', 'left');
    });

    test('an image that is mounted leads nowhere else by its links, and nothing in it can be written', async () => {
      await loadImage(ground, 'evil:mounted', {
        async change(layer) {
          await symlink(`${up}${outside}`, path.join(layer, 'out'));
          await symlink('/proc/1/root', path.join(layer, 'magic'));
          await mkdir(path.join(layer, 'd'));
          await symlink(`../${up}${outside}`, path.join(layer, 'd/up'));
        },
      });
      for (const Subpath of ['out', 'out/secret', 'magic', `magic${outside}`, 'd/up', 'd/up/secret']) {
        const said = await start(
          [{ Type: 'image', Source: 'evil:mounted', Target: '/i', ImageOptions: { Subpath } }],
          ['sh', '-c', 'cat /i /i/secret 2>/dev/null; echo x > /i/planted'],
        );
        assert.ok(!said.includes(SECRET.trim()), Subpath);
        await untouched(Subpath);
      }
      const whole = { Type: 'image', Source: 'evil:mounted', Target: '/i' };
      const said = await start(
        [whole],
        ['sh', '-c', 'cat /i/out/secret; touch /i/x && echo wrote; mount -o remount,rw /i && echo again'],
      );
      assert.equal(said, '');
      await untouched('all of it');
    });
  });
